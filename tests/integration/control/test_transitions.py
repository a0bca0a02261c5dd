"""The registry with the real database: what moves, what is refused, and what the log keeps."""

from __future__ import annotations

import json
import time

import pytest

from jupyter_slml.control import evidence
from jupyter_slml.domain.outcomes import Artifact
from jupyter_slml.domain.records import Evidence
from jupyter_slml.domain.specs import DecisionSpec, DeploySpec, ImportSpec, JobSpec, PromoteSpec, RegisterSpec, RollbackSpec
from jupyter_slml.domain.states import JobState
from jupyter_slml.domain.views import Moved
from jupyter_slml.errors import Conflict, GateFailed, Invalid, NotFound
from jupyter_slml.settings import Settings
from jupyter_slml.storage import events

from .conftest import Control

pytestmark = pytest.mark.anyio


async def version(control: Control, model: str = "churn", **metrics: float) -> str:
    control.compute.metrics = metrics
    job = control.jobs.submit(JobSpec(source=f"auc = {metrics}", name=model, register_as=model))[0]
    await control.until(lambda: control.jobs.get(job.id).state is JobState.SUCCEEDED)
    registered = control.jobs.get(job.id).registered
    assert registered is not None
    return registered


def promote(control: Control, model: str, to: str, gate: str | None = None, reason: str = "") -> Moved:
    return control.transitions.promote(PromoteSpec(model=model, to=to, gate=gate, reason=reason, actor="ada"))


def decide(control: Control, model: str, approval: str, reason: str = "") -> Moved:
    spec = DecisionSpec.model_validate({"model": model, "approval": approval, "reason": reason, "actor": "grace"})
    return control.transitions.decide(spec)


def rollback(control: Control, model: str = "churn", to: str = "production", seen: int | None = None) -> Moved:
    return control.transitions.rollback(RollbackSpec(model=model, to=to, seen=seen, actor="ada"))


def stages(control: Control, model: str = "churn") -> dict[int, str]:
    return {item.number: item.stage for item in control.models.get(model).versions}


def measure(control: Control, number: int, kind: str, name: str, **metrics: float) -> None:
    found = Evidence.model_validate(
        {"id": 0, "at": 1.0, "model": "churn", "number": number, "kind": kind, "name": name, "metrics": metrics}
    )
    with control.database.write() as transaction:
        evidence.keep(transaction, found)


async def test_production_holds_one_and_the_log_keeps_every_move(control: Control) -> None:
    for auc in (0.8, 0.9):
        await version(control, auc=auc)
    assert promote(control, "churn@1", "production").version.stage == "production"
    moved = promote(control, "churn@2", "production", "auc >= 0.85 and auc > production.auc", "better")
    assert stages(control) == {1: "archived", 2: "production"}
    into, out = moved.transitions
    assert (into.number, into.before, into.after, into.actor, into.reason) == (2, "candidate", "production", "ada", "better")
    assert (out.number, out.before, out.after, out.reason) == (1, "production", "archived", "better")
    assert into.evidence is not None and out.evidence is None
    terms = into.evidence["terms"]
    assert isinstance(terms, list) and [term["values"] for term in terms if isinstance(term, dict)] == [
        {"auc": 0.9},
        {"auc": 0.9, "production.auc": 0.8},
    ]
    # Asked again, it is there: nothing is logged, and the gate is not asked.
    assert promote(control, "churn@2", "production", "auc > production.auc").transitions == []
    assert [item.id for item in control.transitions.log("churn").transitions] == [3, 2, 1]
    with control.database.read() as connection:
        heard = [item for item in events.after(connection, 0, 1000) if item.kind == "model.transition"]
    assert [item.data["transition"]["id"] for item in heard] == [1, 2, 3]  # type: ignore[index,call-overload]
    assert heard[1].data["version"]["stage"] == "production"  # type: ignore[index,call-overload]


async def test_references(control: Control) -> None:
    """A number, a stage, an alias; a bare name is the newest approved, else the newest that was not rejected."""
    for _ in range(3):
        await version(control)

    def number(reference: str) -> int:
        return control.models.resolve(reference).number

    assert number("churn") == 3
    decide(control, "churn@3", "rejected")
    assert number("churn") == 2
    decide(control, "churn@1", "approved")
    assert number("churn") == 1
    promote(control, "churn@2", "champion")
    promote(control, "churn@2", "staging")
    promote(control, "churn@1", "staging")
    assert (number("churn@champion"), number("churn@staging"), number("churn@02")) == (2, 2, 2)
    for reference, words in (
        ("churn@production", "No version of 'churn' is in production"),
        ("churn@nobody", "no alias 'nobody'"),
        ("churn@²", "no alias '²'"),
        ("churn@9", "no version 9"),
        ("churn@" + "9" * 5000, "no version"),
        ("nothing@1", "no model 'nothing'"),
    ):
        with pytest.raises(NotFound, match=words):
            control.models.resolve(reference)
    for reference in ("churn@", "@1", "churn@a b", "churn@1@2"):
        with pytest.raises(Invalid, match="not a model reference"):
            control.models.resolve(reference)


async def test_a_failing_gate_says_which_term_and_changes_nothing(control: Control) -> None:
    await version(control, auc=0.8, loss=0.3)
    with pytest.raises(GateFailed) as caught:
        promote(control, "churn@1", "production", "auc >= 0.9 and loss < 1")
    assert "auc >= 0.9 (auc = 0.8)" in caught.value.message and "loss" not in caught.value.message
    verdict = caught.value.detail["verdict"]
    assert [(term["text"], term["passed"]) for term in verdict["terms"]] == [("auc >= 0.9", False), ("loss < 1", True)]
    assert caught.value.to_wire()["error"]["code"] == "gate_failed"
    assert stages(control) == {1: "candidate"}
    assert control.transitions.log("churn").transitions == []


async def test_where_a_gate_finds_its_numbers(control: Control) -> None:
    """Own: the newest evaluation that has it, else training. Others by stage, alias and number; endpoints by their name."""
    for auc in (0.8, 0.9):
        await version(control, auc=auc, loss=0.5)
    measure(control, 2, "evaluation", "old", auc=0.7, f1=0.6)
    measure(control, 2, "evaluation", "new", auc=0.75)
    measure(control, 2, "endpoint", "live", p95=0.012)
    promote(control, "churn@1", "champion")
    gate = (
        "auc == 0.75 and eval.f1 == 0.6 and train.auc == 0.9 and loss == 0.5 and endpoint.p95 < 0.02 "
        "and champion.auc == 0.8 and v1.auc == 0.8 and v2.auc == 0.75 and auc > production.auc"
    )
    (moved,) = promote(control, "churn@2", "production", gate).transitions
    assert moved.evidence is not None
    terms = {term["text"]: term for term in moved.evidence["terms"]}  # type: ignore[union-attr,index,call-overload]
    assert terms["auc == 0.75"]["sources"] == {"auc": "churn@2, evaluation new"}  # type: ignore[index,call-overload]
    note = terms["auc > production.auc"]["note"]  # type: ignore[index,call-overload]
    assert note == "holds, for no version is in production yet"


@pytest.mark.parametrize(
    ("gate", "words", "remedy"),
    [
        ("acc > 0.5", "churn@1 has no metric 'acc'", "Known: auc, 'valid-auc'"),
        ("auc > 5 and acc > 0.5", "churn@1 has no metric 'acc'", "Known"),
        ("valid-auc > 0", "no metric 'valid'", "'valid-auc'"),
        ("eval.auc > 0", "no evaluation metric 'auc'", "%evaluate churn@1"),
        ("endpoint.p95 < 1", "no endpoint metric 'p95'", "%deploy churn@1"),
        ("prodution.auc > 0", "'prodution'", "Did you mean production?"),
        ("auc >", "cannot be used", "For example"),
        ("__import__('os').system('x') > 1", "cannot be used", "For example"),
    ],
)
async def test_gates_that_cannot_be_asked(control: Control, gate: str, words: str, remedy: str) -> None:
    """Refused, not false: a mistake in a gate is no verdict on a model."""
    await version(control, **{"auc": 0.9, "valid-auc": 0.8})
    with pytest.raises(Invalid) as caught:
        promote(control, "churn@1", "production", gate)
    assert words in caught.value.message and remedy in str(caught.value.remedy)
    assert caught.value.field == "--if" and stages(control) == {1: "candidate"}


async def test_an_unknown_version_in_a_gate(control: Control) -> None:
    await version(control, auc=0.9)
    with pytest.raises(NotFound, match="no version 9"):
        promote(control, "churn@1", "production", "auc > v9.auc")
    await version(control, loss=0.1)
    promote(control, "churn@1", "production")
    with pytest.raises(Invalid, match=r"churn@2 has no metric 'auc'"):
        promote(control, "churn@2", "production", "auc > production.auc")
    with pytest.raises(Invalid, match=r"churn@1 \(production\) has no metric 'loss'"):
        promote(control, "churn@2", "production", "loss < production.loss")


@pytest.mark.parametrize(
    ("to", "words"),
    [("7", "number cannot be an alias"), ("Production", "Did you mean production"), ("prodution", "Did you mean")],
)
async def test_what_is_no_stage_and_no_alias(control: Control, to: str, words: str) -> None:
    await version(control)
    with pytest.raises(Invalid, match=words):
        promote(control, "churn@1", to)
    with pytest.raises(Invalid, match="is not a name"):
        promote(control, "churn@1", "a/b")
    # An alias that begins with a stage's name says what it is.
    assert promote(control, "churn@1", "production-eu").version.aliases == ["production-eu"]


async def test_a_rejected_version_is_not_promoted(control: Control) -> None:
    await version(control)
    decide(control, "churn@1", "rejected", "leaks the target")
    for stage in ("staging", "production"):
        with pytest.raises(Conflict, match=r"rejected by grace on .*\(leaks the target\)") as caught:
            promote(control, "churn@1", stage)
        assert "%approve churn@1" in str(caught.value.remedy)
    assert promote(control, "churn@1", "archived").version.stage == "archived"
    decide(control, "churn@1", "approved")
    assert promote(control, "churn@1", "staging").version.approval == "approved"
    kinds = [(item.kind, item.before, item.after) for item in control.transitions.log("churn", 1).transitions]
    assert kinds[-1] == ("approval", "pending", "rejected") and kinds[1] == ("approval", "rejected", "approved")
    with pytest.raises(Invalid, match="which version is meant"):
        decide(control, "churn", "approved")
    assert decide(control, "churn@1", "approved").transitions == []


async def test_approval_where_it_is_required(control: Control) -> None:
    control.place.save_settings(Settings(approval_required=True))
    await version(control)
    promote(control, "churn@1", "staging")
    with pytest.raises(Conflict, match="only approved versions go to production"):
        promote(control, "churn@1", "production")
    decide(control, "churn@1", "approved")
    assert promote(control, "churn@1", "production").version.stage == "production"


async def test_rollback_goes_back_and_never_forward(control: Control) -> None:
    for _ in range(3):
        await version(control)
    for number in (1, 2, 3):
        promote(control, f"churn@{number}", "production")
    moved = rollback(control)
    assert moved.version.number == 2
    assert [(item.number, item.after, item.undoes) for item in moved.transitions] == [
        (3, "candidate", 4),
        (2, "production", 4),
    ]
    assert stages(control) == {1: "archived", 2: "production", 3: "candidate"}
    assert rollback(control).version.number == 1
    with pytest.raises(Conflict, match="Nobody held 'production' before churn@1"):
        rollback(control)
    with pytest.raises(Conflict, match="nothing to take back"):
        rollback(control, to="staging")
    assert stages(control)[1] == "production"


async def test_rollback_that_is_sent_again_takes_back_one_move(control: Control) -> None:
    for number in (1, 2, 3):
        await version(control)
        promote(control, f"churn@{number}", "production")
    seen = control.transitions.log("churn").transitions[0].id
    first = rollback(control, seen=seen)
    assert rollback(control, seen=seen).version.number == first.version.number == 2
    promote(control, "churn@3", "production")
    with pytest.raises(Conflict, match="moved a moment ago"):
        rollback(control, seen=seen)


async def test_rollback_of_a_rejected_or_deleted_version(control: Control) -> None:
    """What was rejected goes to the archive and does not come back; what is gone is named."""
    for number in (1, 2, 3):
        await version(control)
        promote(control, f"churn@{number}", "staging")
        promote(control, f"churn@{number}", "production")
    decide(control, "churn@3", "rejected")
    rollback(control)
    assert stages(control)[3] == "archived"
    decide(control, "churn@1", "rejected")
    with pytest.raises(Conflict, match="churn@1 was rejected"):
        rollback(control)
    control.models.delete("churn", 1)
    with pytest.raises(Conflict, match="churn@1, which held 'production' before, was deleted"):
        rollback(control)


async def test_aliases_move_roll_back_and_go(control: Control) -> None:
    for _ in range(2):
        await version(control)
    promote(control, "churn@1", "champion")
    (moved,) = promote(control, "churn@2", "champion").transitions
    assert (moved.kind, moved.alias, moved.before, moved.after) == ("alias", "champion", "1", "2")
    assert rollback(control, to="champion").version.aliases == ["champion"]
    assert control.models.resolve("churn@champion").number == 1
    control.transitions.remove_alias("churn", "champion")
    with pytest.raises(NotFound, match="no alias 'champion'"):
        control.transitions.remove_alias("churn", "champion")
    assert rollback(control, to="champion").version.number == 1
    with pytest.raises(NotFound, match="no alias 'nobody'"):
        rollback(control, to="nobody")


async def test_what_is_in_use_is_not_deleted(control: Control) -> None:
    """Served, in a stage, pointed at: refused with the reason. Numbers are not given out again."""
    for _ in range(3):
        await version(control)
    endpoint = control.endpoints.deploy(DeploySpec(model="churn@1", name="live"))
    promote(control, "churn@2", "production")
    promote(control, "churn@3", "champion")
    for number, words, remedy in (
        (1, "is served by live", "%undeploy live"),
        (2, "is in production", "%promote churn@2 archived"),
        (3, "is what champion points at", "%models unalias churn@champion"),
    ):
        with pytest.raises(Conflict, match=f"churn@{number} cannot be deleted: it {words}") as caught:
            control.models.delete("churn", number)
        assert remedy in str(caught.value.remedy)
    control.transitions.remove_alias("churn", "champion")
    measure(control, 3, "evaluation", "held", auc=1.0)
    assert control.models.delete("churn", 3).number == 3
    with pytest.raises(NotFound, match="no version 3"):
        control.models.evidence("churn", 3)
    assert control.models.resolve("churn").number == 2
    assert await version(control) == "churn@4"
    control.endpoints.remove(endpoint.name)
    await control.until(lambda: not control.endpoints.list().endpoints)
    control.models.delete("churn", 1)
    assert [item.number for item in control.models.get("churn").versions] == [4, 2]


async def test_a_model_without_versions_is_not_listed(control: Control) -> None:
    await version(control)
    control.models.delete("churn", 1)
    assert control.models.list().models == []
    with pytest.raises(NotFound, match="no version any more"):
        control.models.resolve("churn")


async def test_evidence_of_an_evaluation_job(control: Control) -> None:
    """Stored as the job ends, with its curves; a version that was deleted meanwhile does not stop the job."""
    await version(control, auc=0.8)
    control.compute.metrics = {"auc": 0.75}
    curves = Artifact(name="curves", format="figures", digest="c" * 64, size=1, type="dict")
    control.compute.outputs = [curves]
    for model in ("churn@1", "churn@7"):
        job = control.jobs.submit(JobSpec(source="pass", name="held-back", evaluates=model))[0]
        await control.until(lambda job=job: control.jobs.get(job.id).state is JobState.SUCCEEDED)
    (found,) = control.models.evidence("churn", 1).evidence
    assert (found.kind, found.name, found.metrics, found.curves) == ("evaluation", "held-back", {"auc": 0.75}, "c" * 64)


async def test_imports(control: Control) -> None:
    """The bytes must be there, of a known format; the same bytes of the same source are one version."""
    digest, size = control.blobs.add(iter([b"model"]))
    facts = {"model": "taken", "digest": digest, "size": size, "format": "xgboost-ubj", "type": "Booster", "source": "a.ubj"}
    first = control.models.take(ImportSpec.model_validate({**facts, "metrics": {"auc": 0.5}}))
    assert (first.reference, first.job, first.metrics) == ("taken@1", None, {"auc": 0.5})
    assert control.models.take(ImportSpec.model_validate(facts)).number == 1
    assert control.models.take(ImportSpec.model_validate({**facts, "source": "b.ubj"})).number == 2
    for changes, words in (
        ({"digest": "0" * 64}, "not in the store"),
        ({"format": "npy"}, "no format of models"),
        ({"format": "cloudpickle"}, "--allow-pickle"),
    ):
        with pytest.raises(Invalid, match=words):
            control.models.take(ImportSpec.model_validate({**facts, **changes}))
    assert [item.number for item in control.models.get("taken").versions] == [2, 1]


async def test_diff(control: Control) -> None:
    await version(control, auc=0.8)
    await version(control, auc=0.9)
    measure(control, 2, "evaluation", "held", auc=0.85)
    found = control.models.diff("churn@1", "churn")
    assert (found.before, found.after) == ("churn@1", "churn@2")
    changes = {(item.what, item.name): (item.before, item.after) for item in found.changes}
    assert changes["metric", "auc"] == (0.8, 0.9) and changes["evaluation", "auc (held)"] == (None, 0.85)
    assert "-auc = {'auc': 0.8}" in found.code
    assert control.models.diff("churn@1", "churn@1").changes == []


async def test_a_name_registered_by_hand_is_a_candidate(control: Control) -> None:
    job = control.jobs.submit(JobSpec(source="pass", name="plain"))[0]
    await control.until(lambda: control.jobs.get(job.id).state is JobState.SUCCEEDED)
    spec = RegisterSpec(model="m", job="plain", tags={"team": "fraud"}, description="first")
    found = control.models.register(spec)
    assert (found.stage, found.approval, found.aliases, found.tags) == ("candidate", "pending", [], {"team": "fraud"})
    assert json.loads(found.model_dump_json())["created_at"] <= time.time()
