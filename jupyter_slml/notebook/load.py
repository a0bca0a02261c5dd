"""An endpoint in words: its figures for its card, its widget and its text; its revisions and decisions as tables."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_slml.notebook.table import Table, human_seconds, moment

if TYPE_CHECKING:
    from jupyter_slml.domain.views import EndpointView
    from jupyter_slml.notebook.session import Session


def figures(load: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(title, text) of an EndpointLoad as JSON; what was not measured is left out."""
    rows = [
        ("traffic", _traffic(load)),
        ("latency", _latency(load)),
        ("now", f"{load['in_flight']} in flight, {load['waiting']} waiting"),
        ("cold starts", _cold_starts(load["cold_starts"])),
        ("cost so far", _cost(load)),
    ]
    return [(title, text) for title, text in rows if text]


def _traffic(load: Mapping[str, Any]) -> str:
    parts = [f"{load['rate']:.3g} requests/s"]
    if len(load["rates"]) > 1:
        parts[0] += f" ({', '.join(f'v{number}: {rate:.3g}' for number, rate in sorted(load['rates'].items()))})"
    shares = (("errors", load["error_rate"]), ("refused", load["refused_rate"]))
    parts += [f"{share:.2%} {what}" for what, share in shares if share]
    return f"{', '.join(parts)} over the last {human_seconds(load['window'])}"


def _latency(load: Mapping[str, Any]) -> str:
    found = [(name, load[name]) for name in ("p50", "p95", "p99") if load[name] is not None]
    return ", ".join(f"{name} {value:.3g} ms" for name, value in found)


def _cold_starts(starts: Mapping[str, Any]) -> str:
    if not starts["count"]:
        return ""
    phases = ", ".join(f"{name} {value:.0f}" for name, value in starts["phases"].items())
    return f"{starts['count']}, median {starts['median']:.0f} ms" + (f" ({phases})" if phases else "")


def _cost(load: Mapping[str, Any]) -> str:
    ran = f"{human_seconds(load['replica_seconds'])} of replicas"
    return f"{load['cost']:.2f} ({ran})" if load["cost"] else ran


def served(view: EndpointView) -> str:
    """`churn@7`, or with several `90 % churn@7, 10 % churn@8`."""
    shares = [(item.weight, f"{item.model}@{item.version}") for item in view.revisions if item.weight]
    return (
        ", ".join(f"{weight} % {model}" for weight, model in shares) if len(shares) > 1 else f"{view.model}@{view.version}"
    )


def revisions(session: Session, name: str, limit: int = 20) -> Table:
    """Newest first. Raises NotFound."""
    rows = [
        [
            item.number,
            f"{item.model}@{item.version}",
            f"{item.weight} %" if item.weight else "",
            item.instance,
            moment(item.created_at),
            moment(item.ready_at) if item.ready_at else "never",
        ]
        for item in session.client.endpoints.revisions(name, limit).revisions
    ]
    return Table(["revision", "model", "traffic", "instance", "deployed at", "answered first"], rows)


def decisions(session: Session, name: str, limit: int = 20) -> Table:
    """What the autoscaler decided, why, and the numbers that it saw; newest first. Raises NotFound."""
    endpoints = session.client.endpoints
    numbers = {item.id: item.number for item in endpoints.revisions(name, 1000).revisions}
    rows = [
        [
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(item.at)),
            numbers.get(item.revision, item.revision),
            f"{item.before} → {item.after}",
            item.reason,
            ", ".join(f"{key} {value:.4g}" for key, value in item.inputs.items()),
        ]
        for item in endpoints.decisions(name, limit).decisions
    ]
    columns = ["when", "revision", "replicas", "why", "seen (times in seconds)"]
    return Table(
        columns, rows, title=f"Decisions about {name}", empty="Nothing was decided yet: its replicas are as deployed."
    )
