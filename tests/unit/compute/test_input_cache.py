"""Copies of remote inputs: made once, evicted in the order of their use, never half."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from jupyter_slml.compute.input_cache import InputCache
from jupyter_slml.compute.inputs import bring
from jupyter_slml.compute.source import InputFailed, Unwanted, resolve


@pytest.fixture
def memory() -> Iterator[Any]:
    fs = MemoryFileSystem()
    fs.store.clear()
    yield fs
    fs.store.clear()


@pytest.fixture
def cache(tmp_path: Path) -> InputCache:
    return InputCache(tmp_path / "inputs", 1000)


def fetch(cache: InputCache, uri: str, holder: str = "attempt-1") -> Path:
    return cache.fetch(resolve("train", uri), holder, threading.Event())


def test_the_same_content_is_brought_once_and_a_new_one_again(memory: Any, cache: InputCache) -> None:
    memory.pipe("/b/x.csv", b"one")
    first, second = fetch(cache, "memory://b/x.csv"), fetch(cache, "memory://b/x.csv")
    assert first == second and (first / "x.csv").read_bytes() == b"one"
    assert (first / "x.csv").stat().st_mode & 0o777 == 0o400 and first.stat().st_mode & 0o777 == 0o500
    memory.pipe("/b/x.csv", b"two")
    assert (fetch(cache, "memory://b/x.csv") / "x.csv").read_bytes() == b"two"
    assert (first / "x.csv").read_bytes() == b"one"


def test_directories_and_globs_keep_their_places(memory: Any, cache: InputCache) -> None:
    for name in ("a.csv", "deep/b.csv", "c.txt"):
        memory.pipe(f"/b/{name}", name.encode())
    whole = fetch(cache, "memory://b")
    assert sorted(path.relative_to(whole).as_posix() for path in whole.rglob("*.*")) == ["a.csv", "c.txt", "deep/b.csv"]
    some = fetch(cache, "memory://b/*.csv")
    assert [path.name for path in some.iterdir()] == ["a.csv"]
    deep = fetch(cache, "memory://b/d*")
    assert [path.relative_to(deep).as_posix() for path in deep.rglob("*.csv")] == ["deep/b.csv"]


def test_the_longest_unused_goes_first_and_what_is_held_stays(memory: Any, cache: InputCache) -> None:
    for name in "abcd":
        memory.pipe(f"/b/{name}", bytes(400))
    a, b = fetch(cache, "memory://b/a", "one"), fetch(cache, "memory://b/b", "two")
    os.utime(a.parent, (1, 1))
    cache.release("one")
    cache.release("two")
    fetch(cache, "memory://b/c", "three")
    assert not a.exists() and b.exists()
    fetch(cache, "memory://b/b", "four")
    with pytest.raises(InputFailed, match=r"has room for 200 bytes.*--input-mode stream.*cache_gib="):
        fetch(cache, "memory://b/d", "five")
    cache.release("three")
    assert fetch(cache, "memory://b/d", "five").exists() and b.exists()


def test_what_fails_leaves_nothing(memory: Any, cache: InputCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_slml.compute.input_cache._PAUSES", (0.0,))
    for name in ("a", "b"):
        memory.pipe(f"/b/{name}", bytes(300))
    original = MemoryFileSystem.open
    tries = []

    def breaks(self: Any, path: str, *arguments: Any, **options: Any) -> Any:
        if path.endswith("/b"):
            tries.append(path)
            raise OSError("the line is cut")
        return original(self, path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "open", breaks)
        with pytest.raises(InputFailed, match=r"'train' \(memory://b\).*the line is cut"):
            fetch(cache, "memory://b")
    assert len(tries) == 2 and list(cache.root.iterdir()) == []
    assert (fetch(cache, "memory://b") / "b").exists()


def test_many_at_once_make_one_copy(memory: Any, cache: InputCache, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe("/b/x", bytes(300))
    opened = []
    original = MemoryFileSystem.open

    def counted(self: Any, path: str, *arguments: Any, **options: Any) -> Any:
        opened.append(path)
        return original(self, path, *arguments, **options)

    monkeypatch.setattr(MemoryFileSystem, "open", counted)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda number: fetch(cache, "memory://b/x", str(number)), range(8)))
    assert len(found) == len(opened) == 1


def test_nobody_wants_it_any_more(memory: Any, cache: InputCache) -> None:
    memory.pipe("/b/x", bytes(300))
    unwanted = threading.Event()
    unwanted.set()
    with pytest.raises(Unwanted):
        cache.fetch(resolve("train", "memory://b/x"), "one", unwanted)
    assert list(cache.root.iterdir()) == []


def test_all_channels_are_looked_at_before_one_is_brought(memory: Any, cache: InputCache, tmp_path: Path) -> None:
    memory.pipe("/b/x", b"x")
    inputs = {"good": "memory://b/x", "bad": "memory://b/missing"}
    with pytest.raises(InputFailed, match=r"'bad' \(memory://b/missing\).*does not exist"):
        bring(inputs, "file", cache, "one", tmp_path / "links", threading.Event())
    assert not cache.root.exists()


def test_a_name_that_leads_out_is_refused(memory: Any, cache: InputCache, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe("/b/x", b"x")
    info = {"name": "/b/../../etc/passwd", "size": 1, "type": "file"}
    monkeypatch.setattr(MemoryFileSystem, "find", lambda *a, **k: {"/b/../../etc/passwd": info})
    with pytest.raises(InputFailed, match="leads out of the channel"):
        fetch(cache, "memory://b")


def test_leftovers_of_a_killed_runner_go(tmp_path: Path) -> None:
    (tmp_path / ".key.part" / "data").mkdir(parents=True)
    InputCache(tmp_path, 10)
    assert list(tmp_path.iterdir()) == []
