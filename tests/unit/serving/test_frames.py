"""Frames survive any way of cutting the stream, and what is no frame is noticed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_slml.serving import frames

batches = st.lists(st.lists(st.binary(max_size=300), max_size=6), max_size=5)


@given(batches, st.lists(st.integers(1, 64), min_size=1))
def test_any_cut_gives_the_same_frames(sent: list[list[bytes]], cuts: list[int]) -> None:
    stream = b"".join(frames.join(parts) for parts in sent)
    splitter = frames.Splitter()
    got: list[list[bytes]] = []
    at = 0
    turn = 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        got += splitter.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert got == sent


@given(st.binary(max_size=200))
def test_garbage_gives_frames_or_broken_frame(garbage: bytes) -> None:
    splitter = frames.Splitter()
    try:
        for parts in splitter.feed(garbage):
            assert all(isinstance(part, bytes) for part in parts)
    except frames.BrokenFrame:
        pass


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\n"), max_size=40), st.binary(max_size=100))
def test_a_question_comes_back(content_type: str, body: bytes) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    part = frames.head(content_type.encode("latin-1"), b"text/csv", b"sagemaker", trace.encode()) + body
    assert frames.read_question(part) == frames.Question(content_type, "text/csv", body, "sagemaker", trace)


@given(st.integers(200, 599), st.binary(max_size=255), st.binary(max_size=100))
def test_an_answer_comes_back(status: int, content_type: bytes, body: bytes) -> None:
    reply = frames.Reply(status, content_type, body)
    assert frames.read_reply(frames.write_reply(reply)) == reply


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack("<II", 0, 0),
        struct.pack("<II", frames.MOST + 1, 0),
        struct.pack("<II", 8, 5) + b"1234",
        struct.pack("<III", 9, 1, 7) + b"x",
    ],
)
def test_a_broken_frame_is_noticed(frame: bytes) -> None:
    with pytest.raises(frames.BrokenFrame):
        list(frames.Splitter().feed(frame))


@pytest.mark.parametrize("part", [b"", b"\x05", b"\x05\x00abc", b"\x21\x00\n" + b"0" * 32, b"\x40\x00" + b"0" * 33])
def test_a_broken_question_is_noticed(part: bytes) -> None:
    with pytest.raises(frames.BrokenFrame):
        frames.read_question(part)


@pytest.mark.parametrize("part", [b"", b"\xc8\x00", b"\xc8\x00\x09json", b"\x00\x00\x00"])
def test_a_broken_answer_is_noticed(part: bytes) -> None:
    with pytest.raises(frames.BrokenFrame):
        frames.read_reply(part)
