"""The ipywidgets face of a job and of an endpoint: core widgets only, so that VS Code and Colab draw them too.

Updated by the kernel's one event reader. Buttons send an HTTP request and nothing else, for ipykernel may run their
callbacks in a thread of its own, or only when the running cell has ended.
"""

from __future__ import annotations

import contextlib
import threading
import time
from html import escape
from typing import TYPE_CHECKING, Any

from jupyter_slml.domain.records import Job
from jupyter_slml.domain.states import JobState
from jupyter_slml.errors import NotFound, Unavailable
from jupyter_slml.notebook.card import elapsed, shares
from jupyter_slml.notebook.drawing import spark
from jupyter_slml.notebook.load import figures
from jupyter_slml.notebook.table import human_seconds

if TYPE_CHECKING:
    from jupyter_slml.notebook.endpoint import EndpointHandle
    from jupyter_slml.notebook.handle import JobHandle
    from jupyter_slml.notebook.session import Session

#: Seconds between two looks at an endpoint.
LOOK = 2.0

_PROGRESS = {
    JobState.QUEUED: (5, "info"),
    JobState.STARTING: (15, "info"),
    JobState.RUNNING: (50, "info"),
    JobState.STOPPING: (75, "warning"),
    JobState.SUCCEEDED: (100, "success"),
}


def job_widget(session: Session, handle: JobHandle) -> Any:
    """State, bar, time, metrics, Stop and the end of the log. Follows the job until it is final."""
    import ipywidgets as widgets

    state = widgets.HTML()
    bar = widgets.IntProgress(value=0, max=100, layout=widgets.Layout(width="160px"))
    stop = widgets.Button(description="Stop", icon="stop", tooltip=f"Stop {handle.name}")
    facts = widgets.HTML()
    log = widgets.HTML()
    box = widgets.VBox([widgets.HBox([state, bar, stop]), facts, log])

    def paint(record: Job, tail: list[str]) -> None:
        handle.update(record)
        value, style = _PROGRESS.get(record.state, (100, "danger"))
        payload = handle.payload(tail)
        took = human_seconds(elapsed(payload))
        curves = payload["curves"]
        metrics = ", ".join(
            f"{escape(name)} = {number:.6g} {spark(name, curves.get(name, ()))}".rstrip()
            for name, number in record.metrics.items()
        )
        with box.hold_trait_notifications():
            bar.value, bar.bar_style = progress(record, value), style
            state.value = f"<b>{escape(record.name)}</b> {escape(record.state.value.replace('_', ' '))}"
            facts.value = " · ".join(part for part in (took, metrics, escape(handle.reason)) if part)
            log.value = f"<pre>{escape(chr(10).join(tail))}</pre>" if tail else ""
            stop.disabled = record.state.is_final or record.state is JobState.STOPPING

    stop.on_click(lambda _: handle.stop())
    paint(handle.record, [])
    if not handle.record.state.is_final:
        session.live.watch(handle.id, paint)
    return box


def progress(record: Job, default: int) -> int:
    """A metric named `progress` between 0 and 1 moves the bar of a running job; else it stands by the state."""
    told = record.metrics.get("progress")
    if record.state is JobState.RUNNING and told is not None and 0 <= told <= 1:
        return round(100 * told)
    return default


def endpoint_widget(handle: EndpointHandle) -> Any:
    """State, replicas, traffic, latency, cold starts and cost of an endpoint, and a button that takes it down.

    Looks again every two seconds for as long as it is shown and the endpoint lives.
    """
    import ipywidgets as widgets

    state = widgets.HTML()
    facts = widgets.HTML()
    remove = widgets.Button(description="Undeploy", icon="stop", tooltip=f"Take {handle.name} down")
    box = widgets.VBox([widgets.HBox([state, remove]), facts])

    def paint() -> bool:
        """Show the endpoint as it is now; False when there is nothing more to show."""
        try:
            handle.refresh()
        except NotFound:
            state.value = f"<b>{escape(handle.name)}</b> stopped"
            facts.value = ""
            remove.disabled = True
            return False
        payload = handle.payload()
        rows = [
            ("model", shares(payload) or f"{payload['model']}@{payload['version']}"),
            ("replicas", f"{payload['replicas']} ready"),
            *(figures(payload["load"]) if payload["load"] else ()),
            ("url", payload["url"]),
        ]
        with box.hold_trait_notifications():
            state.value = (
                f"<b>{escape(payload['name'])}</b> {escape(payload['state'].replace('_', ' '))} {escape(payload['reason'])}"
            )
            facts.value = "<br>".join(f"{escape(title)}: {escape(words)}" for title, words in rows)
        return True

    def follow() -> None:
        # A widget that was closed has no comm; one whose daemon is away looks again.
        while box.comm is not None:
            time.sleep(LOOK)
            with contextlib.suppress(Unavailable):
                if not paint():
                    return

    def take_down(_: object) -> None:
        # Returns at once: the callback may run on the thread that also serves the kernel.
        remove.disabled = True
        handle.remove(wait=0)

    remove.on_click(take_down)
    if paint():
        threading.Thread(target=follow, name=f"slml-load-{handle.name}", daemon=True).start()
    return box
