"""One request and the place of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_slml.errors import SlmlError
from jupyter_slml.serving.gateway import answers

if TYPE_CHECKING:
    from jupyter_slml.serving.gateway.endpoint import Endpoint
    from jupyter_slml.serving.gateway.http import HttpConnection


class Exchange:
    """A request that arrived in full. It is `done` once it is answered or nobody waits for the answer any more."""

    __slots__ = (
        "arrived",
        "bare",
        "body",
        "connection",
        "deadline",
        "done",
        "endpoint",
        "head",
        "keep",
        "linger",
        "old",
        "tries",
        "wire",
    )

    def __init__(self, connection: HttpConnection, arrived: float, head: bytes, body: bytes) -> None:
        self.connection = connection
        self.arrived = arrived
        #: The content type and what is accepted, as a frame carries them.
        self.head = head
        self.body = body
        self.deadline = 0.0
        self.endpoint: Endpoint | None = None
        self.tries = 0
        self.done = False
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
        extra += self.connection.date.line
        if not self.keep:
            extra += b"Connection: close\r\n"
        elif self.old:
            extra += b"Connection: keep-alive\r\n"
        self.wire = answers.render(status, content_type, body, extra, bare=self.bare)
        self.connection.release()

    def fail(self, error: SlmlError) -> None:
        self.finish(error.status, answers.JSON, answers.error_body(error), answers.error_headers(error))
