"""What a console finds in a replica: the model, its signature, and `predict`, which goes the way that requests go."""

from __future__ import annotations

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import orjson

from jupyter_slml.errors import Invalid, from_wire
from jupyter_slml.serving.frames import Question
from jupyter_slml.serving.replica.batch import Answerer

JSON = "application/json"
NPY = "application/x-npy"
ARROW = "application/vnd.apache.arrow.stream"

#: Rows that are predicted at a time: requests come in between.
PIECE = 1000
#: Seconds in which a request that waits gets its turn.
TURN = 0.0005


class Predict:
    """Predict with this replica's model, as a request would: decoded, checked and encoded. It is not counted as traffic."""

    def __init__(self, answerer: Answerer, lock: threading.Lock) -> None:
        """`lock` is held by whoever uses the answerer."""
        self._answerer = answerer
        self._lock = lock
        # A thread of its own: a console's has an event loop that runs, and models with `async def predict` want theirs.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="slml-console")

    def __call__(self, rows: Any, content_type: str | None = None) -> Any:
        """The predictions for a DataFrame, a 2-d array or a list of rows; or the answer to a body (bytes or text).

        Gives an array for frames and arrays and a list for lists. Raises what a request would be answered: Invalid for rows
        that the model cannot take, ModelError when it fails.
        """
        return self._thread.submit(self._predict, rows, content_type).result()

    def __repr__(self) -> str:
        return "predict(rows): rows as a DataFrame, a 2-d array or a list of rows; or predict(body, content_type)"

    def _predict(self, rows: Any, content_type: str | None) -> Any:
        if isinstance(rows, (bytes, str)):
            body = rows.encode() if isinstance(rows, str) else rows
            return self._answer(body, content_type or JSON)
        if isinstance(rows, np.ndarray) and rows.ndim == 1:
            rows = rows.reshape(1, -1)
        if not hasattr(rows, "__len__") or isinstance(rows, dict) or len(rows) <= PIECE:
            return self._shaped(rows, self._answer(*_encode(rows)))
        pieces = []
        for start in range(0, len(rows), PIECE):
            piece = rows.iloc[start : start + PIECE] if hasattr(rows, "iloc") else rows[start : start + PIECE]
            pieces.append(self._shaped(rows, self._answer(*_encode(piece))))
            time.sleep(TURN)
        return np.concatenate(pieces) if isinstance(pieces[0], np.ndarray) else [item for piece in pieces for item in piece]

    def _answer(self, body: bytes, content_type: str) -> Any:
        with self._lock:
            (reply,) = self._answerer.answer([Question(content_type, "", body)])
        if reply.status != 200:
            raise from_wire(orjson.loads(reply.body))
        is_json = reply.content_type.startswith(b"application/json")
        found = orjson.loads(reply.body) if is_json else reply.body
        return found["predictions"] if isinstance(found, dict) and "predictions" in found else found

    def _shaped(self, rows: Any, found: Any) -> Any:
        return np.asarray(found) if hasattr(rows, "__array__") and isinstance(found, list) else found


def leaving(shell: Any) -> dict[str, Any]:
    """`exit` and `quit` of a console: they end the console, while the kernel goes on serving."""
    from IPython.core import autocall

    exiter: Any = autocall.ZMQExitAutocall

    class Leave(exiter):  # type: ignore[misc]
        def __call__(self, keep_kernel: bool = True) -> None:
            super().__call__(True)

    leave = Leave(shell)
    return {"exit": leave, "quit": leave}


def _encode(rows: Any) -> tuple[bytes, str]:
    """A body, and its type. Raises Invalid for what is no table."""
    if hasattr(rows, "columns") and hasattr(rows, "iloc"):
        import pyarrow

        table = pyarrow.Table.from_pandas(rows, preserve_index=False)
        sink = io.BytesIO()
        with pyarrow.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        return sink.getvalue(), ARROW
    if isinstance(rows, np.ndarray) and rows.dtype.kind in "biuf":
        file = io.BytesIO()
        np.save(file, rows, allow_pickle=False)
        return file.getvalue(), NPY
    try:
        return orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY), JSON
    except TypeError as error:
        raise Invalid(
            f"Rows of type {type(rows).__name__} cannot be sent: {error}.",
            field="rows",
            remedy="Send a DataFrame, a 2-d array or a list of rows.",
        ) from None
