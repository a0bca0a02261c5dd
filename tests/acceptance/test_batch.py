"""Batch jobs with real processes: exactly once through kills, bad records, damaged files, limits."""

from __future__ import annotations

import hashlib
import json
import signal
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_slml.domain.outcomes import Reason
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.states import AttemptState, JobState

from .conftest import Site, until

ROWS, FILES = 800, 8
PLAIN = "def predict(batch):\n    return batch.x * 2\n"
#: Notes each part that is begun; from the third on it waits for the gate.
GATED = """
import os, time
def predict(batch):
    with open({log!r}, "a") as file:
        print(int(batch.id.iloc[0]), file=file)
    deadline = time.monotonic() + 60
    while batch.id.iloc[0] >= 200 and not os.path.exists({gate!r}) and time.monotonic() < deadline:
        time.sleep(0.02)
    return batch.x * 2
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight files of 100 rows, one part each."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(FILES):
        ids = range(number * 100, number * 100 + 100)
        pq.write_table(pa.table({"id": ids, "x": pa.array(ids, pa.float32())}), folder / f"{number}.parquet")
    return folder


def batch(site: Site, source: str, data: Path | str, output: Path | str, **options: Any) -> Job:
    job = {name: options.pop(name) for name in ("instance", "timeout", "platform_retries") if name in options}
    given = {"input": [str(data)], "output": str(output), "part_rows": 100, **options}
    return site.submit(source, kind="batch", batch=given, **{"instance": "cpu.medium", **job})


def done(site: Site, *arguments: Any, **options: Any) -> Job:
    found = site.finish(batch(site, *arguments, **options))
    assert found.state is JobState.SUCCEEDED, found.reason
    return found


def whole(output: Path) -> pd.DataFrame:
    """All parts, which agree with the manifest and lie there alone."""
    lines = [json.loads(path.read_text()) for path in sorted((output / "_manifest").glob("part-*.json"))]
    named = {line["file"] for line in lines if line["file"]}
    assert {path.name for path in output.iterdir() if path.name.startswith("part-")} == named
    assert not list(output.rglob("*.tmp"))
    for line in lines:
        if line["file"]:
            path = output / line["file"]
            assert hashlib.sha256(path.read_bytes()).hexdigest() == line["sha256"]
            assert path.stat().st_size == line["bytes"] and pq.read_metadata(path).num_rows == line["rows"]
    totals = json.loads((output / "_SUCCESS").read_text())
    assert totals["parts"] == len(lines) and totals["rows"] == sum(line["rows"] for line in lines)
    return pd.concat([pd.read_parquet(output / name) for name in sorted(named)], ignore_index=True)


def begun(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []


@pytest.mark.parametrize(
    ("victim", "lost"),
    [("jupyter_slml.processes.daemon", 0), ("dask_worker", 0), ("jupyter_slml.processes.runner", 1)],
    ids=["daemon", "worker", "runner"],
)
def test_a_kill_repeats_only_what_was_under_way(site: Site, data: Path, tmp_path: Path, victim: str, lost: int) -> None:
    log, gate, output = tmp_path / "log", tmp_path / "gate", tmp_path / "out"
    job = batch(site, GATED.format(log=str(log), gate=str(gate)), data, output)
    until(lambda: len(begun(log)) == 4, 60, "two parts under way")
    until(lambda: len(list(output.glob("_manifest/part-*"))) == 2, 20, "two committed parts")
    site.kill(victim)
    if lost:
        until(lambda: len(begun(log)) == 6, 60, "the second attempt")
    gate.touch()
    found = site.finish(job)
    assert found.state is JobState.SUCCEEDED, found.reason
    assert whole(output).prediction.tolist() == [2.0 * row for row in range(ROWS)]
    # What was committed was not done again, what was under way was.
    assert sorted(begun(log)) == sorted([*range(0, ROWS, 100), *([200, 300] * lost)])
    attempts = site.client.jobs.attempts(job.id).attempts
    assert [item.state for item in attempts] == [AttemptState.LOST] * lost + [AttemptState.SUCCEEDED]
    parts = site.client.jobs.parts(job.id)
    assert [(item.part, item.state, item.rows) for item in parts.parts] == [(n, "committed", 100) for n in range(FILES)]
    assert parts.figures["rows"] == parts.figures["rows_total"] == ROWS and parts.figures["parts"] == FILES


def test_a_job_that_was_stopped_is_resumed(shared: Site, data: Path, tmp_path: Path) -> None:
    log, gate, output = tmp_path / "log", tmp_path / "gate", tmp_path / "out"
    source = GATED.format(log=str(log), gate=str(gate))
    job = batch(shared, source, data, output)
    until(lambda: len(begun(log)) == 4, 60, "two parts under way")
    until(lambda: len(list(output.glob("_manifest/part-*"))) == 2, 20, "two committed parts")
    shared.client.jobs.stop(job.id)
    assert shared.finish(job).state is JobState.STOPPED
    assert not (output / "_SUCCESS").exists()
    gate.touch()
    refused = shared.finish(batch(shared, source, data, output))
    assert refused.state is JobState.FAILED and refused.outcome is not None
    assert refused.outcome.reason is Reason.OUTPUT and "--resume" in refused.reason
    again = done(shared, source, data, output, resume=True)
    assert whole(output).id.tolist() == list(range(ROWS))
    assert sorted(begun(log)) == sorted([*range(0, ROWS, 100), 200, 300])
    assert again.metrics["parts"] == FILES


def test_another_job_does_not_go_on_with_it(shared: Site, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    done(shared, PLAIN, data, output)
    other = shared.finish(batch(shared, PLAIN.replace("2", "3"), data, output, resume=True))
    assert "another model, cell, input or other options" in other.reason
    (data / "0.parquet").write_bytes((data / "1.parquet").read_bytes())
    changed = shared.finish(batch(shared, PLAIN, data, output, resume=True))
    assert "0.parquet has changed" in changed.reason
    done(shared, PLAIN, data, output, overwrite=True)
    assert whole(output).id.tolist()[:100] == list(range(100, 200))
    (output / "mine.txt").write_text("kept")
    kept = shared.finish(batch(shared, PLAIN, data, output, overwrite=True))
    assert "no batch job wrote, such as mine.txt" in kept.reason and (output / "mine.txt").exists()


def test_a_part_whose_line_or_file_is_gone_is_done_again(shared: Site, data: Path, tmp_path: Path) -> None:
    """What a death after writing and before the manifest leaves; and what somebody else spoils."""
    log, output = tmp_path / "log", tmp_path / "out"
    source = GATED.format(log=str(log), gate=str(data))
    done(shared, source, data, output)
    log.unlink()
    (output / "_manifest" / "part-00002.json").unlink()
    (output / "part-00004.parquet").unlink()
    (output / "part-00005.parquet").write_bytes(b"x" * (output / "part-00005.parquet").stat().st_size)
    done(shared, source, data, output, resume=True)
    assert whole(output).prediction.tolist() == [2.0 * row for row in range(ROWS)]
    assert sorted(begun(log)) == [200, 400, 500]


def test_a_slot_that_dies_costs_one_part(shared: Site, data: Path, tmp_path: Path) -> None:
    marker, output = tmp_path / "died", tmp_path / "out"
    source = (
        "import os, signal\ndef predict(batch):\n"
        f"    if batch.id.iloc[0] == 300 and not os.path.exists({str(marker)!r}):\n"
        f"        open({str(marker)!r}, 'w').close(); os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    return batch.x * 2\n"
    )
    job = done(shared, source, data, output)
    assert whole(output).id.tolist() == list(range(ROWS))
    parts = shared.client.jobs.parts(job.id).parts
    assert [item.tries for item in parts] == [1, 1, 1, 2, 1, 1, 1, 1]


def test_a_part_that_always_kills_its_slot_ends_the_job(shared: Site, data: Path, tmp_path: Path) -> None:
    source = "import os\ndef predict(batch):\n    if batch.id.iloc[0] == 300:\n        os._exit(7)\n    return batch.x\n"
    found = shared.finish(batch(shared, source, data, tmp_path / "out", part_retries=1))
    assert found.state is JobState.FAILED and found.outcome is not None and found.outcome.reason is Reason.EXIT
    assert "Part 3 " in found.reason and "3.parquet" in found.reason and "2 times" in found.reason and "7" in found.reason


def test_a_slot_over_its_memory_tries_smaller_batches(shared: Site, tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"x": pa.array(range(64_000), pa.float32())}), path)
    source = (
        "import numpy, time\ndef predict(batch):\n    held = []\n"
        "    for _ in range(40):\n        held.append(numpy.ones(len(batch) * 40))\n        time.sleep(0.02)\n"
        "    return batch.x * 2\n"
    )
    job = done(shared, source, path, tmp_path / "out", batch_rows=64_000, parallel=1, instance="cpu.micro", part_rows=10**6)
    (part,) = shared.client.jobs.parts(job.id).parts
    assert part.tries == 2 and part.rows == 64_000


def test_records_that_the_model_refuses_are_told(shared: Site, data: Path, tmp_path: Path) -> None:
    source = (
        "def predict(batch):\n    for row in batch.itertuples():\n        if row.id in (17, 250, 251):\n"
        "            raise ValueError(f'no {row.id}')\n    return batch.x\n"
    )
    failed = shared.finish(batch(shared, source, data, tmp_path / "none"))
    assert failed.state is JobState.FAILED and failed.outcome is not None and failed.outcome.error is not None
    assert failed.outcome.error.line == 4 and "no 17" in failed.outcome.error.evalue
    assert "Row 18 of" in failed.reason and "--max-errors allows 0" in failed.reason
    output = tmp_path / "out"
    found = done(shared, source, data, output, max_errors="3")
    table = whole(output)
    assert sorted(set(range(ROWS)) - set(table.id)) == [17, 250, 251] and table.id.is_monotonic_increasing
    lines = [json.loads(line) for path in sorted(output.glob("_errors/*")) for line in path.read_text().splitlines()]
    assert [(Path(line["file"]).name, line["row"], line["reason"]) for line in lines] == [
        ("0.parquet", 18, "ValueError: no 17"),
        ("2.parquet", 51, "ValueError: no 250"),
        ("2.parquet", 52, "ValueError: no 251"),
    ]
    assert found.metrics["errors"] == 3 and found.metrics["rows"] == ROWS
    share = shared.finish(batch(shared, source, data, tmp_path / "share", max_errors="0.2%"))
    assert share.state is JobState.FAILED and "allows 0.2%" in share.reason


def test_too_many_errors_end_the_job_early(shared: Site, data: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    note = f"print(int(batch.id.iloc[0]), file=open({str(log)!r}, 'a'))"
    source = f"def predict(batch):\n    {note}\n    raise ValueError('never')\n"
    found = shared.finish(batch(shared, source, data, tmp_path / "out", max_errors="50", parallel=1))
    assert found.state is JobState.FAILED and "never" in found.reason
    assert max(begun(log)) < 200


def test_a_damaged_file_among_good_ones(shared: Site, data: Path, tmp_path: Path) -> None:
    (data / "3.parquet").write_bytes(b"no Parquet at all")
    (data / "_SUCCESS").write_text("left out")
    found = shared.finish(batch(shared, PLAIN, data, tmp_path / "none"))
    assert found.state is JobState.FAILED and "3.parquet: it is damaged" in found.reason
    output = tmp_path / "out"
    done(shared, PLAIN, data, output, max_errors="1")
    assert whole(output).id.tolist() == [row for row in range(ROWS) if not 300 <= row < 400]
    (line,) = [json.loads(line) for line in (output / "_errors" / "files.jsonl").read_text().splitlines()]
    assert line["file"].endswith("3.parquet") and "damaged" in line["reason"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"keep": ["nothing"]}, "no column 'nothing'"),
        ({"input_filter": "$[7]"}, "no column 7"),
        ({"output_filter": "$.nothing"}, "no column 'nothing'"),
        ({"format": "csv"}, "FAIL"),
        ({"input": ["/nowhere/at/all"]}, "does not exist"),
        ({"input": ["s3://nowhere/x.parquet"]}, "s3fs"),
        ({"output": "/proc/nothing"}, "cannot be written"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_is_said(shared: Site, data: Path, tmp_path: Path, options: dict[str, Any], said: str) -> None:
    given = {"input": [str(data)], "output": str(tmp_path / "out"), **options}
    found = shared.finish(shared.submit(PLAIN, kind="batch", batch=given))
    assert found.state is JobState.FAILED
    if said != "FAIL":
        assert said in found.reason


def test_the_output_inside_the_input_is_refused(shared: Site, data: Path) -> None:
    found = shared.finish(batch(shared, PLAIN, data, data / "out"))
    assert found.state is JobState.FAILED and "lies in the input" in found.reason and not (data / "out").exists()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "arrow", "parquet"])
def test_every_format_goes_in_and_out(shared: Site, tmp_path: Path, kind: str) -> None:
    """One file, several parts, texts with quotes, newlines and nothing."""
    texts = ["plain", 'a "quoted", one', "two\nlines", None] * 75
    frame = pd.DataFrame({"id": range(300), "text": texts, "x": [row / 2 for row in range(300)]})
    path, output = tmp_path / f"in.{kind}", tmp_path / "out"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif kind == "arrow":
        frame.to_feather(path, compression="uncompressed", chunksize=70)
    else:
        frame.to_parquet(path, row_group_size=70)
    done(shared, "def predict(batch):\n    return {'twice': batch.x * 2, 'length': batch.text.str.len()}\n", path, output)
    readers = {"csv": pd.read_csv, "jsonl": lambda path: pd.read_json(path, lines=True), "arrow": pd.read_feather}
    parts = sorted(output.glob("part-*"))
    assert len(parts) >= 3 and {part.suffix for part in parts} == {f".{kind}"}
    found = pd.concat([readers.get(kind, pd.read_parquet)(part) for part in parts], ignore_index=True)
    assert found.columns.tolist() == ["id", "text", "x", "twice", "length"]
    assert found.id.tolist() == list(range(300)) and found.twice.tolist() == list(map(float, range(300)))
    assert [None if pd.isna(text) else text for text in found.text] == texts
    assert found.length.iloc[:3].tolist() == [5.0, 15.0, 9.0]


def test_files_of_a_store_are_read_where_they_are(shared: Site, data: Path, tmp_path: Path) -> None:
    """Every file system of fsspec: here one in a zip archive, by a pattern and by name."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in data.iterdir():
            archive.write(path, path.name)
    output = tmp_path / "out"
    done(shared, PLAIN, f"zip://*.parquet::{tmp_path / 'all.zip'}", output)
    assert whole(output).prediction.tolist() == [2.0 * row for row in range(ROWS)]
    done(shared, PLAIN, f"zip://3.parquet::file://{tmp_path / 'all.zip'}", f"file://{tmp_path / 'one'}")
    assert whole(tmp_path / "one").id.tolist() == list(range(300, 400))


def test_a_csv_file_with_a_header_alone_has_no_rows(shared: Site, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,x\n")
    found = done(shared, PLAIN, tmp_path / "in.csv", tmp_path / "out")
    assert found.metrics["rows"] == 0 and (tmp_path / "out" / "_SUCCESS").exists()


def test_setup_runs_once_in_every_slot_and_the_cell_once(shared: Site, data: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    source = (
        f"import os\ndef note(word):\n    print(word, os.getpid(), file=open({str(log)!r}, 'a'))\nnote('cell')\n"
        "def setup():\n    global factor\n    factor = 2\n    note('setup')\n"
        "def predict(batch):\n    note('predict')\n    return batch.x * factor\n"
    )
    done(shared, source, data, tmp_path / "out")
    words = [line.split() for line in log.read_text().splitlines()]
    slots = {pid for word, pid in words if word == "predict"}
    assert [word for word, _ in words].count("cell") == 1
    setups = [pid for word, pid in words if word == "setup"]
    assert len(setups) == len(set(setups)) <= 2 and slots <= set(setups)


def test_setup_that_raises_ends_the_job(shared: Site, data: Path, tmp_path: Path) -> None:
    source = "def setup():\n    raise RuntimeError('no key')\ndef predict(batch):\n    return batch.x\n"
    found = shared.finish(batch(shared, source, data, tmp_path / "out"))
    assert found.state is JobState.FAILED and "setup() raised" in found.reason and "no key" in found.reason
    assert found.outcome is not None and found.outcome.error is not None and found.outcome.error.line == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return batch.x[:5]", "gave 5 values"),
        ("return None", "not a value per row"),
        ("return {'id': batch.x}", "column 'id'"),
    ],
)
def test_predictions_that_are_none(shared: Site, data: Path, tmp_path: Path, body: str, said: str) -> None:
    found = shared.finish(batch(shared, f"def predict(batch):\n    {body}\n", data, tmp_path / "out"))
    assert found.state is JobState.FAILED and said in found.reason


def test_stop_leaves_no_process(shared: Site, data: Path, tmp_path: Path) -> None:
    log, output = tmp_path / "log", tmp_path / "out"
    job = batch(shared, GATED.format(log=str(log), gate=str(tmp_path / "never")), data, output)
    until(lambda: len(begun(log)) == 4, 60, "two parts under way")
    host = psutil.Process(shared.client.jobs.attempts(job.id).attempts[-1].pid)
    family = [host, *host.children(recursive=True)]
    assert len(family) == 3
    shared.client.jobs.stop(job.id)
    assert shared.finish(job).state is JobState.STOPPED
    until(lambda: not any(process.is_running() for process in family), 5, "the end of its processes")


def test_a_host_that_is_killed_takes_its_slots_along(shared: Site, data: Path, tmp_path: Path) -> None:
    log, output = tmp_path / "log", tmp_path / "out"
    job = batch(shared, GATED.format(log=str(log), gate=str(tmp_path / "never")), data, output)
    until(lambda: len(begun(log)) == 4, 60, "two parts under way")
    host = psutil.Process(shared.client.jobs.attempts(job.id).attempts[-1].pid)
    slots = host.children()
    host.send_signal(signal.SIGKILL)
    assert shared.finish(job).state is JobState.FAILED
    until(lambda: not any(process.is_running() for process in slots), 5, "the end of the slots")
