"""Model cards and figures: complete, escaped, without script."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from jupyter_slml.domain.cards import Facts, page
from jupyter_slml.domain.figures import FIGURES, Bars, Lines, Matrix, Points, draw
from jupyter_slml.domain.gates import Gate, Seen
from jupyter_slml.domain.records import Evidence, Transition
from jupyter_slml.domain.views import VersionView

EVIL = "<script>alert('x')</script>&\""


def version(**changes: object) -> VersionView:
    facts = {
        "model": "churn",
        "number": 7,
        "created_at": 0.0,
        "digest": "a" * 64,
        "size": 1234,
        "format": "skops",
        "type": "sklearn.Pipeline",
        "job": "job-1",
        "output": "model",
        "source": "model = fit(X)",
    }
    return VersionView.model_validate({**facts, **changes})


def test_everything_is_on_it() -> None:
    verdict = Gate("auc > 0.5").decide(lambda owner, name: Seen(0.9, "training"))
    evidence = Evidence(id=3, at=1.0, model="churn", number=7, kind="evaluation", name="held-out", metrics={"auc": 0.875})
    move = Transition(
        id=9,
        at=2.0,
        model="churn",
        number=7,
        kind="stage",
        before="candidate",
        after="production",
        actor="ada",
        reason="better",
        evidence=verdict.model_dump(mode="json"),
    )
    card = page(
        Facts(
            version=version(
                stage="production",
                approval="approved",
                aliases=["champion"],
                metrics={"auc": 0.9},
                parameters={"depth": 6},
                tags={"team": "fraud"},
                environment={"xgboost": "3.1"},
                captures={"X": "b" * 64},
                signature={
                    "task": "binary",
                    "classes": ["no", "yes"],
                    "inputs": [{"name": "age", "dtype": "int64", "min": 18, "max": 99, "nulls": 0}],
                },
            ),
            evidence=[evidence],
            transitions=[move],
            figures={3: {"roc": Lines(x="fpr", y="tpr", lines={"yes": [(0, 0), (1, 1)]}, diagonal=True)}},
            baseline={"rows": 6000, "features": {"age": {"kind": "numeric", "mean": 41.5, "min": 18, "max": 99}}},
        )
    )
    for words in (
        "churn@7",
        "production",
        "approved",
        "@champion",
        "team: fraud",
        "held-out",
        "0.875",
        "<svg",
        "no, yes",
        "int64",
        "6,000 rows",
        "41.5",
        "depth",
        "xgboost",
        "b" * 64,
        "model = fit(X)",
        "ada",
        "better",
        "auc &gt; 0.5 (auc = 0.9)",
    ):
        assert words in card, words


def test_nothing_of_it_is_code() -> None:
    """Whatever people and programs have written stands there as text, and no address of others is asked for."""
    card = page(
        Facts(
            version=version(
                description=EVIL,
                source=EVIL,
                type=EVIL,
                tags={EVIL: EVIL},
                parameters={EVIL: EVIL},
                metrics={EVIL: 1.0},
                environment={EVIL: EVIL},
                aliases=[EVIL],
                signature={"task": EVIL, "classes": [EVIL], "inputs": [{"name": EVIL, "dtype": EVIL, "categories": [EVIL]}]},
            ),
            evidence=[Evidence(id=1, at=0, model="churn", number=7, kind="evaluation", name=EVIL, metrics={EVIL: 1.0})],
            figures={
                1: {
                    EVIL: Lines(title=EVIL, x=EVIL, y=EVIL, lines={EVIL: [(0, 1)]}),
                    "m": Matrix(labels=[EVIL], counts=[[1]]),
                    "b": Bars(x=EVIL, bars=[(EVIL, 1.0)]),
                }
            },
            baseline={"features": {EVIL: {"kind": EVIL}}},
        )
    )
    assert "<script" not in card and "alert('x')" not in card
    assert not re.search(r"(src|href|url)\s*[=(]", card.replace('xmlns="http://www.w3.org/2000/svg"', ""))


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Lines(x="fpr", y="tpr", lines={"a": [(0, 0), (0.5, 1)], "b": []}), ["fpr", "tpr", "polyline"]),
        (Points(x="prediction", y="residual", points=[(1, -1), (2, 1), (2, 1)]), ["circle", "residual"]),
        (Points(x="x", y="y", points=[]), ["<svg"]),
        (Bars(x="gain", bars=[(f"feature {i}", 50.0 - i) for i in range(50)]), ["feature 0", "the largest of 50"]),
        (Bars(x="gain", bars=[("none", 0.0)]), ["none"]),
        (Matrix(labels=["no", "yes"], counts=[[900, 12], [30, 58]]), ["900", "58", "rows: actual"]),
        (Matrix(labels=[str(i) for i in range(40)], counts=[[1] * 40] * 40), ["12 of 40 classes"]),
        (Lines(x="x", y="y", lines={"flat": [(1, 5), (1, 5)]}), ["polyline"]),
    ],
)
def test_figures_are_drawn(figure: Lines | Points | Bars | Matrix, words: list[str]) -> None:
    svg = draw(figure, "roc")
    assert svg.startswith("<svg") and svg.endswith("</svg>") and "nan" not in svg
    for word in words:
        assert word in svg


@pytest.mark.parametrize(
    "stored",
    [
        b'{"a": {"kind": "matrix", "labels": ["x", "y"], "counts": [[1]]}}',
        b'{"a": {"kind": "lines", "x": "", "y": "", "lines": {"a": [[NaN, 1]]}}}',
        b'{"a": {"kind": "pie"}}',
        b"[]",
    ],
)
def test_what_is_no_figure(stored: bytes) -> None:
    with pytest.raises(ValidationError):
        FIGURES.validate_json(stored)
