"""How versions, moves and logs read, and what the magics' lines refuse before anything is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_slml.domain.diffs import version_diff
from jupyter_slml.domain.gates import Gate, Seen, Vacant
from jupyter_slml.domain.records import Evidence, Transition
from jupyter_slml.domain.views import Moved, VersionView
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.difference import Difference
from jupyter_slml.notebook.modelcard import ModelCard
from jupyter_slml.notebook.promote import MAGICS as MOVES
from jupyter_slml.notebook.promotion import Promotion, log_table
from tests.unit.domain.test_cards import version
from tests.unit.notebook.platform import Platform


def move(**changes: Any) -> Transition:
    facts = {"id": 4, "at": 0.0, "model": "churn", "number": 7, "kind": "stage", "actor": "ada"}
    return Transition.model_validate({**facts, "before": "candidate", "after": "production", **changes})


def promotion(*moves: Transition, **changes: object) -> Promotion:
    return Promotion(Moved(version=version(**changes), transitions=list(moves)))


def test_a_promotion_says_what_moved_and_why() -> None:
    def find(owner: str | None, name: str) -> Seen | Vacant:
        return Vacant("no version is in production yet") if owner else Seen(0.9, "churn@7, training")

    verdict = Gate("auc > 0.5 and auc > production.auc").decide(find)
    done = promotion(move(evidence=verdict.model_dump(mode="json")), move(number=6, before="production", after="archived"))
    assert repr(done).splitlines() == [
        "churn@7: candidate → production",
        "churn@6: production → archived",
        "",
        "Gate: auc > 0.5 and auc > production.auc",
        "       term                  numbers    from",
        "holds  auc > 0.5             auc = 0.9  churn@7, training",
        "holds  auc > production.auc  auc = 0.9  holds, for no version is in production yet",
    ]
    html = done._repr_html_()
    assert "auc &gt; 0.5" in html and "<script" not in html
    assert "nothing to do" in repr(promotion())
    assert repr(promotion(move(kind="alias", alias="champion", before=None, after="7"))) == "@champion: nobody → churn@7"
    assert repr(promotion(move(kind="approval", before="pending", after="approved"))).endswith("approved (approval)")


def test_the_log_names_who_and_why() -> None:
    said = repr(log_table([move(reason="wrong numbers", undoes=3), move(id=3)], "Moves of churn"))
    assert said.startswith("Moves of churn\n") and "ada" in said and "wrong numbers (takes back 3)" in said
    assert "never moved" in repr(log_table([], ""))


def test_a_difference_of_versions() -> None:
    old = version(number=3, metrics={"auc": 0.8}, signature={"columns": ["a"], "features": 1}, tags={"team": "x"})
    new = version(
        metrics={"auc": 0.9},
        signature={"inputs": [{"name": "a", "dtype": "int64", "min": 1, "max": 2}, {"name": "b", "dtype": "float32"}]},
        parameters={"depth": 6},
        environment={"xgboost": "3.1"},
        captures={"X": "c" * 64},
        source="model = fit(X, 2)",
        digest="d" * 64,
    )
    measured = [
        Evidence(id=key, at=0, model="churn", number=7, kind="evaluation", name="held", metrics={"auc": value})
        for key, value in ((2, 0.7), (1, 0.1))
    ]
    said = repr(Difference(version_diff(old, new, [], measured)))
    for words in (
        "churn@3 → churn@7",
        "-model = fit(X)",
        "Metrics\n  auc: 0.8 → 0.9",
        "Evaluations\n  auc (held): – → 0.7",
        "Parameters\n  depth: – → 6",
        "sha256: aaaaaaaaaaaa → dddddddddddd",
        "Features\n  a: number → int64 from 1 to 2\n  b: – → float32",
        "Inputs\n  X: – → cccccccccccc",
        "Packages\n  xgboost: – → 3.1",
        "Tags\n  team: x → –",
    ):
        assert words in said, words
    assert repr(Difference(version_diff(old, old))) == "churn@3 → churn@3: no difference."


def test_a_card_is_shown_without_its_page_and_saved_with_it(tmp_path: Path) -> None:
    card = ModelCard("churn@7", "<!DOCTYPE html><html><body><div>ü</div></body></html>")
    assert card._repr_html_() == "<div>ü</div>"
    assert card.save(tmp_path / "card.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "saved as" in repr(card)
    with pytest.raises(Invalid, match="cannot be written"):
        card.save(tmp_path / "no" / "card.html")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%promote churn@7", ["TO"]),
        ("%promote", ["MODEL"]),
        ("%promote churn@7 production --gate x", ["no option --gate"]),
        ("%approve", ["MODEL@VERSION"]),
        ("%rollback", ["either a model or --endpoint", "%rollback churn"]),
        ("%rollback churn --endpoint churn", ["either a model or --endpoint"]),
        ("%models diff churn@1", ["takes two versions, and 1 is given"]),
        ("%models diff a b c", ["3 are given"]),
        ("%models destroy churn@1", ["the verb 'destroy'", "diff, delete, unalias"]),
        ("%models --card", ["which model is meant"]),
        ("%models churn@1 --to x.html", ["--card"]),
        ("%models delete churn", ["which version", "churn@3"]),
        ("%models unalias churn@3", ["does not name an alias"]),
        ("%models unalias churn@production", ["does not name an alias"]),
        ("%models a@b@c", ["not a model reference"]),
    ],
)
def test_what_is_not_understood(shell: InteractiveShell, platform: Platform, line: str, words: list[str]) -> None:
    result = shell.run_cell(line)  # type: ignore[no-untyped-call]
    assert isinstance(result.error_in_exec, Invalid)
    for word in words:
        assert word in str(result.error_in_exec)


def test_a_handle_stands_for_its_reference() -> None:
    """`%promote {version} production`, as `%models` or `%register` gave it."""
    (magic,) = [magic for magic in MOVES if magic.name == "promote"]
    found: VersionView = version()
    line: Any = magic.options.parse('{found} production --if "auc > 0.5" -m why', {"found": found})
    assert (line.model, line.to, line.gate, line.reason) == ("churn@7", "production", "auc > 0.5", "why")
