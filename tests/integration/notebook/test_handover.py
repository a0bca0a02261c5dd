"""Large captures reach a local store as files; what the store has is not sent again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from jupyter_slml.client import Client
from jupyter_slml.client.blobs import HAND_OVER
from jupyter_slml.errors import IntegrityError


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
