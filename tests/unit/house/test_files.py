"""Small files with the names of nouns."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDERS = ["jupyter_slml", "labextension/src", "labextension/style", "tests", "benchmarks"]
SUFFIXES = {".py", ".ts", ".tsx", ".css"}
GENERATED = {"labextension/src/api/schema.ts"}
MOST_LINES = 400
# Names that say nothing about what lives in the file, and so attract everything.
SHAPELESS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


def sources() -> list[Path]:
    found = [
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in SUFFIXES
        and (ROOT / "jupyter_slml/labextension") not in path.parents
        and str(path.relative_to(ROOT)) not in GENERATED
    ]
    assert len(found) > 10
    return found


def test_no_file_is_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_file_has_a_shapeless_name() -> None:
    shapeless = [str(path.relative_to(ROOT)) for path in sources() if path.stem in SHAPELESS and path.name != "base.css"]
    assert shapeless == []
