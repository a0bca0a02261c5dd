"""What a job leaves to read, from end to end: a long log, and the curve of a job that was retried."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from jupyter_slml.domain.curves import curves
from jupyter_slml.domain.states import JobState

from .conftest import Site

PRINTS = """
import sys
for number in range(200_000):
    print(f"{number:06d}", "x" * 93)
print("the end", file=sys.stderr)
"""

RESUMES = """
import os
mark = slml.checkpoint_dir / "epoch"
first = int(mark.read_text()) if mark.exists() else 0
for epoch in range(first, 10):
    slml.log(epoch, loss=10.0 - epoch + (0 if first else 0.5))
    if epoch == 4:
        mark.write_text("5")
    if not first and epoch == 6:
        slml.log(wrong=1.0)
        raise OSError("the network went away")
slml.log(auc=0.9)
"""


def most_memory(pid: int) -> int:
    """Peak resident bytes of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def test_a_long_log_is_read_whole_by_everybody(shared: Site) -> None:
    """20 MB: by the command line, followed or not, and by a stream; the daemon holds little of it."""
    whole = "".join(f"{number:06d} {'x' * 93}\n" for number in range(200_000))
    job = shared.submit(PRINTS, name="long")
    environment = {**os.environ, "SLML_HOME": str(shared.place.home)}
    command = [sys.executable, "-c", "from jupyter_slml.cli import main; main()", "logs", job.id]
    daemon = shared.client.status().pid
    before = most_memory(daemon)
    for words in (["-f"], []):
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=120, env=environment)
        assert (done.returncode, done.stderr) == (0, "the end\n")
        assert done.stdout == whole
    shared.finish(job)
    parts, positions = [], []
    asking = {"headers": {"Accept": "text/event-stream"}, "timeout": 60.0}
    with shared.client._transport.stream(f"/jobs/{job.id}/logs", **asking) as answer:
        for line in answer.iter_lines():
            for entry in json.loads(line[6:]).get("entries", []) if line.startswith("data: ") else []:
                positions.append(entry["q"])
                parts.append(entry["x"] if entry["s"] == "out" else "")
    assert "".join(parts) == whole
    assert positions == sorted(set(positions))
    assert most_memory(daemon) - before < 40 * 2**20


def test_the_curve_of_a_job_that_went_on_from_its_checkpoint(shared: Site) -> None:
    """Every attempt's points are there; the curve is one; the job's metrics are those of the attempt that succeeded."""
    done = shared.finish(shared.submit(RESUMES, name="resumes", retries=1, backoff=0.0))
    assert done.state is JobState.SUCCEEDED, done.reason
    points = shared.client.jobs.metrics(done.id).points
    steps = {
        number: [point.step for point in points if point.attempt == number and "loss" in point.values] for number in (1, 2)
    }
    assert steps == {1: [0, 1, 2, 3, 4, 5, 6], 2: [5, 6, 7, 8, 9]}
    curve = curves(point.model_dump() for point in points)["loss"]
    assert curve == [[step, 10.0 - step + (0.5 if step < 5 else 0)] for step in range(10)]
    assert done.metrics == {"loss": 1.0, "auc": 0.9}
