"""Bulk stop and delete, garbage collection, and the difference of two jobs."""

from __future__ import annotations

import json
import os
import time

import pytest

from jupyter_slml.domain.outcomes import Artifact
from jupyter_slml.domain.specs import Capture, Fingerprint, JobSpec
from jupyter_slml.domain.states import JobState
from jupyter_slml.errors import Conflict, NotFound
from jupyter_slml.ports.blobs import attempt_key, digest_key

from .conftest import Control

pytestmark = pytest.mark.anyio


def stored(control: Control, text: bytes) -> str:
    """Bytes in the store that look old enough to go."""
    digest, _ = control.blobs.add([text])
    path = control.place.blobs / digest_key(digest)
    os.utime(path, (time.time() - 7200, time.time() - 7200))
    return digest


async def run(control: Control, name: str, **options: object) -> str:
    job = control.jobs.submit(JobSpec.model_validate({"source": "pass", "name": name, **options}))[0]
    await control.until(lambda: control.jobs.get(job.id).state.is_final)
    attempt = control.jobs.attempts(job.id).attempts[0].id
    control.blobs.put(attempt_key(attempt, "log/00000001.jsonl"), b"x" * 100)
    return job.id


async def test_gc_frees_what_it_says_and_nothing_that_is_used(control: Control) -> None:
    """A dry run deletes nothing and reports the same figures; versions keep their bytes when their job goes."""
    kept, gone, orphan = (stored(control, text) for text in (b"model", b"old output", b"nobody's"))
    fresh = control.blobs.add([b"just sent"])[0]
    control.compute.outputs = [Artifact(name="m", format="xgboost-ubj", digest=kept, size=5, type="Booster")]
    registered = await run(control, "a", register_as="a")
    control.compute.outputs = [Artifact(name="o", format="json", digest=gone, size=10, type="dict")]
    old = await run(control, "a")
    newest = await run(control, "a", outputs=[])
    dry = control.retention.collect(older_than=0, keep=1, dry_run=True)
    assert sorted(dry.jobs) == sorted([registered, old])
    real = control.retention.collect(older_than=0, keep=1, dry_run=False)
    assert (real.jobs, real.objects, real.bytes) == (dry.jobs, dry.objects, dry.bytes)
    # The newest job of the name refers to the same output.
    assert control.blobs.exists(digest_key(kept))
    assert control.blobs.exists(digest_key(gone))
    assert control.blobs.exists(digest_key(fresh))
    assert not control.blobs.exists(digest_key(orphan))
    assert real.bytes == len(b"nobody's") + 200
    assert control.jobs.get(newest).state is JobState.SUCCEEDED
    with pytest.raises(NotFound):
        control.jobs.get(old)
    last = control.retention.collect(older_than=0, keep=0, dry_run=False)
    assert last.bytes == len(b"old output") + 100
    assert control.models.version("a", 1).digest == kept
    assert control.blobs.exists(digest_key(kept))


async def test_gc_takes_what_unfinished_uploads_left(control: Control) -> None:
    """Files of `incoming` go a day after the last write to them; an upload that is under way stays."""
    incoming = control.place.blobs / "incoming"
    for name, hours in (("left-0001", 25), ("left-0002", 48), ("underway-1", 2)):
        (incoming / name).write_bytes(b"x" * 1000)
        os.utime(incoming / name, (time.time() - 3600 * hours,) * 2)
    dry = control.retention.collect(older_than=0, keep=0, dry_run=True)
    assert (dry.uploads, dry.bytes, dry.objects) == (2, 2000, 0)
    assert len(list(incoming.iterdir())) == 3
    real = control.retention.collect(older_than=0, keep=0, dry_run=False)
    assert (real.uploads, real.bytes) == (2, 2000)
    assert [path.name for path in incoming.iterdir()] == ["underway-1"]
    assert control.retention.collect(older_than=0, keep=0, dry_run=False).bytes == 0


async def test_bulk_stop_and_delete_are_all_or_nothing(control: Control) -> None:
    """A word that names no job, or a job that still runs, stops the whole request before anything is done."""
    ids = [control.jobs.submit(JobSpec(source="sleep", name=f"j{n}"))[0].id for n in range(4)]
    await control.until(lambda: control.jobs.get(ids[1]).state is JobState.RUNNING)
    with pytest.raises(NotFound):
        control.jobs.stop_all([ids[0], "nobody"], [], None)
    assert control.jobs.get(ids[0]).state is JobState.RUNNING
    assert control.jobs.stop_all([], ["queued"], None) == ids[2:]
    await control.until(lambda: control.jobs.get(ids[3]).state is JobState.STOPPED)
    with pytest.raises(Conflict, match="only ended jobs can be deleted"):
        control.jobs.delete([ids[3], ids[0]])
    assert control.jobs.get(ids[3]).id == ids[3]
    assert sorted(control.jobs.delete(ids[2:])) == sorted(ids[2:])
    assert control.jobs.page(states=(), name=None, search=None, before=None, limit=9).total == 2
    control.jobs.stop_all([], [], None)
    await control.until(lambda: control.jobs.get(ids[0]).state is JobState.STOPPED)


async def test_diff_names_what_changed(control: Control) -> None:
    """Code as a unified diff; parameters, inputs by digest, packages, options and metrics by name."""
    digests = [control.blobs.add([text])[0] for text in (b"1", b"2")]

    def capture(digest: str) -> Capture:
        return Capture(name="X", format="npy", digest=digest, size=1, type="numpy.ndarray")

    first = await run(
        control,
        "a",
        source="x = 1\ny = 2",
        parameters={"depth": 3},
        captures=[capture(digests[0])],
        fingerprint=Fingerprint(python="3.11.7", packages={"numpy": "2.0"}),
    )
    second = await run(
        control,
        "b",
        source="x = 1\ny = 3",
        parameters={"depth": 4},
        captures=[capture(digests[1])],
        fingerprint=Fingerprint(python="3.11.7", packages={"numpy": "2.1"}),
        instance="cpu.medium",
    )
    found = control.jobs.diff(first, second)
    assert found.code[2:] == ["@@ -1,2 +1,2 @@", " x = 1", "-y = 2", "+y = 3"]
    assert [(change.what, change.name) for change in found.changes] == [
        ("parameter", "depth"),
        ("input", "X"),
        ("package", "numpy"),
        ("option", "name"),
        ("option", "instance"),
    ]
    assert control.jobs.diff(first, first).changes == []


async def test_gc_keeps_what_the_trials_of_a_front_left(control: Control) -> None:
    """Of a search with several objectives, each trial on the front keeps its outputs; a trial that was beaten does not."""
    digests = [stored(control, text) for text in (b"near", b"beaten", b"far")]
    search = {"search": ["x=0..9"], "minimize": ["a", "b"]}
    job = await run(control, "front", kind="tuning", tuning=search)
    values = [{"a": 1, "b": 5}, {"a": 2, "b": 6}, {"a": 5, "b": 1}]
    lines = [
        {
            "trial": {
                "number": number,
                "state": "complete",
                "values": told,
                "outputs": [{"name": "m", "format": "json", "digest": digest, "size": 4, "type": "dict"}],
            }
        }
        for number, (told, digest) in enumerate(zip(values, digests, strict=True))
    ]
    attempt = control.jobs.attempts(job).attempts[0].id
    data = b"".join(json.dumps(line).encode() + b"\n" for line in [{"head": {"seen": {}}}, *lines])
    control.blobs.put(attempt_key(attempt, "trials/00000001.jsonl"), data)
    control.retention.collect(older_than=0, keep=1, dry_run=False)
    assert [control.blobs.exists(digest_key(digest)) for digest in digests] == [True, False, True]
    control.retention.collect(older_than=0, keep=0, dry_run=False)
    assert not any(control.blobs.exists(digest_key(digest)) for digest in digests)
