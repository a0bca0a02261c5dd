"""Where wrapped functions report to."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jupyter_slml.compute.autolog.samples import Samples

Say = Callable[[Mapping[str, float], int | None], None]

#: Own computing (a training score) may take this much, and this part of the time of the calls that were watched.
ALLOWANCE = 0.1
SHARE = 0.05


#: Object, attribute, new value.
Placement = tuple[Any, str, Any]


class Recorder:
    """Silent until it has a `say`, and inside a search, whose many fits are no metrics of the job. Counts its own costs."""

    def __init__(self) -> None:
        self.say: Say | None = None
        #: Rows of what was fitted.
        self.samples = Samples()
        self._broken = False
        self._hushes = 0
        self._lock = threading.Lock()
        self._local = threading.local()
        self._spent = 0.0
        self._watched = 0.0

    @property
    def silent(self) -> bool:
        return self.say is None or self._broken or self._hushes > 0

    def log(self, values: Mapping[str, float], step: int | None = None) -> None:
        if self.say is not None:
            self.say(values, step)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Swallow what goes wrong in autolog itself, and log no more."""
        begun = time.perf_counter()
        try:
            yield
        except Exception as error:
            if not self._broken:
                self._broken = True
                text = f"slml autolog stopped: {type(error).__name__}: {error}"
                print(text.splitlines()[0][:500], file=sys.stderr)  # noqa: T201
        finally:
            self._spent += time.perf_counter() - begun

    @contextmanager
    def hushed(self) -> Iterator[None]:
        """Inside, nothing is logged, in no thread."""
        with self._lock:
            self._hushes += 1
        try:
            yield
        finally:
            with self._lock:
                self._hushes -= 1

    @contextmanager
    def call(self) -> Iterator[bool]:
        """Around a user's call. Gives whether it is the outermost one of this thread."""
        depth = getattr(self._local, "depth", 0)
        self._local.depth = depth + 1
        begun = time.perf_counter()
        try:
            yield depth == 0
        finally:
            self._local.depth = depth
            if depth == 0:
                self._watched += time.perf_counter() - begun

    @property
    def budget(self) -> float:
        """Seconds that own computing may still take."""
        return ALLOWANCE + SHARE * self._watched - self._spent
