"""Archives that want to do harm write nothing; honest ones come out as they went in."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from jupyter_slml.domain.archives import MOST_MEMBERS, is_archive, unpack
from jupyter_slml.errors import Invalid


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return path


def plain(name: str, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o4777
    return info, data


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info, b""


def refused(path: Path, folder: Path, what: str) -> None:
    folder.mkdir(exist_ok=True)
    with pytest.raises(Invalid, match=what) as caught:
        unpack(path, folder)
    assert caught.value.field == "path" and caught.value.remedy
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_honest_tar_comes_out(tmp_path: Path, mode: str) -> None:
    large = os.urandom(3 * 2**20)
    path = tar(tmp_path / "model.tar", plain("./code/inference.py", b"x = 1\n"), plain("model.bin", large), mode=mode)
    out = tmp_path / "out"
    out.mkdir()
    assert is_archive(path)
    assert {(item.name, item.size) for item in unpack(path, out)} == {("code/inference.py", 6), ("model.bin", len(large))}
    assert (out / "model.bin").read_bytes() == large
    # Modes are ours: no setuid, nothing for others to write.
    assert not (out / "model.bin").stat().st_mode & (stat.S_ISUID | stat.S_IWOTH | stat.S_IXUSR)


def test_an_honest_zip_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/", "")
        archive.writestr("a/b.txt", "text " * 1000)
    out = tmp_path / "out"
    out.mkdir()
    assert [item.name for item in unpack(path, out)] == ["a/b.txt"]
    assert (out / "a/b.txt").read_text() == "text " * 1000


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "C:evil", "a\\..\\evil", "a\nb", "x" * 300])
def test_names_that_lead_out(tmp_path: Path, name: str) -> None:
    refused(tar(tmp_path / "t", plain("good", b"1"), plain(name, b"2")), tmp_path / "out", "leads out|cannot be")
    path = tmp_path / "z"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good", "1")
        archive.writestr(name, "2")
    refused(path, tmp_path / "out", "leads out|cannot be")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("kind", "word"),
    [(tarfile.SYMTYPE, "link"), (tarfile.LNKTYPE, "link"), (tarfile.CHRTYPE, "device"), (tarfile.FIFOTYPE, "pipe")],
)
def test_links_and_devices(tmp_path: Path, kind: bytes, word: str) -> None:
    path = tar(tmp_path / "t", plain("good", b"1"), special("code", kind, "/etc"), plain("code/passwd", b"2"))
    refused(path, tmp_path / "out", word)


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "z"
    info = zipfile.ZipInfo("code")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "/etc")
    refused(path, tmp_path / "out", "symbolic link")


def test_bombs(tmp_path: Path) -> None:
    """Refused by what they say, before a byte is written, or as soon as they give more."""
    path = tmp_path / "z"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w", force_zip64=True) as out:
        for _ in range(100):
            out.write(bytes(2**20))
    refused(path, tmp_path / "out", "unpacks to more")
    info = tarfile.TarInfo("zeros")
    info.size = 2**40
    # Only its header: it says a tebibyte.
    (tmp_path / "t").write_bytes(gzip.compress(info.tobuf() + bytes(2**20)))
    refused(tmp_path / "t", tmp_path / "out", "more than|unpacks")
    extended = tarfile.TarInfo("long")
    extended.type, extended.size = tarfile.XHDTYPE, 2**36
    # A header that makes the library read 64 GiB at once.
    (tmp_path / "p").write_bytes(gzip.compress(extended.tobuf() + bytes(2**20)))
    refused(tmp_path / "p", tmp_path / "out", "damaged|more than")
    with zipfile.ZipFile(tmp_path / "n", "w") as archive:
        for number in range(MOST_MEMBERS + 1):
            archive.writestr(f"f{number}", b"")
    refused(tmp_path / "n", tmp_path / "out", "members")


def test_a_zip_that_lies_about_sizes(tmp_path: Path) -> None:
    path = tmp_path / "z"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(10 * 2**20))
    data = path.read_bytes()
    size = (10 * 2**20).to_bytes(4, "little")
    path.write_bytes(data.replace(size, (5).to_bytes(4, "little")))
    (tmp_path / "out").mkdir()
    with pytest.raises(Invalid):
        unpack(path, tmp_path / "out")
    assert sum(item.stat().st_size for item in (tmp_path / "out").iterdir()) <= 5


def test_doubled_names_and_a_file_that_is_a_folder(tmp_path: Path) -> None:
    refused(tar(tmp_path / "t", plain("a", b"1"), plain("./A", b"2")), tmp_path / "out", "twice")
    both = tar(tmp_path / "b", plain("a", b"1"), plain("a/b", b"2"))
    (tmp_path / "o").mkdir()
    with pytest.raises(Invalid, match="both a file and a folder"):
        unpack(both, tmp_path / "o")


def test_cut_off_and_garbage(tmp_path: Path) -> None:
    whole = tar(tmp_path / "t", plain("a", os.urandom(2**20))).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "cut", tmp_path / "out", "damaged")
    (tmp_path / "junk").write_bytes(os.urandom(5000))
    assert not is_archive(tmp_path / "junk")
    refused(tmp_path / "junk", tmp_path / "out", "damaged")
    zipped = tmp_path / "z"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a", os.urandom(2**16))
    zipped.write_bytes(zipped.read_bytes()[:-200])
    refused(zipped, tmp_path / "out", "damaged")
