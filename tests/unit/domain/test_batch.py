"""Limits of errors, plans, progress and paths over columns."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from jupyter_slml.domain.batch import ErrorLimit, InputFile, Part, Piece, Plan, progress_text
from jupyter_slml.domain.paths import check_path, select
from jupyter_slml.domain.specs import BatchSpec, JobSpec
from jupyter_slml.errors import Invalid


def test_a_number_of_errors_is_a_limit() -> None:
    limit = ErrorLimit.parse("2")
    assert not limit.passed(2, 10, None) and limit.passed(3, 10, 1000)


def test_a_share_counts_all_rows_where_they_are_known() -> None:
    limit = ErrorLimit.parse("1%")
    assert not limit.passed(10, 20, 1000) and limit.passed(11, 20, 1000)


def test_a_share_of_unknown_rows_waits_for_enough_of_them() -> None:
    limit = ErrorLimit.parse("1%")
    assert not limit.passed(50, 100, None)
    assert limit.passed(50, 100, None, final=True)
    assert limit.passed(101, 10_000, None)


@pytest.mark.parametrize("word", ["x", "-1", "101%", "%", "1.5", "nan%"])
def test_other_limits_are_refused(word: str) -> None:
    with pytest.raises(ValueError, match="neither a number of records"):
        ErrorLimit.parse(word)


@pytest.mark.parametrize(
    ("path", "chosen"),
    [
        ("$", ["id", "a", "b"]),
        ("$.*", ["id", "a", "b"]),
        ("$.a", ["a"]),
        ("$['b','id']", ["b", "id"]),
        ('$["a"]', ["a"]),
        ("$[0,-1]", ["id", "b"]),
        ("$[1:]", ["a", "b"]),
        ("$[:-1]", ["id", "a"]),
        ("$[5:]", []),
    ],
)
def test_paths_choose_columns(path: str, chosen: list[str]) -> None:
    check_path(path)
    assert select(path, ["id", "a", "b"]) == chosen


def test_sagemakers_word_means_the_predictions() -> None:
    assert select("$['id','SageMakerOutput']", ["id", "p", "q"], ["p", "q"]) == ["id", "p", "q"]


@pytest.mark.parametrize("path", ["", "a", "$..a", "$[", "$[a]", "$.a.b", "$[0:1:2]"])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no path over columns"):
        check_path(path)


def test_what_is_kept() -> None:
    def kept(**options: object) -> list[str] | None:
        return BatchSpec.parse({"output": "/out", **options}).kept

    assert kept() is None
    assert kept(keep=["all"]) is None
    assert kept(keep=["none"]) == []
    assert kept(keep=["id"]) == ["id"]
    assert kept(join_source="input", output_filter="$.id") is None
    # SageMaker joins nothing unless it is asked to.
    assert kept(output_filter="$[-1]") == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"overwrite": True, "resume": True}, "contradict"),
        ({"keep": ["id"], "join_source": "input"}, "same in two ways"),
        ({"keep": ["all", "id"]}, "stand alone"),
        ({"max_errors": "many"}, "neither a number"),
        ({"input_filter": "$$"}, "no path"),
        ({"batch_rows": 0}, "greater than or equal to 1"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        BatchSpec.parse({"output": "/out", **options})


def test_a_batch_job_has_its_options_and_no_other_job_has() -> None:
    with pytest.raises(ValidationError, match="kind batch"):
        JobSpec.model_validate({"source": "x", "kind": "batch"})
    with pytest.raises(ValidationError, match="kind batch"):
        JobSpec.model_validate({"source": "x", "batch": {"output": "/out"}})


def plan(*parts: Part) -> Plan:
    return Plan(
        job="job-1",
        work="w",
        format="parquet",
        output_format="parquet",
        files=[InputFile(path="a", size=10, stamp="1"), InputFile(path="b", size=20, stamp="2")],
        parts=list(parts),
        columns="",
        features=["x"],
        kept=[],
    )


def test_the_total_is_known_when_every_part_is() -> None:
    known = Part(number=0, pieces=[Piece(file=0, first=0, last=2, rows=5), Piece(file=1, first=0, last=1, rows=7)])
    unknown = Part(number=1, pieces=[Piece(file=1, first=0, last=0)])
    assert plan(known).total == 12
    assert plan(known, unknown).total is None


def test_a_fingerprint_changes_with_the_files_version() -> None:
    part = Part(number=0, pieces=[Piece(file=0, first=0, last=2, rows=5)])
    before = plan(part)
    after = before.evolve(files=[InputFile(path="a", size=10, stamp="3"), before.files[1]])
    assert before.fingerprint(part) == plan(part).fingerprint(part) != after.fingerprint(part)


def test_progress_in_words() -> None:
    figures = {
        "rows": 42,
        "rows_total": 100,
        "rows_per_second": 7.0,
        "eta_seconds": 8.3,
        "errors": 1,
        "parts": 1,
        "parts_total": 3,
    }
    assert progress_text(figures, ended=False) == "42 of 100 rows (42 %), 7 rows/s, 8 s left, 1 error, 1 of 3 parts"
    assert "left" not in progress_text(figures, ended=True)
    assert progress_text({}, ended=False) == ""
    assert progress_text({"rows": 42, "parts": 0, "parts_total": 1}, ended=False) == "42 rows, 0 of 1 parts"
