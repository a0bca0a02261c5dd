"""Server-sent events: the frame, the heartbeat, and the end when the daemon leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse

#: Seconds after which a silent stream sends a comment, so that proxies keep it and dead peers are noticed.
HEARTBEAT = 15.0


def frame(data: str, *, event: str | None = None, event_id: int | None = None) -> str:
    """One server-sent event. `data` must be a single line (JSON is)."""
    head = (f"id: {event_id}\n" if event_id is not None else "") + (f"event: {event}\n" if event else "")
    return f"{head}data: {data}\n\n"


def stream(frames: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(
        frames,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
    )


def wants_stream(accept: str | None) -> bool:
    return accept is not None and "text/event-stream" in accept
