"""What is written is what is counted, in whatever pieces it comes."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pandas as pd
import pytest

from jupyter_slml.domain import formats
from jupyter_slml.notebook.spool import Spool

LARGE = 3 * 2**20


@pytest.mark.parametrize("pieces", [[], [10], [10, LARGE, 5, LARGE, 1]], ids=["nothing", "small", "mixed"])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_digest_and_size(pieces: list[int], kind: type) -> None:
    spool = Spool()
    whole = b""
    for size in pieces:
        piece = os.urandom(size)
        whole += piece
        assert spool.write(kind(piece)) == size
    assert spool.finish() == (hashlib.sha256(whole).hexdigest(), len(whole))
    assert spool.file.read() == whole
    spool.close()
    assert spool.closed


def test_a_writer_may_use_its_memory_again() -> None:
    spool = Spool()
    piece = bytearray(LARGE)
    expected = hashlib.sha256()
    for number in range(20):
        piece[:] = bytes([number]) * LARGE
        expected.update(piece)
        spool.write(piece)
    assert spool.finish()[0] == expected.hexdigest()
    spool.close()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(pd.DataFrame(np.arange(600_000.0).reshape(-1, 4), columns=list("abcd")), id="frame"),
        pytest.param(np.arange(600_000.0), id="array"),
        pytest.param(np.asfortranarray(np.arange(600_000.0).reshape(-1, 2)), id="fortran"),
        pytest.param({"a": np.arange(600_000.0), "b": b"x" * LARGE}, id="pickle"),
    ],
)
def test_every_format_writes_front_to_back(value: object) -> None:
    from jupyter_slml.notebook.pickling import encode

    spool = Spool()
    key, _ = encode(value, spool, {})  # type: ignore[arg-type]
    digest, size = spool.finish()
    content = spool.file.read()
    assert (digest, size) == (hashlib.sha256(content).hexdigest(), len(content))
    from pathlib import Path

    assert type(formats.by_key(key).read(Path(spool.file.name))) is type(value)
    spool.close()
