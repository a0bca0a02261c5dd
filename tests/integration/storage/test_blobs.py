"""The local blob store keeps the promises of `ports.blobs`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_slml.errors import IntegrityError, Invalid, NotFound, SlmlError
from jupyter_slml.ports.blobs import Blobs, digest_key
from jupyter_slml.storage.blobs import file_url, open_blobs, verify
from jupyter_slml.testing.conformance import BLOBS


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return open_blobs(file_url(tmp_path / "store with spaces"))


@pytest.mark.parametrize("check", BLOBS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", ["local", "remote"])
def test_the_obligations_of_the_port(check: Any, kind: str, tmp_path: Path) -> None:
    """Stores that are no directory go another way through our code; one in memory stands for them."""
    folder = tmp_path / "folder"
    folder.mkdir()
    check(open_blobs(file_url(tmp_path / "store") if kind == "local" else "memory:///"), folder)


def test_a_file_is_taken_over(blobs: Blobs, tmp_path: Path) -> None:
    incoming = tmp_path / "store with spaces" / "incoming"
    digest = hashlib.sha256(b"abc").hexdigest()
    (incoming / "handed-over").write_bytes(b"abc")
    inode = (incoming / "handed-over").stat().st_ino
    assert blobs.adopt("handed-over", digest) == 3
    path = blobs.local(digest, tmp_path)
    assert path.stat().st_ino == inode and path.stat().st_mode & 0o222 == 0
    assert list(incoming.iterdir()) == []
    # An answer may be lost: asking again is harmless, also when the bytes were handed over once more.
    assert blobs.adopt("handed-over", digest) == 3
    (incoming / "handed-over").write_bytes(b"abc")
    assert blobs.adopt("handed-over", digest) == 3
    assert list(incoming.iterdir()) == []


def test_what_is_not_taken_over(blobs: Blobs, tmp_path: Path) -> None:
    """Other bytes, other places, links and pipes."""
    store = tmp_path / "store with spaces"
    digest = hashlib.sha256(b"abc").hexdigest()
    secret = tmp_path / "secret-file"
    secret.write_bytes(b"abc")
    (store / "incoming" / "linked-file").symlink_to(secret)
    os.mkfifo(store / "incoming" / "named-pipe")
    (store / "incoming" / "other-bytes").write_bytes(b"abd")
    with pytest.raises(IntegrityError, match="another digest"):
        blobs.adopt("other-bytes", digest)
    assert not (store / "incoming" / "other-bytes").exists()
    for name in ("../../secret-file", "..", "", "a/b/c/d/e/f", str(secret), "named-pipe"):
        with pytest.raises(Invalid):
            blobs.adopt(name, digest)
    with pytest.raises(SlmlError):
        blobs.adopt("linked-file", digest)
    with pytest.raises(NotFound):
        blobs.adopt("not-there-at-all", digest)
    assert secret.exists() and not blobs.exists(digest_key(digest))


def test_a_file_is_counted_along_while_it_is_written(blobs: Blobs, tmp_path: Path) -> None:
    incoming = tmp_path / "store with spaces" / "incoming"
    pieces = [os.urandom(3 * 2**20) for _ in range(4)]
    digest = hashlib.sha256(b"".join(pieces)).hexdigest()
    with (incoming / "growing-file").open("wb", buffering=0) as file:
        blobs.follow("growing-file")
        blobs.follow("growing-file")
        for piece in pieces:
            file.write(piece)
    assert blobs.count("growing-file") == digest
    # By any of its names.
    os.link(incoming / "growing-file", incoming / "another-name")
    assert blobs.adopt("another-name", digest) == 12 * 2**20
    assert b"".join(blobs.read(digest)) == b"".join(pieces)
    for name in ("../../secret-file", "", "a/b/c/d/e/f"):
        with pytest.raises(Invalid):
            blobs.follow(name)
        with pytest.raises(Invalid):
            blobs.count(name)
    with pytest.raises(NotFound):
        blobs.count("not-there-at-all")


def test_what_is_written_after_the_count_is_noticed(blobs: Blobs, tmp_path: Path) -> None:
    incoming = tmp_path / "store with spaces" / "incoming"
    first, second = b"a" * 1000, b"b" * 1000
    digests = [hashlib.sha256(content).hexdigest() for content in (first, second)]
    (incoming / "changed-file").write_bytes(first)
    assert blobs.count("changed-file") == digests[0]
    before = (incoming / "changed-file").stat().st_mtime_ns
    while (incoming / "changed-file").stat().st_mtime_ns == before:
        (incoming / "changed-file").write_bytes(second)
    with pytest.raises(IntegrityError, match="another digest"):
        blobs.adopt("changed-file", digests[0])
    # Not front to back: what was read along is not what the file is.
    with (incoming / "rewritten").open("wb", buffering=0) as file:
        blobs.follow("rewritten")
        file.write(first * 2)
        file.truncate(1000)
    assert blobs.count("rewritten") == digests[0]


def test_more_files_than_are_followed_are_counted_all_the_same(blobs: Blobs, tmp_path: Path) -> None:
    incoming = tmp_path / "store with spaces" / "incoming"
    names = [f"one-of-many-{number}" for number in range(9)]
    for name in names:
        (incoming / name).touch()
        blobs.follow(name)
    for name in names:
        (incoming / name).write_bytes(name.encode())
    assert [blobs.count(name) for name in names] == [hashlib.sha256(name.encode()).hexdigest() for name in names]


def test_a_stored_file_is_the_one_that_is_mapped_and_cannot_be_changed(blobs: Blobs, tmp_path: Path) -> None:
    """It is read-only; who changes it all the same is found out."""
    digest, _ = blobs.add([b"abc"])
    path = blobs.local(digest, tmp_path / "cache")
    assert path == tmp_path / "store with spaces" / digest_key(digest)
    assert path.stat().st_mode & 0o222 == 0
    verify(path, digest)
    path.chmod(0o600)
    path.write_bytes(b"tampered")
    with pytest.raises(IntegrityError, match="was changed on disk"):
        verify(path, digest)


def test_unknown_schemes_are_refused() -> None:
    """The error names the forms that work."""
    with pytest.raises(Invalid, match="is not a blob store") as caught:
        open_blobs("ftp://host/x")
    assert "s3://bucket" in str(caught.value)
