"""A job or an endpoint as a MIME bundle: our own type, static html without script or style sheet, and text."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from jupyter_slml.domain.batch import FIGURES, progress_text
from jupyter_slml.domain.states import JobState
from jupyter_slml.notebook import search
from jupyter_slml.notebook.drawing import Points, spark
from jupyter_slml.notebook.load import figures
from jupyter_slml.notebook.table import human_seconds, human_size

if TYPE_CHECKING:
    from jupyter_slml.domain.phases import Phase
    from jupyter_slml.domain.records import Job

MIME = "application/vnd.jupyter-slml.job+json"
SCHEMA = 1
#: Lines of the log that a card shows.
TAIL = 8
_TITLE = "padding:2px 12px 2px 0;text-align:left;vertical-align:top;border:none"


def job_payload(
    job: Job, tail: Sequence[str], workspace: str, *, headless: bool, curves: Mapping[str, Points] | None = None
) -> dict[str, Any]:
    """The card of a job, as the contract with the front end has it."""
    outcome = job.outcome
    # Of a plain record, as submitting gives it, nobody knows more.
    phases: Sequence[Phase] = getattr(job, "phases", ())
    return {
        "schema": SCHEMA,
        "workspace": workspace,
        "kind": "job",
        "id": job.id,
        "name": job.name,
        "state": job.state.value,
        "reason": job.reason,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "instance": job.spec.instance,
        "metrics": dict(job.metrics),
        "registered": job.registered,
        "outcome": None
        if outcome is None
        else {
            "reason": outcome.reason.value,
            "message": outcome.message,
            "error": outcome.error.model_dump(mode="json") if outcome.error else None,
        },
        "log_tail": list(tail)[-TAIL:],
        "outputs": [
            {"name": item.name, "type": item.type, "format": item.format, "size": item.size}
            for item in (outcome.outputs if outcome else [])
        ],
        "captures": [{"name": item.name, "type": item.type, "size": item.size} for item in job.spec.captures],
        "phases": [phase.model_dump() for phase in phases],
        "expected_at": getattr(job, "expected_at", None),
        "curves": dict(curves or {}),
        **({} if job.spec.batch is None else {"batch": _batch(job)}),
        "revision": job.revision,
        "headless": headless,
    }


def endpoint_payload(view: Mapping[str, Any], workspace: str, load: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The card of an endpoint; `view` and `load` are the API's EndpointView and EndpointLoad as JSON."""
    return {
        "schema": SCHEMA,
        "workspace": workspace,
        "kind": "endpoint",
        "id": view["name"],
        "name": view["name"],
        "state": view["state"],
        "reason": view["reason"],
        "url": view["url"],
        "model": view["model"],
        "version": view["version"],
        "follows": view["spec"]["model"] if view["spec"]["follow"] else None,
        "replicas": sum(replica["state"] == "ready" for replica in view["replicas"]),
        "traffic": [
            {"model": f"{item['model']}@{item['version']}", "revision": item["number"], "weight": item["weight"]}
            for item in view["revisions"]
            if item["weight"]
        ],
        "load": None if load is None else dict(load),
    }


def bundle(payload: dict[str, Any]) -> dict[str, Any]:
    """The MIME bundle of a payload."""
    plain = "\n".join([text(payload), *(_facts(payload) if payload["kind"] == "endpoint" else ())])
    return {MIME: payload, "text/html": html(payload), "text/plain": plain}


def text(payload: Mapping[str, Any]) -> str:
    """One line: `late: succeeded in 3.4 s · auc 0.83 · late@1 · job-…`."""
    if payload["kind"] == "endpoint":
        parts = [f"{payload['name']}: {payload['state']}", f"{payload['model']}@{payload['version']}", payload["url"]]
        return " · ".join([*parts[:1], *([payload["reason"]] if payload["reason"] else []), *parts[1:]])
    state = payload["state"].replace("_", " ")
    took = elapsed(payload)
    word = "in" if payload["ended_at"] else "for"
    parts = [f"{payload['name']}: {state}" + (f" {word} {human_seconds(took)}" if took is not None else "")]
    error = (payload["outcome"] or {}).get("error")
    if error:
        parts.append(f"{error['ename']}: {error['evalue']}" + (f" (line {error['line']})" if error["line"] else ""))
    elif payload["reason"] and payload["state"] != JobState.SUCCEEDED:
        parts.append(payload["reason"])
    if payload.get("tuning"):
        parts.append(search.text(payload["tuning"]))
    elif payload.get("batch"):
        parts += [payload["batch"]["progress"]] if payload["batch"]["progress"] else []
    else:
        parts += [f"{name} {value:.6g}" for name, value in payload["metrics"].items()]
    if payload["registered"]:
        parts.append(payload["registered"])
    return " · ".join([*parts, payload["id"]])


def elapsed(payload: Mapping[str, Any], now: float | None = None) -> float | None:
    """Seconds that the cell ran; None before its start."""
    if payload["started_at"] is None:
        return None
    end = payload["ended_at"] or (time.time() if now is None else now)
    return max(0.0, float(end - payload["started_at"]))


def html(payload: Mapping[str, Any]) -> str:
    """A plain table, for readers without our renderer."""
    rows = _endpoint_rows(payload) if payload["kind"] == "endpoint" else _job_rows(payload)
    body = "".join(
        f'<tr><th style="{_TITLE}">{escape(title)}</th><td style="{_TITLE}">{cell}</td></tr>' for title, cell in rows if cell
    )
    return f"<table><tbody>{body}</tbody></table>"


def _job_rows(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    outcome = payload["outcome"] or {}
    error = outcome.get("error")
    outputs = ", ".join(f"{item['name']} ({item['type']}, {human_size(item['size'])})" for item in payload["outputs"])
    sizes = ", ".join(
        f"{item['name']} ({item['type']}, {human_size(item['size'])})"
        for item in payload["captures"]
        if item["size"] and not item["name"].startswith("_slml_")
    )
    message = "" if payload["state"] == JobState.SUCCEEDED else outcome.get("message") or payload["reason"]
    return [
        ("job", f"<b>{escape(payload['name'])}</b> <code>{escape(payload['id'])}</code>"),
        ("state", escape(payload["state"].replace("_", " "))),
        ("reason", escape(message)),
        ("starts", escape(expected(payload))),
        ("ran", escape(human_seconds(elapsed(payload)))),
        ("time", escape(spent(payload))),
        ("on", escape(payload["instance"])),
        ("progress", escape((payload.get("batch") or {}).get("progress", ""))),
        ("written to", f"<code>{escape(payload['batch']['output'])}</code>" if payload.get("batch") else ""),
        ("metrics", _metrics(payload)),
        *(search.rows(payload["tuning"]) if payload.get("tuning") else ()),
        ("captured", escape(sizes)),
        ("outputs", escape(outputs)),
        ("registered", escape(payload["registered"] or "")),
        ("error", _pre([*(error["traceback"] or [f"{error['ename']}: {error['evalue']}"])]) if error else ""),
        ("log", _pre(payload["log_tail"])),
    ]


def expected(payload: Mapping[str, Any], now: float | None = None) -> str:
    """When a queued job may start: `in about 20 s`; empty where nobody knows."""
    if payload["state"] != JobState.QUEUED or payload["expected_at"] is None:
        return ""
    left = payload["expected_at"] - (time.time() if now is None else now)
    return f"in about {human_seconds(max(10.0, left)) if left >= 10 else f'{left:.0f} s'}" if left > 1 else "any moment now"


def spent(payload: Mapping[str, Any], now: float | None = None) -> str:
    """Where the time went: `queued 0.02 s, starting 0.01 s, running 3.40 s`."""
    here = time.time() if now is None else now
    ended = payload["ended_at"] is not None
    parts = []
    for phase in payload["phases"]:
        end = phase["end"]
        if end is None and ended:
            continue
        parts.append(f"{phase['name']} {human_seconds((here if end is None else end) - phase['start'])}")
    return ", ".join(parts)


def _batch(job: Job) -> dict[str, Any]:
    """What a card says of a batch job alone."""
    assert job.spec.batch is not None
    progress = progress_text(job.metrics, ended=job.ended_at is not None)
    return {"output": job.spec.batch.output, "progress": progress}


def _metrics(payload: Mapping[str, Any]) -> str:
    """Each metric with its last value and, where it has one, its curve."""
    parts = []
    for name, value in payload["metrics"].items():
        if payload.get("batch") and name in FIGURES:
            continue
        curve = spark(name, payload["curves"].get(name, ()))
        parts.append(f"<div>{escape(name)} = {value:.6g}{' ' + curve if curve else ''}</div>")
    return "".join(parts)


def _endpoint_rows(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("endpoint", f"<b>{escape(payload['name'])}</b>"),
        ("state", escape(payload["state"])),
        ("reason", escape(payload["reason"])),
        ("model", escape(f"{payload['model']}@{payload['version']}")),
        *((title, escape(words)) for title, words in _figures(payload)),
        ("url", f"<code>{escape(payload['url'])}</code>"),
    ]


def _figures(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an endpoint has and does, as text."""
    rows = [("shares", shares(payload)), ("follows", payload["follows"] or ""), ("replicas", str(payload["replicas"]))]
    return rows + (figures(payload["load"]) if payload["load"] else [])


def _facts(payload: Mapping[str, Any]) -> list[str]:
    """The same for a terminal, a line each."""
    return [f"  {title:<12}{words}" for title, words in _figures(payload) if words]


def shares(payload: Mapping[str, Any]) -> str:
    """`90 % churn@7, 10 % churn@8`; empty for a single version."""
    found = payload["traffic"]
    return ", ".join(f"{item['weight']} % {item['model']}" for item in found) if len(found) > 1 else ""


def _pre(lines: Sequence[str]) -> str:
    import re

    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines))
    return f"<pre>{escape(plain)}</pre>" if plain.strip() else ""
