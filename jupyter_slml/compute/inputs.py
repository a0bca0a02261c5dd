"""A job's input channels, brought to this host: what the runner does, and what it tells the child."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from jupyter_slml.compute.input_cache import InputCache
from jupyter_slml.compute.source import Source, Unwanted, resolve

#: By channel, either `{"path"}` or `{"uri", "kind"}`: JSON that the child reads.
Manifest = dict[str, dict[str, Any]]


def bring(
    inputs: Mapping[str, str],
    mode: Literal["file", "stream"],
    cache: InputCache,
    holder: str,
    folder: Path,
    unwanted: threading.Event,
) -> Manifest:
    """Have every channel at hand, or none: all URIs are looked at before the first byte is brought.

    Local files and directories are used where they are; what a local glob matches is linked in `folder`. Blocks. Raises
    InputFailed for the first channel that cannot be read, Unwanted soon after the event was set.
    """
    sources = [resolve(channel, uri) for channel, uri in inputs.items()]
    if mode == "stream":
        return {source.channel: {"uri": source.uri, "kind": source.kind} for source in sources}
    return {source.channel: {"path": str(_place(source, cache, holder, folder, unwanted))} for source in sources}


def _place(source: Source, cache: InputCache, holder: str, folder: Path, unwanted: threading.Event) -> Path:
    if unwanted.is_set():
        raise Unwanted
    if source.in_place and source.kind != "glob":
        return Path(source.parts[0].path)
    if source.in_place:
        for part in source.parts:
            link = folder / source.channel / part.place
            link.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            link.symlink_to(part.path)
        return folder / source.channel
    found = cache.fetch(source, holder, unwanted)
    return found / source.parts[0].place if source.kind == "file" else found


def in_thread(call: Callable[..., Manifest], *arguments: Any) -> asyncio.Future[Manifest]:
    """Run a call that may take hours, or hang, in a thread that nobody has to wait for: not in the pool that the store's
    calls need, and not when the process ends."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Manifest] = loop.create_future()

    def settle(found: Manifest | None, error: BaseException | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
            # An error that comes when nobody waits any more is no news.
            result.exception()
        else:
            result.set_result(found or {})

    def work() -> None:
        found, failure = None, None
        try:
            found = call(*arguments)
        except BaseException as error:
            failure = error
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, found, failure)

    threading.Thread(target=work, name="slml-inputs", daemon=True).start()
    return result
