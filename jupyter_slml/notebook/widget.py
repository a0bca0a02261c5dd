"""The ipywidgets face of a job and of an endpoint: core widgets only, so that VS Code and Colab draw them too.

Updated by the kernel's one event reader. Buttons send an HTTP request and nothing else, for ipykernel may run their
callbacks in a thread of its own, or only when the running cell has ended.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from jupyter_slml.domain.records import Job
from jupyter_slml.domain.states import JobState
from jupyter_slml.notebook.card import elapsed
from jupyter_slml.notebook.drawing import spark
from jupyter_slml.notebook.table import human_seconds

if TYPE_CHECKING:
    from jupyter_slml.notebook.endpoint import EndpointHandle
    from jupyter_slml.notebook.handle import JobHandle
    from jupyter_slml.notebook.session import Session

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
    """State and address of an endpoint, with a button that looks again and one that takes it down."""
    import ipywidgets as widgets

    state = widgets.HTML()
    look = widgets.Button(description="Refresh", icon="refresh")
    remove = widgets.Button(description="Undeploy", icon="stop", tooltip=f"Take {handle.name} down")

    def paint(_: object = None) -> None:
        view = handle.refresh()
        ready = sum(replica.state == "ready" for replica in view.replicas)
        state.value = (
            f"<b>{escape(view.name)}</b> {escape(view.state.value)} · {escape(view.model)}@{view.version} · "
            f"{ready} ready · <code>{escape(view.url)}</code> {escape(view.reason)}"
        )

    def take_down(_: object) -> None:
        # Returns at once: the callback may run on the thread that also serves the kernel.
        handle.remove(wait=0)
        remove.disabled = True
        paint()

    look.on_click(paint)
    remove.on_click(take_down)
    paint()
    return widgets.VBox([state, widgets.HBox([look, remove])])
