"""The zygote's own floor: fork a child, run the cell, pickle the result back. No daemon, no Dask, no store, no log.

`run` is the program of such a child; `Floor` is the side that asks for it.
"""

from __future__ import annotations

import asyncio
import os
import pickle
from pathlib import Path
from typing import Any

from jupyter_slml.compute.zygotes import Zygotes
from jupyter_slml.domain.orders import Limits
from jupyter_slml.processes.zygote import PROGRAMS

LIMITS = Limits(threads=1, memory=4 * 2**30)


def run(payload: dict[str, Any], messages: int) -> int:
    """Run `source` and write the pickled value of `result` to the messages pipe."""
    names: dict[str, Any] = {}
    exec(payload["source"], names)
    with os.fdopen(messages, "wb") as file:
        pickle.dump(names[payload["result"]], file)
    return 0


class Floor:
    """A zygote of our own with everything imported that the product's has."""

    def __init__(self, folder: Path) -> None:
        self._path = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (self._path, str(Path(__file__).parent))))
        programs = {**PROGRAMS, "floor": "zygote_floor:run"}
        self._zygotes = Zygotes(folder, folder / "zygote.log", "slml-bench", programs)
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._zygotes.start())

    def result(self, source: str, name: str) -> Any:
        """The value that the cell leaves under `name`, when the child is gone."""
        return self._loop.run_until_complete(self._result(source, name))

    async def _result(self, source: str, name: str) -> Any:
        ours, theirs = os.pipe()
        null = os.open(os.devnull, os.O_WRONLY)
        child = await self._zygotes("floor", {"source": source, "result": name}, LIMITS, [null, null, theirs])
        os.close(theirs)
        os.close(null)

        def read() -> bytes:
            with os.fdopen(ours, "rb") as file:
                return file.read()

        value = pickle.loads(await asyncio.to_thread(read))
        await child.wait()
        return value

    def close(self) -> None:
        self._loop.run_until_complete(self._zygotes.close())
        self._loop.close()
        del os.environ["PYTHONPATH"]
        if self._path is not None:
            os.environ["PYTHONPATH"] = self._path
