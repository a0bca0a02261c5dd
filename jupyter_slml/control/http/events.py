"""`/events`: the log, page by page or live, from any position."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from jupyter_slml.control.bus import EVENTS
from jupyter_slml.control.http.services import Given, Services
from jupyter_slml.control.http.streaming import HEARTBEAT, frame, stream, wants_stream
from jupyter_slml.domain.records import Event
from jupyter_slml.domain.views import EventPage
from jupyter_slml.storage import events as table

router = APIRouter(tags=["events"])
_PAGE = 500


@router.get("/events", response_model=EventPage)
async def read_events(
    services: Given,
    after: Annotated[int, Query(ge=-1, description="Events after this id; -1 means from now on.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    accept: Annotated[str | None, Header()] = None,
    last_event_id: Annotated[int | None, Header()] = None,
) -> EventPage | Response:
    """The event log. With `Accept: text/event-stream` it goes on for ever; `Last-Event-ID` resumes it without loss or
    repetition."""
    position = after if last_event_id is None else last_event_id
    if position == -1:
        position = await asyncio.to_thread(_last, services)
    if wants_stream(accept):
        return stream(_live(services, position))
    found = await asyncio.to_thread(_after, services, position, limit)
    return EventPage(events=found, last=found[-1].id if found else position)


async def _live(services: Services, position: int) -> AsyncIterator[str]:
    # The first byte tells the client that it is connected, and from which id it would resume.
    yield f": after {position}\n\n"
    while not services.bus.closed:
        listening = services.bus.listen(EVENTS)
        found = await asyncio.to_thread(_after, services, position, _PAGE)
        for event in found:
            position = event.id
            yield frame(event.model_dump_json(), event=event.kind, event_id=event.id)
        if len(found) < _PAGE and not await listening.wait(HEARTBEAT):
            yield ":\n\n"


def _after(services: Services, position: int, limit: int) -> list[Event]:
    with services.database.read() as connection:
        return table.after(connection, position, limit)


def _last(services: Services) -> int:
    with services.database.read() as connection:
        return table.last(connection)
