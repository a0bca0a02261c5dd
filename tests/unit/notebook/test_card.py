"""The card: one payload, three faces."""

from __future__ import annotations

import time

from jupyter_slml.domain.outcomes import Artifact, CellError, Outcome, Reason
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import Capture, JobSpec
from jupyter_slml.domain.states import AttemptState, JobState
from jupyter_slml.notebook.card import MIME, bundle, endpoint_payload, html, job_payload
from jupyter_slml.notebook.live import LogTail


def job(**changes: object) -> Job:
    spec = JobSpec(
        name="late",
        source="x",
        captures=[Capture(name="df", format="arrow", digest="0" * 64, size=2048, type="pandas.DataFrame")],
    )
    first = Job(id="job-1", name="late", spec=spec, state=JobState.RUNNING, created_at=1.0, started_at=time.time() - 3)
    return first.evolve(**changes)


def test_payload_is_the_contracts() -> None:
    payload = job_payload(job(metrics={"auc": 0.8}), [str(n) for n in range(20)], "slml-0-a", headless=False)
    assert set(payload) == {
        *(
            "schema",
            "workspace",
            "kind",
            "id",
            "name",
            "state",
            "reason",
            "created_at",
            "started_at",
            "ended_at",
            "instance",
        ),
        *("metrics", "registered", "outcome", "log_tail", "outputs", "captures", "revision", "headless"),
        *("phases", "expected_at", "curves"),
    }
    assert payload["log_tail"] == [str(n) for n in range(12, 20)]
    assert payload["captures"] == [{"name": "df", "type": "pandas.DataFrame", "size": 2048}]


def test_html_is_static_and_escaped() -> None:
    error = CellError(ename="ValueError", evalue="<b>", traceback=["\x1b[31mValueError\x1b[0m: <script>x</script>"], line=2)
    outcome = Outcome(
        attempt="a",
        state=AttemptState.FAILED,
        reason=Reason.EXCEPTION,
        message="the cell raised",
        error=error,
        outputs=[Artifact(name="m<", format="json", digest="0" * 64, size=5, type="int")],
    )
    made = bundle(
        job_payload(job(state=JobState.FAILED, ended_at=time.time(), outcome=outcome), ["<i>"], "w", headless=True)
    )
    assert set(made) == {MIME, "text/html", "text/plain"}
    assert "<script" not in made["text/html"] and "<style" not in made["text/html"] and "\x1b" not in made["text/html"]
    assert "&lt;script&gt;" in made["text/html"] and "m&lt;" in made["text/html"]
    assert made["text/plain"].startswith("late: failed in 3.0") and "ValueError: <b> (line 2)" in made["text/plain"]


def test_endpoint_card() -> None:
    view = {
        "name": "late",
        "state": "ready",
        "reason": "",
        "url": "http://127.0.0.1:1/x",
        "model": "late",
        "version": 2,
        "spec": {"model": "late@champion", "follow": True},
        "replicas": [{"state": "ready"}, {"state": "lost"}],
        "revisions": [
            {"model": "late", "version": 2, "number": 3, "weight": 100},
            {"model": "late", "version": 1, "number": 1, "weight": 0},
        ],
    }
    made = bundle(endpoint_payload(view, "w"))
    assert made[MIME]["replicas"] == 1 and made[MIME]["id"] == "late"
    assert made[MIME]["traffic"] == [{"model": "late@2", "revision": 3, "weight": 100}] and made[MIME]["load"] is None
    assert made["text/plain"].splitlines() == [
        "late: ready · late@2 · http://127.0.0.1:1/x",
        "  follows     late@champion",
        "  replicas    1",
    ]


def test_tail_keeps_what_a_progress_bar_shows_last() -> None:
    tail = LogTail(None, "job", lines=2)  # type: ignore[arg-type]
    tail.add("a\nb\n10%\r50%\r")
    tail.add("100%\nend")
    assert tail.lines == ["100%", "end"]


def test_where_the_time_went_and_when_it_may_start() -> None:
    from jupyter_slml.domain.phases import Phase
    from jupyter_slml.domain.views import JobView

    now = time.time()
    phases = [Phase(name="queued", start=now - 10, end=now - 9.5), Phase(name="running", start=now - 9.5)]
    running = JobView(**dict(job(started_at=now - 9.5)), phases=phases)
    payload = job_payload(running, [], "w", headless=True)
    assert payload["phases"][0] == {"name": "queued", "start": now - 10, "end": now - 9.5}
    assert "queued 0.50 s, running 9.5" in html(payload)
    waiting = JobView(**dict(job(state=JobState.QUEUED, started_at=None)), expected_at=now + 42)
    assert "in about 4" in html(job_payload(waiting, [], "w", headless=True))
    late = JobView(**dict(job(state=JobState.QUEUED, started_at=None)), expected_at=now - 5)
    assert "any moment now" in html(job_payload(late, [], "w", headless=True))
    assert "df (pandas.DataFrame, 2.0 KiB)" in html(payload)
