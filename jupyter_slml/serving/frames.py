"""What travels between the gateway and a replica: batches of opaque bodies, length-prefixed, little-endian.

A frame is `u32 L · u32 n · n * u32 lengths · n parts`, with L = 4 + 4n + the sum of the lengths. On the way to the replica
a part is `u16 m · m bytes of head · body`. The head is lines; what is added later goes before the trace id, which is last:

    content type     as the client sent it; may be empty
    accept           as the client sent it; may be empty
    door             `slml`, or `sagemaker` for what SageMaker's clients sent: see `DOORS`
    trace id         32 hex digits: of the client's traceparent, else the id of the request in X-Request-Id and the log

On the way back it is `u16 status · u8 c · c bytes of content type · body`. A refusal (status >= 400) has the JSON shape of
`SlmlError.to_wire` at every door: the gateway turns it into the door's own. A link is first in first out, so frames carry
no ids. A frame without parts asks whether the replica lives, and is answered by a frame without parts.

A replica introduces itself by one line of JSON: `{"hello": "replica", "endpoint", "revision", "replica", "token"}`, and with
`"standby": true` when it is loaded ahead: it gets no work until the gateway needs it, and no message when it does: the first
frame is the message. It is answered by `{"ok": true}` or `{"ok": false, "error": {…}}`, then frames begin.
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


#: Through which door a request came. The answer of a model is the same at each; what differs is the gateway's business.
DOORS = ("slml", "sagemaker")

#: Characters of a trace id.
TRACE = 32


class Question(NamedTuple):
    """One body as it reaches a replica."""

    content_type: str
    accept: str
    body: bytes
    door: str = "slml"
    trace: str = ""


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


#: Asks whether a replica lives, and says that it does.
EMPTY = join(())


def ask(questions: Sequence[tuple[bytes, bytes]]) -> bytes:
    """One frame of questions, each given as its head and its body."""
    lengths = [len(head) + len(body) for head, body in questions]
    count = len(questions)
    pieces = [_HEAD.pack(4 + 4 * count + sum(lengths), count), struct.pack(f"<{count}I", *lengths)]
    for question in questions:
        pieces += question
    return b"".join(pieces)


def head(content_type: bytes, accept: bytes, door: bytes = b"slml", trace: bytes = b"0" * TRACE) -> bytes:
    """The length-prefixed head of a question; a header is never longer than 16 KiB."""
    return head_start(content_type, accept, door) + trace


def head_start(content_type: bytes, accept: bytes, door: bytes) -> bytes:
    """A head up to its trace id, which is all that two requests of one client differ in."""
    lines = b"%b\n%b\n%b\n" % (content_type, accept, door)
    return _U16.pack(len(lines) + TRACE) + lines


def read_question(part: bytes) -> Question:
    """Take a question apart. Raises BrokenFrame."""
    if len(part) < 2:
        raise BrokenFrame("a question without a head")
    end = 2 + part[0] + (part[1] << 8)
    start = end - TRACE
    if len(part) < end or start < 2:
        raise BrokenFrame("a head that is longer than its question, or has no trace id")
    content_type, accept, door = _lines(part[2:start])
    return Question(content_type, accept, part[end:], door, part[start:end].decode("latin-1"))


@lru_cache(maxsize=256)
def _lines(found: bytes) -> tuple[str, str, str]:
    """Content type, accept and door; the same few come again and again."""
    lines = found.decode("latin-1").split("\n")
    if len(lines) < 4:
        raise BrokenFrame("a head with too few lines")
    return lines[0], lines[1], lines[2]


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
