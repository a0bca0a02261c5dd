"""What an attempt leaves: files, the executed cell, checkpoints; which GPUs it sees; what a stop and a child cost."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_slml.compute import procfs
from jupyter_slml.compute.link import RunnerPlace, ask, end, ensure
from jupyter_slml.domain import formats
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.outcomes import Outcome, Reason
from jupyter_slml.domain.states import AttemptState

pytestmark = pytest.mark.anyio


async def test_files_of_the_output_directory_come_back(follow: Any, order: Any, blobs: Any) -> None:
    source = (
        "(slml.output_dir / 'reports').mkdir()\n(slml.output_dir / 'reports' / 'r.html').write_text('<p>')\n"
        "(slml.output_dir / 'secret').symlink_to('/etc/passwd')\nopen('scratch.txt', 'w').write('x')\n"
        "same = str(slml.output_dir) == __import__('os').getcwd()"
    )
    outcome = await (await follow(order(source))).outcome()
    assert outcome.state is AttemptState.SUCCEEDED
    assert [(item.name, item.type) for item in outcome.files] == [("reports/r.html", "file")]
    assert b"".join(blobs.read(outcome.files[0].digest)) == b"<p>"
    assert "symbolic link" in outcome.skipped["output_dir/secret"]
    item = next(item for item in outcome.outputs if item.name == "same")
    assert formats.by_key(item.format).read(blobs.local(item.digest, Path("/nowhere"))) is False
    failed = await (await follow(order("(slml.output_dir / 'partial').write_text('x')\n1/0"))).outcome()
    assert failed.state is AttemptState.FAILED and [item.name for item in failed.files] == ["partial"]


async def test_the_executed_cell_comes_back(follow: Any, order: Any, blobs: Any) -> None:
    source = "import sys\nprint('out')\nfrom IPython.display import display, HTML\ndisplay(HTML('<b>'))\n{}"
    good = await (await follow(order(source.format("40 + 2")))).outcome()
    bad = await (await follow(order(source.format("1 / 0")))).outcome()
    ends = []
    for outcome in (good, bad):
        assert outcome.notebook is not None
        made = nbformat.reads(b"".join(blobs.read(outcome.notebook)).decode(), as_version=4)
        nbformat.validate(made)
        kinds = [item.output_type for item in made.cells[0].outputs]
        assert set(kinds[:-1]) == {"stream", "display_data"}
        ends.append(made.cells[0].outputs[-1])
    assert ends[0].data["text/plain"] == "42"
    assert ends[1].ename == "ZeroDivisionError"
    dead = await (await follow(order("print('before', flush=True)\nimport os\nos._exit(1)"))).outcome()
    made = nbformat.reads(b"".join(blobs.read(dead.notebook or "")).decode(), as_version=4)
    assert made.cells[0].outputs[0].text == "before\n" and made.cells[0].outputs[-1].ename == "exit"


async def test_checkpoints_survive_attempts_and_go_with_success(follow: Any, order: Any, until: Any) -> None:
    source = (
        "mark = slml.checkpoint_dir / 'step'\nstep = int(mark.read_text()) if mark.exists() else 0\n"
        "mark.write_text(str(step + 1))\nslml.log(step_seen=step)\nif step < 2: raise RuntimeError('again')"
    )
    first = order(source)
    for number in range(3):
        asked = first.evolve(id=new_id("attempt"), number=number + 1)
        outcome = await (await follow(asked)).outcome()
        assert outcome.metrics == {"step_seen": number}
    assert outcome.state is AttemptState.SUCCEEDED
    other = await (await follow(order("x = str(slml.checkpoint_dir)"))).outcome()
    assert other.state is AttemptState.SUCCEEDED


async def test_checkpoints_of_a_succeeded_job_are_deleted(follow: Any, order: Any, place: Any, until: Any) -> None:
    asked = order("(slml.checkpoint_dir / 'x').write_text('x')")
    outcome = await (await follow(asked)).outcome()
    assert outcome.state is AttemptState.SUCCEEDED
    await until(lambda: not (Path(place.data) / "checkpoints" / asked.job).exists())


async def test_gpus_are_allotted_and_given_back(
    order: Any, run_dir: Path, tmp_path: Path, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLML_GPUS", "2")
    run = run_dir / new_id("w")
    gpus = RunnerPlace(workspace=run.name, run=str(run), data=str(tmp_path / "runner"), store=place.store)

    async def start(asked: Any) -> Any:
        reader, writer = await ensure(gpus)
        writer.write(json.dumps({"op": "supervise", "order": asked.model_dump(mode="json")}).encode() + b"\n")
        return reader, writer

    async def outcome(streams: Any) -> Outcome:
        async with asyncio.timeout(30):
            while (message := json.loads(await streams[0].readline()))["kind"] != "ended":
                continue
        streams[1].close()
        return Outcome.model_validate(message["outcome"])

    source = (
        "import os, time\nseen = os.environ['CUDA_VISIBLE_DEVICES']\nslml.log(first=int(seen[0]) if seen else -1, n=len(seen))\n"  # noqa: E501
        f"while not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(.01)"
    )
    try:
        running = [await start(order(source, gpus=count)) for count in (1, 0, 1, 2)]
        (tmp_path / "go").touch()
        outcomes = [await outcome(streams) for streams in running]
        assert [item.metrics["n"] for item in outcomes] == [1, 0, 1, 3]
        assert {outcomes[0].metrics["first"], outcomes[2].metrics["first"]} == {0, 1}
        assert outcomes[1].metrics["first"] == -1
    finally:
        await end(gpus)


async def test_a_stop_is_quick_and_a_child_is_small(follow: Any, order: Any, place: Any) -> None:
    """Measured numbers with -s; the bound on the stop is the product's figure."""
    took, private = [], []
    for _ in range(7):
        asked = order("import subprocess, time\np = subprocess.Popen(['sleep', '1000'])\nslml.log(x=1)\ntime.sleep(1000)")
        followed = await follow(asked)
        pid = (await followed.until("started"))["pid"]
        await followed.until("progress")
        private.append(_dirty(pid))
        family = [pid, *procfs.descendants(pid)]
        assert len(family) == 2
        begun = time.monotonic()
        await ask(place, {"op": "stop", "id": asked.id, "reason": "stop", "grace": 5})
        async with asyncio.timeout(10):
            while any(procfs.started(member) is not None for member in family):
                await asyncio.sleep(0.001)
        took.append(time.monotonic() - begun)
        outcome = await followed.outcome()
        assert (outcome.state, outcome.reason) == (AttemptState.STOPPED, Reason.STOP)
    took.sort()
    print(f"stop to last process gone: median {1000 * took[3]:.0f} ms, worst {1000 * took[-1]:.0f} ms")
    print(f"private memory of a child: {sorted(private)[3] / 2**20:.1f} MiB")
    assert took[3] < 0.5


def _dirty(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Private_Dirty:"))
