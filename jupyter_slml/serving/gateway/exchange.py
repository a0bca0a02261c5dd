"""One request and the place of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_slml.errors import SlmlError
from jupyter_slml.serving.gateway import answers
from jupyter_slml.serving.gateway.doors import Door

if TYPE_CHECKING:
    from jupyter_slml.serving.gateway.http import HttpConnection
    from jupyter_slml.serving.gateway.pool import Pool


class Exchange:
    """A request that arrived in full. It is `done` once it is answered or nobody waits for the answer any more."""

    __slots__ = (
        "arrived",
        "bare",
        "body",
        "connection",
        "deadline",
        "done",
        "door",
        "headers",
        "id",
        "keep",
        "linger",
        "old",
        "pool",
        "recorded",
        "start",
        "trace",
        "tries",
        "wire",
    )

    def __init__(
        self,
        connection: HttpConnection,
        arrived: float,
        name: bytes,
        door: Door,
        headers: dict[bytes, bytes],
        start: bytes,
        body: bytes,
    ) -> None:
        self.connection = connection
        self.arrived = arrived
        #: 32 hex digits, its own; and the trace that it is part of, which is its own id when the client named none.
        self.id = name
        self.trace = name
        self.door = door
        #: Those that mean something here, by lower-case name.
        self.headers = headers
        #: The head of its question up to the trace id.
        self.start = start
        self.body = body
        self.deadline = 0.0
        self.pool: Pool | None = None
        self.tries = 0
        self.done = False
        #: Whether it and its answer go to the request log.
        self.recorded = False
        #: The answer as it goes out, kept until the earlier ones of its connection are out.
        self.wire: bytes | None = None
        #: Keep the connection after it; an HTTP/1.0 client; an answer without a body; read on for a moment before closing.
        self.keep = True
        self.old = False
        self.bare = False
        self.linger = False

    def finish(self, status: int, content_type: bytes, body: bytes, extra: bytes = b"") -> None:
        """Answer; it goes out as soon as the earlier answers of the connection are out."""
        self.done = True
        connection = self.connection
        if not self.keep:
            extra += b"Connection: close\r\n"
        elif self.old:
            extra += b"Connection: keep-alive\r\n"
        self.wire = answers.render(status, content_type, body, self.id, connection.date.line, extra, self.bare)
        connection.release()

    def fail(self, error: SlmlError) -> None:
        """Answer that it was refused, in the shape of its door."""
        self.finish(*self.door.refuse(error))
