"""Large captures reach a local store as files; what the store has is not sent again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from jupyter_slml.client import Client
from jupyter_slml.client.blobs import HAND_OVER
from jupyter_slml.client.start import leave
from jupyter_slml.errors import IntegrityError
from jupyter_slml.notebook.spool import Spool
from jupyter_slml.settings import workspace
from tests.integration.notebook.conftest import Runner, texts


@pytest.fixture
def large(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(HAND_OVER))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def stored(home: Path, digest: str) -> Path:
    return home / "blobs" / "cas" / "sha256" / digest[:2] / digest


def test_a_large_file_becomes_the_stored_one(client: Client, home: Path, large: tuple[Path, str]) -> None:
    path, digest = large
    inode = path.stat().st_ino
    client.blobs.put(digest, path)
    assert stored(home, digest).stat().st_ino == inode
    assert client.blobs.missing([digest]) == []
    assert list((home / "blobs" / "incoming").iterdir()) == []
    # Once more is harmless, and the sender's own name stays its own.
    client.blobs.put(digest, path)
    assert path.exists() and list((home / "blobs" / "incoming").iterdir()) == []


def test_another_file_system_gets_a_copy(
    client: Client, home: Path, large: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    path, digest = large
    client.blobs.put(digest, path)
    assert stored(home, digest).read_bytes() == path.read_bytes()
    assert stored(home, digest).stat().st_ino != path.stat().st_ino


def test_other_bytes_than_promised_are_refused(client: Client, home: Path, large: tuple[Path, str]) -> None:
    path, _ = large
    with pytest.raises(IntegrityError, match="another digest"):
        client.blobs.put("0" * 64, path)
    assert list((home / "blobs" / "incoming").iterdir()) == [] and not stored(home, "0" * 64).exists()


def test_a_store_that_is_not_ours_to_write_gets_a_body(
    client: Client, home: Path, large: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.blobs, "incoming", lambda: None)
    path, digest = large
    client.blobs.put(digest, path)
    assert stored(home, digest).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_large_capture_is_written_where_it_stays(client: Client, home: Path, restarted: bool) -> None:
    content = os.urandom(40 * 2**20)
    digest = hashlib.sha256(content).hexdigest()
    spool = Spool(lambda: client.blobs)
    for begin in range(0, len(content), 7 * 2**20):
        spool.write(content[begin : begin + 7 * 2**20])
        if restarted and begin == 35 * 2**20:
            # The next daemon has not read along.
            leave(workspace(home), drain=False)
    path = Path(spool.file.name)
    assert path.parent == home / "blobs" / "incoming" and spool.moved
    assert spool.finish() == (digest, len(content))
    assert spool.file.read() == content
    assert client.blobs.missing([digest]) == [digest]
    inode = path.stat().st_ino
    client.blobs.put(digest, path)
    spool.close()
    assert stored(home, digest).stat().st_ino == inode
    assert list((home / "blobs" / "incoming").iterdir()) == []


def test_a_small_capture_and_one_for_another_store_stay_here(
    client: Client, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(40 * 2**20)
    small = Spool(lambda: client.blobs)
    small.write(content[: 2**20])
    monkeypatch.setattr(client.blobs, "incoming", lambda: None)
    elsewhere = Spool(lambda: client.blobs)
    elsewhere.write(content[:10])
    elsewhere.write(content[10:])
    for spool, expected in ((small, content[: 2**20]), (elsewhere, content)):
        assert not spool.moved and spool.finish() == (hashlib.sha256(expected).hexdigest(), len(expected))
        assert spool.file.read() == expected and Path(spool.file.name).parent != home / "blobs" / "incoming"
        spool.close()


def test_a_large_value_is_stored_once_until_it_changes(run: Runner, home: Path) -> None:
    cell = "x = float(big[5]), float(frame['b'].iloc[3])"
    done = run(
        "import numpy as np, pandas as pd\nbig = np.zeros(6_000_000)\n"
        "frame = pd.DataFrame({'a': np.ones(3_000_000), 'b': np.arange(3_000_000)})",
        f"%%train --name first\n{cell}",
        f"%%train --name again\n{cell}",
        "big[5] = 7\nframe.loc[3, 'b'] = 8",
        f"%%train --name changed\n{cell}",
        "print(*[list(slml.job(name).outputs['x'].load()) for name in ('first', 'again', 'changed')])\n"
        "print([slml.job(name).record.spec.captures[0].digest for name in ('first', 'again')])",
    )
    lines = texts(done.cells[6]).splitlines()
    assert lines[0] == "[0.0, 3.0] [0.0, 3.0] [7.0, 8.0]"
    assert len(set(lines[1].strip("[]").split(", "))) == 1
    large = [
        path
        for path in (home / "blobs" / "cas").rglob("*")
        if path.is_file() and path.stat().st_size in range(48_000_000, 48_100_000)
    ]
    assert len(large) == 4
    assert list((home / "blobs" / "incoming").iterdir()) == []
