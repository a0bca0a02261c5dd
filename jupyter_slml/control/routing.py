"""The routing snapshot: all that the gateway knows, written atomically so that it keeps serving without the daemon."""

from __future__ import annotations

import json

from sqlalchemy import Connection

from jupyter_slml.domain.states import Desired, EndpointState
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage import events


def snapshot(connection: Connection) -> str:
    """`{"serial", "endpoints": {name: {"timeout", "max_queue", "serving", "revisions": {id: {"token"}}}}}` as JSON.

    The serial is the newest event's id: it rises with every change that could matter here.
    """
    routes = {}
    for endpoint in table.live(connection):
        if endpoint.desired is Desired.STOP or endpoint.state is EndpointState.STOPPING:
            continue
        wanted = dict.fromkeys(item for item in (endpoint.serving, endpoint.revision) if item)
        found = [table.get_revision(connection, item) for item in wanted]
        newest = found[-1].spec
        routes[endpoint.name] = {
            "timeout": newest.timeout,
            "max_queue": newest.max_queue,
            "serving": endpoint.serving,
            "revisions": {revision.id: {"token": revision.token} for revision in found},
        }
    return json.dumps({"serial": events.last(connection), "endpoints": routes})
