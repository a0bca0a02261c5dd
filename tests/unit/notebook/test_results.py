"""What a job leaves besides its outputs: curves, plots, files, its executed cell, its displays."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_slml.domain.outcomes import Artifact, CellError
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.states import JobState
from jupyter_slml.domain.views import MetricPoint
from jupyter_slml.errors import Conflict, Invalid, JobFailed, NotFound
from jupyter_slml.notebook.drawing import chart, spark
from jupyter_slml.notebook.handle import JobHandle
from jupyter_slml.notebook.history import Curves
from tests.unit.notebook.platform import Platform


@pytest.fixture
def job(shell: InteractiveShell, platform: Platform) -> JobHandle:
    platform.points = [MetricPoint(t=float(n), step=n, values={"loss": 1 / (n + 1)}) for n in range(500)]
    platform.points.append(MetricPoint(t=600.0, values={"auc": 0.75}))
    result = shell.run_cell("%%train --name fit\nx = 1")  # type: ignore[no-untyped-call]
    made = result.result
    assert isinstance(made, JobHandle)
    outcome = made.record.outcome
    assert outcome is not None
    files = [
        Artifact(name=name, format="file", digest=digest, size=3, type="file")
        for name, digest in (("report.txt", "a" * 64), ("plots/roc.bin", "b" * 64))
    ]
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {"id": "cell", "cell_type": "code", "execution_count": 1, "metadata": {}, "source": "x = 1", "outputs": []},
        ],
    }
    platform.stored |= {"a" * 64: "für".encode(), "b" * 64: b"\0\1\2", "c" * 64: json.dumps(notebook).encode()}
    record = made.record.evolve(
        revision=99, metrics={"loss": 0.002, "auc": 0.75}, outcome=outcome.evolve(files=files, notebook="c" * 64)
    )
    platform.records[record.id] = record
    return JobHandle(made._session, record)


def test_curves_of_the_card_are_thin_and_end_with_the_last_point(job: JobHandle) -> None:
    made = job._repr_mimebundle_()
    curves = made["application/vnd.jupyter-slml.job+json"]["curves"]
    assert len(curves["loss"]) <= 100 and curves["loss"][-1] == [499, 1 / 500] and curves["auc"] == [[0, 0.75]]
    html = made["text/html"]
    assert html.count("<svg") == 1 and "<script" not in html and "<style" not in html
    assert 'aria-label="loss: 1 to 0.002 in' in html
    ElementTree.fromstring(html.replace("<br>", "<br/>"))


def test_a_running_job_is_not_asked_for_its_points_all_the_time(job: JobHandle, platform: Platform) -> None:
    curves = Curves(platform, job.id)  # type: ignore[arg-type]
    running = job.record.evolve(state=JobState.RUNNING)
    before = platform.asked
    for number in range(50):
        curves.read(running.evolve(metrics={"loss": float(number)}))
    assert platform.asked == before + 1
    curves.read(job.record)
    curves.read(job.record)
    assert platform.asked == before + 2
    assert Curves(platform, job.id).read(running.evolve(metrics={})) == {}  # type: ignore[arg-type]
    assert platform.asked == before + 2


def test_plot(job: JobHandle) -> None:
    plot = job.plot("loss")
    made = plot._repr_mimebundle_()
    spec = made["application/vnd.vegalite.v5+json"]
    assert spec["$schema"].endswith("vega-lite/v5.json") and len(spec["data"]["values"]) == 500
    assert spec["data"]["values"][0] == {"step": 0, "value": 1.0, "metric": "loss"}
    ElementTree.fromstring(made["image/svg+xml"])
    assert "loss: 500 points, 1 → 0.002" in made["text/plain"]
    assert list(job.plot().curves) == ["loss", "auc"]
    with pytest.raises(Invalid, match="no metric 'lost'") as caught:
        job.plot("lost")
    assert "loss, auc" in str(caught.value)


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [-1e308, 1e308], [1e-300, 2e-300]])
def test_pictures_of_odd_curves_are_well_formed(values: list[float]) -> None:
    points = [[float(step), value] for step, value in enumerate(values)]
    for picture in (spark("<a&b>", points), chart({"<a&b>": points})):
        if picture:
            root = ElementTree.fromstring(picture)
            for line in root.iter():
                assert "nan" not in line.get("points", "") and "inf" not in line.get("points", "")


def test_history_is_a_frame_when_pandas_is_loaded(job: JobHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas as pd

    frame = job.history
    assert isinstance(frame, pd.DataFrame) and list(frame.columns) == ["step", "time", "attempt", "loss", "auc"]
    assert frame["loss"].iloc[1] == 0.5 and frame["step"].iloc[-1] is pd.NA and len(frame) == 501
    monkeypatch.delitem(sys.modules, "pandas")
    assert job.history[0] == {"attempt": 1, "t": 0.0, "step": 0, "values": {"loss": 1.0}}


def test_files(job: JobHandle, tmp_path: Path) -> None:
    assert list(job.files) == ["report.txt", "plots/roc.bin"] and "report.txt" in job.files
    with job.files["report.txt"].open() as file:
        assert file.read() == "für"
    with job.files["plots/roc.bin"].open("rb") as file:
        assert file.read() == b"\0\1\2"
    assert job.files["plots/roc.bin"].save(tmp_path).name == "roc.bin"
    made = job.files.save(tmp_path / "all")
    assert [path.relative_to(tmp_path / "all").as_posix() for path in made] == ["report.txt", "plots/roc.bin"]
    assert "plots/roc.bin  3 B" in repr(job.files) and "<table>" in job.files._repr_html_()
    with pytest.raises(NotFound, match="left no file 'nope'"):
        job.files["nope"]
    with pytest.raises(ValueError, match="read only"):
        job.files["report.txt"].open("w")


def test_the_executed_cell(job: JobHandle, tmp_path: Path) -> None:
    made = job.notebook()
    assert made.node.cells[0].source == "x = 1"
    assert made.save(tmp_path / "cell.ipynb").exists() and repr(made).startswith("<notebook of 1 cell, 0 outputs")


def test_what_is_not_there_yet(job: JobHandle, platform: Platform) -> None:
    record: Job = platform.records[job.id].evolve(state=JobState.RUNNING, outcome=None, ended_at=None)
    platform.records[job.id] = record
    handle = JobHandle(job._session, record)
    with pytest.raises(Conflict, match="its notebook comes when it has ended"):
        handle.notebook()
    with pytest.raises(NotFound, match="its files come when it has ended"):
        handle.files["report.txt"]


def test_figures_of_a_failed_job_are_shown_before_its_error(
    shell: InteractiveShell, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: Any = {"output_type": "display_data", "data": {"text/plain": "a figure"}, "metadata": {}}
    platform.shown = [shown]
    platform.error = CellError(ename="ValueError", evalue="bad", traceback=["ValueError: bad"], line=2)
    result = shell.run_cell("%%train\nx = 1")  # type: ignore[no-untyped-call]
    assert isinstance(result.error_in_exec, JobFailed)
    assert "a figure" in capsys.readouterr().out
