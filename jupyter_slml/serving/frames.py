"""What travels between the gateway and a replica: batches of opaque bodies, length-prefixed, little-endian.

A frame is `u32 L · u32 n · n * u32 lengths · n parts`, with L = 4 + 4n + the sum of the lengths. On the way to the replica
a part is `u16 m · m bytes of head · body`, the head being lines: content type, accept, and whatever comes later. On the way
back it is `u16 status · u8 c · c bytes of content type · body`. A link is first in first out, so frames carry no ids.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

#: No frame is longer; a longer one means that the other side is broken.
MOST = 512 * 1024 * 1024

_U32 = struct.Struct("<I")
_HEAD = struct.Struct("<II")
_U16 = struct.Struct("<H")
_ANSWER = struct.Struct("<HB")


class BrokenFrame(Exception):
    """The other side sent bytes that are no frame."""


class Question(NamedTuple):
    """One body as it reaches a replica."""

    content_type: str
    accept: str
    body: bytes


class Reply(NamedTuple):
    """One body as it leaves a replica."""

    status: int
    content_type: bytes
    body: bytes


def join(parts: Sequence[bytes]) -> bytes:
    """One frame of `parts`."""
    lengths = [len(part) for part in parts]
    count = len(parts)
    return b"".join((_HEAD.pack(4 + 4 * count + sum(lengths), count), struct.pack(f"<{count}I", *lengths), *parts))


def head(content_type: bytes, accept: bytes) -> bytes:
    """The length-prefixed head of a question; a header is never longer than 16 KiB."""
    lines = content_type + b"\n" + accept
    return _U16.pack(len(lines)) + lines


def read_question(part: bytes) -> Question:
    """Take a question apart. Raises BrokenFrame."""
    if len(part) < 2:
        raise BrokenFrame("a question without a head")
    end = 2 + part[0] + (part[1] << 8)
    if len(part) < end:
        raise BrokenFrame("a head that is longer than its question")
    return Question(*_lines(part[2:end]), part[end:])


@lru_cache(maxsize=256)
def _lines(found: bytes) -> tuple[str, str]:
    """Content type and accept; the same few come again and again."""
    lines = found.decode("latin-1").split("\n")
    return lines[0], lines[1] if len(lines) > 1 else ""


def write_reply(reply: Reply) -> bytes:
    return _ANSWER.pack(reply.status, len(reply.content_type)) + reply.content_type + reply.body


def read_reply(part: bytes) -> Reply:
    """Take an answer apart. Raises BrokenFrame."""
    if len(part) < 3:
        raise BrokenFrame("an answer without a head")
    status, length = _ANSWER.unpack_from(part)
    if len(part) < 3 + length or not 200 <= status <= 599:
        raise BrokenFrame("an answer with a broken head")
    return Reply(status, part[3 : 3 + length], part[3 + length :])


class Splitter:
    """Collects bytes as they come and gives back whole frames, each as the list of its parts."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[list[bytes]]:
        """Raises BrokenFrame for what cannot be a frame."""
        held = self._held
        held += data
        start = 0
        try:
            while len(held) - start >= 8:
                length, count = _HEAD.unpack_from(held, start)
                if length > MOST or 4 + 4 * count > length:
                    raise BrokenFrame("a frame of an impossible length")
                if len(held) - start < 4 + length:
                    break
                frame = bytes(memoryview(held)[start : start + 4 + length])
                start += 4 + length
                yield split(frame)
        finally:
            if start:
                del held[:start]


def split(frame: bytes | memoryview) -> list[bytes]:
    """The parts of one whole frame. Raises BrokenFrame when its lengths do not add up."""
    _, count = _HEAD.unpack_from(frame) if len(frame) >= 8 else (0, MOST)
    at = 8 + 4 * count
    lengths = struct.unpack_from(f"<{count}I", frame, 8) if at <= len(frame) else ()
    if at + sum(lengths) != len(frame):
        raise BrokenFrame("a frame whose lengths do not add up")
    parts = []
    for length in lengths:
        parts.append(bytes(frame[at : at + length]))
        at += length
    return parts
