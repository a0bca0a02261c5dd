"""The local blob store keeps the promises of `ports.blobs`."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from jupyter_slml.errors import IntegrityError, Invalid, NotFound, SlmlError
from jupyter_slml.ports.blobs import Blobs, digest_key
from jupyter_slml.storage.blobs import file_url, open_blobs, verify


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return open_blobs(file_url(tmp_path / "store with spaces"))


def test_create_lets_exactly_one_win(blobs: Blobs) -> None:
    """Thirty-two callers at once: the fence of attempts."""
    gate = threading.Barrier(32)
    won: list[bytes] = []

    def race(number: int) -> None:
        gate.wait()
        if blobs.create("attempts/a/outcome.json", b"%d" % number):
            won.append(b"%d" % number)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [blobs.get("attempts/a/outcome.json")] == won


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


def test_content_is_stored_once_under_its_digest(blobs: Blobs, tmp_path: Path) -> None:
    """The stored file is read-only and is the file that is mapped; a wrong digest stores nothing."""
    digest, size = blobs.add([b"ab", b"c"])
    assert (digest, size) == (hashlib.sha256(b"abc").hexdigest(), 3)
    assert blobs.add([b"abc"]) == (digest, 3)
    source = tmp_path / "source"
    source.write_bytes(b"abc")
    assert blobs.add_file(source)[0] == digest
    assert source.exists()
    path = blobs.local(digest, tmp_path / "cache")
    assert path.read_bytes() == b"".join(blobs.read(digest)) == b"abc"
    assert path.stat().st_mode & 0o222 == 0
    with pytest.raises(IntegrityError):
        blobs.add([b"other"], digest)
    assert not blobs.exists(digest_key(hashlib.sha256(b"other").hexdigest()))
    verify(path, digest)
    path.chmod(0o600)
    path.write_bytes(b"tampered")
    with pytest.raises(IntegrityError, match="was changed on disk"):
        verify(path, digest)


def test_lists_deletes_and_misses(blobs: Blobs) -> None:
    """Keys come sorted; what is not there is NotFound, and deleting it is no error."""
    for number in (2, 1, 3):
        blobs.put(f"attempts/a/log/{number:08}.jsonl", b"{}")
    assert [key[-7] for key in blobs.list("attempts/a/log")] == ["1", "2", "3"]
    blobs.delete("attempts/a/log/00000001.jsonl")
    blobs.delete("attempts/a/log/00000001.jsonl")
    assert len(blobs.list("attempts/a/log")) == 2
    assert blobs.list("attempts/none") == []
    with pytest.raises(NotFound):
        blobs.get("attempts/a/none")
    with pytest.raises(NotFound):
        blobs.local("0" * 64, Path("unused"))


def test_keys_cannot_leave_the_store(blobs: Blobs) -> None:
    """A key is never a way out."""
    with pytest.raises(SlmlError):
        blobs.put("../outside", b"x")


def test_unknown_schemes_are_refused() -> None:
    """The error names the forms that work."""
    with pytest.raises(Invalid, match="is not a blob store") as caught:
        open_blobs("ftp://host/x")
    assert "s3://bucket" in str(caught.value)
