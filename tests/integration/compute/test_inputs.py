"""Input channels of real attempts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_slml.compute.link import ask
from jupyter_slml.domain import formats
from jupyter_slml.domain.outcomes import Reason
from jupyter_slml.domain.states import AttemptState

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts" / "deep").mkdir(parents=True)
    for name in ("a.csv", "b.csv", "deep/c.csv", "note.txt"):
        (tmp_path / "parts" / name).write_text(name)
    return tmp_path / "parts"


def value(blobs: Any, outcome: Any, name: str) -> Any:
    item = next(item for item in outcome.outputs if item.name == name)
    return formats.by_key(item.format).read(blobs.local(item.digest, Path("/nowhere")))


async def test_local_inputs_are_used_where_they_are(follow: Any, order: Any, blobs: Any, folder: Path) -> None:
    inputs = {
        "file": str(folder / "a.csv"),
        "uri": (folder / "b.csv").as_uri(),
        "directory": str(folder),
        "glob": str(folder / "*.csv"),
        "deep": str(folder / "**" / "*.csv"),
    }
    source = (
        "found = {name: str(path) for name, path in slml.inputs.items()}\ntext = slml.inputs['file'].read_text()\n"
        "matched = sorted(p.name for p in slml.inputs['glob'].iterdir())\n"
        "below = sorted(str(p.relative_to(slml.inputs['deep'])) for p in slml.inputs['deep'].rglob('*.csv'))\n"
        "content = (slml.inputs['glob'] / 'b.csv').read_text()"
    )
    outcome = await (await follow(order(source, inputs=inputs))).outcome()
    assert outcome.state is AttemptState.SUCCEEDED, outcome
    found = value(blobs, outcome, "found")
    assert (found["file"], found["uri"], found["directory"]) == (inputs["file"], str(folder / "b.csv"), str(folder))
    assert value(blobs, outcome, "text") == "a.csv" and value(blobs, outcome, "content") == "b.csv"
    assert value(blobs, outcome, "matched") == ["a.csv", "b.csv"]
    assert value(blobs, outcome, "below") == ["a.csv", "b.csv", "deep/c.csv"]


async def test_streamed_inputs_are_opened_in_the_cell(follow: Any, order: Any, blobs: Any, folder: Path) -> None:
    source = (
        "names = slml.inputs['all'].list()\nwith slml.inputs['one'].open(mode='rt') as file: text = file.read()\n"
        "with slml.inputs['all'].open('deep/c.csv') as file: deep = file.read().decode()\n"
        "try:\n  slml.inputs['all'].open()\nexcept Exception as error: said = str(error)\n"
        "try:\n  slml.inputs['none']\nexcept Exception as error: unknown = str(error)"
    )
    asked = order(source, inputs={"all": str(folder), "one": str(folder / "a.csv")}, input_mode="stream")
    outcome = await (await follow(asked)).outcome()
    assert outcome.state is AttemptState.SUCCEEDED, outcome
    assert value(blobs, outcome, "names") == ["a.csv", "b.csv", "deep/c.csv", "note.txt"]
    assert (value(blobs, outcome, "text"), value(blobs, outcome, "deep")) == ("a.csv", "deep/c.csv")
    assert "has 4 files" in value(blobs, outcome, "said")
    assert "'none'" in value(blobs, outcome, "unknown") and "all, one" in value(blobs, outcome, "unknown")


BAD = {
    "missing": ("/nowhere/x.csv", "it does not exist"),
    "empty glob": ("/nowhere/*.csv", "it matches no file"),
    "relative": ("data/x.csv", "the path is relative"),
    "scheme": ("nonsense://x/y", "its scheme is unknown"),
    "not installed": ("s3://bucket/key", "its file system is not installed"),
}


@pytest.mark.parametrize("mode", ["file", "stream"])
@pytest.mark.parametrize("name", BAD)
async def test_an_input_that_cannot_be_read(follow: Any, order: Any, tmp_path: Path, name: str, mode: str) -> None:
    uri, problem = BAD[name]
    ran = tmp_path / "ran"
    inputs = {"good": str(tmp_path), "train": uri}
    outcome = await (await follow(order(f"open({str(ran)!r}, 'w')", inputs=inputs, input_mode=mode))).outcome()
    assert (outcome.state, outcome.reason) == (AttemptState.FAILED, Reason.INPUT)
    assert outcome.message.startswith(f"The input 'train' ({uri}) cannot be read: {problem}")
    assert outcome.message.endswith(".") and outcome.first_line_at is None and not ran.exists()


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """A file whose reader waits until somebody writes."""
    import os

    path = tmp_path / "pipe.zip"
    os.mkfifo(path)
    yield path


async def test_a_stop_does_not_wait_for_an_input(follow: Any, order: Any, place: Any, pipe: Path) -> None:
    asked = order("1", inputs={"train": f"zip://x.csv::{pipe}"}, timeout=0.1)
    followed = await follow(asked)
    await followed.until("started")
    answer = await ask(place, {"op": "stop", "id": asked.id, "reason": "stop", "grace": 5})
    assert answer == {"known": True}
    outcome = await followed.outcome()
    assert (outcome.state, outcome.reason, outcome.first_line_at) == (AttemptState.STOPPED, Reason.STOP, None)


async def test_a_remote_input_is_brought_once(
    follow: Any, order: Any, blobs: Any, place: Any, tmp_path: Path, folder: Path
) -> None:
    import zipfile

    archive = tmp_path / "data.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in folder.rglob("*.csv"):
            target.write(path, path.relative_to(folder))
    source = "paths = [str(p) for p in sorted(slml.inputs['train'].rglob('*.csv'))]\ntext = open(paths[-1]).read()"
    asked = [order(source, inputs={"train": f"zip://*.csv::{archive}"}) for _ in range(2)]
    outcomes = [await (await follow(item)).outcome() for item in asked]
    assert [outcome.state for outcome in outcomes] == [AttemptState.SUCCEEDED] * 2, outcomes
    paths = value(blobs, outcomes[0], "paths")
    assert str(Path(place.data) / "inputs") in paths[0]
    assert value(blobs, outcomes[0], "text") == "b.csv"
    assert Path(paths[0]).stat().st_mode & 0o777 == 0o400
