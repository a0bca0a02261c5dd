"""Reading ahead: the next batch is fetched from a store while this one is predicted."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

#: An item, or what was raised in its place.
Fetched = tuple[T | None, BaseException | None]


def ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """The items, of which a thread takes one before it is asked for. What they raise comes in its place. A thread whose
    reader left early takes at most one more."""
    found: queue.Queue[Fetched[T]] = queue.Queue(maxsize=1)
    left = threading.Event()

    def fetch() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                if not _put(found, (item, None), left):
                    return
        except BaseException as raised:
            error = raised
        _put(found, (None, error or StopIteration()), left)

    threading.Thread(target=fetch, name="slml-ahead", daemon=True).start()
    try:
        while True:
            item, error = found.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        left.set()


def _put(found: queue.Queue[Fetched[T]], item: Fetched[T], left: threading.Event) -> bool:
    """False when nobody wants it any more."""
    while not left.is_set():
        try:
            found.put(item, timeout=0.2)
        except queue.Full:
            continue
        return True
    return False
