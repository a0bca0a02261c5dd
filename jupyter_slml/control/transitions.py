"""Moves of versions: stages, aliases, approvals, and taking moves back. Every move is a line of an append-only log."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from typing import Literal

from sqlalchemy import Connection

from jupyter_slml.control import evidence
from jupyter_slml.control.actors import me
from jupyter_slml.control.models import resolve, view
from jupyter_slml.domain.gates import Gate, Verdict
from jupyter_slml.domain.holders import Holder, holders
from jupyter_slml.domain.names import STAGES, check_name, parse_reference
from jupyter_slml.domain.records import Standing, Transition, Version
from jupyter_slml.domain.specs import DecisionSpec, PromoteSpec, RollbackSpec
from jupyter_slml.domain.views import Moved, TransitionList, VersionView
from jupyter_slml.errors import Conflict, GateFailed, Invalid, NotFound
from jupyter_slml.settings import Settings
from jupyter_slml.storage import models
from jupyter_slml.storage import transitions as table
from jupyter_slml.storage.database import Database, Transaction


class Move:
    """One move of one model inside a write: what all its lines in the log have in common."""

    def __init__(self, transaction: Transaction, model: str, actor: str, reason: str, undoes: int | None = None) -> None:
        self._transaction, self._model, self._undoes = transaction, model, undoes
        self._connection = transaction.connection
        self._actor, self._reason = actor or me(), reason
        self.made: list[Transition] = []

    def stage(self, number: int, stage: str, verdict: Verdict | None = None) -> None:
        """Move a version; whoever held production before it goes to the archive."""
        standing = models.standing(self._connection, self._model, number)
        if standing.stage == stage:
            return
        before = models.in_stage(self._connection, self._model, "production") if stage == "production" else []
        self._stand(standing, stage, verdict)
        for other in before:
            self._stand(models.standing(self._connection, self._model, other), "archived", None)

    def _stand(self, standing: Standing, stage: str, verdict: Verdict | None) -> None:
        models.stand(self._connection, standing.evolve(stage=stage))
        self._log(standing.number, "stage", standing.stage, stage, verdict=verdict)

    def alias(self, alias: str, before: int | None, after: int | None, verdict: Verdict | None = None) -> None:
        """Point an alias at another version, or at none."""
        models.point(self._connection, self._model, alias, after)
        number = after if after is not None else before
        assert number is not None
        self._log(number, "alias", _text(before), _text(after), alias=alias, verdict=verdict)

    def approval(self, standing: Standing, approval: Literal["approved", "rejected", "pending"]) -> None:
        models.stand(self._connection, standing.evolve(approval=approval))
        self._log(standing.number, "approval", standing.approval, approval)

    def _log(
        self,
        number: int,
        kind: Literal["stage", "alias", "approval"],
        before: str | None,
        after: str | None,
        alias: str | None = None,
        verdict: Verdict | None = None,
    ) -> None:
        line = Transition(
            id=0,
            at=self._transaction.now,
            model=self._model,
            number=number,
            kind=kind,
            alias=alias,
            before=before,
            after=after,
            actor=self._actor,
            reason=self._reason,
            evidence=None if verdict is None else verdict.model_dump(mode="json"),
            undoes=self._undoes,
        )
        self.made.append(table.add(self._connection, line))

    def done(self, number: int) -> Moved:
        """Tell the log of events, and answer with the version as it stands now."""
        for line in self.made:
            found = view(self._connection, models.version(self._connection, self._model, line.number))
            self._transaction.record(
                "model.transition",
                "model",
                found.reference,
                {"transition": line.model_dump(mode="json"), "version": found.model_dump(mode="json")},
            )
        found = view(self._connection, models.version(self._connection, self._model, number))
        return Moved(version=found, transitions=self.made)


class Transitions:
    """`settings` gives the workspace's present settings."""

    def __init__(self, database: Database, settings: Callable[[], Settings] = Settings) -> None:
        self._database, self._settings = database, settings

    def promote(self, spec: PromoteSpec) -> Moved:
        """Move a version to a stage, or point an alias at it, if its gate holds. Where it is already, nothing happens.

        Raises NotFound, Invalid (also for a gate that names an unknown metric), GateFailed, and Conflict for a version that
        was rejected, or is not approved where that is required.
        """
        gate = None if spec.gate is None else Gate(spec.gate)
        with self._database.write() as transaction:
            connection = transaction.connection
            version = resolve(connection, spec.model)
            to = _target(connection, version.model, spec.to)
            move = Move(transaction, version.model, spec.actor, spec.reason)
            # Asked again by a client that did not hear the answer: its gate may not hold any more, since it was obeyed.
            if version.stage == to or to in version.aliases:
                return move.done(version.number)
            if to in ("staging", "production"):
                self._check_allowed(connection, version, to)
            verdict = None if gate is None else gate.decide(evidence.finder(connection, version))
            if verdict is not None and not verdict.passed:
                raise _gate_failed(version, to, verdict)
            if to in STAGES:
                move.stage(version.number, to, verdict)
            else:
                move.alias(to, models.aliases_of(connection, version.model).get(to), version.number, verdict)
            return move.done(version.number)

    def decide(self, spec: DecisionSpec) -> Moved:
        """Approve or reject a version, or take that back. Raises NotFound, Invalid."""
        if parse_reference(spec.model).bare:
            raise Invalid(
                f"{spec.model!r} does not say which version is meant.",
                field="model",
                value=spec.model,
                remedy=f"Name it: {spec.model}@3.",
            )
        with self._database.write() as transaction:
            version = resolve(transaction.connection, spec.model)
            move = Move(transaction, version.model, spec.actor, spec.reason)
            standing = models.standing(transaction.connection, version.model, version.number)
            if standing.approval != spec.approval:
                move.approval(standing, spec.approval)
            return move.done(version.number)

    def rollback(self, spec: RollbackSpec) -> Moved:
        """Take back the last move of a stage or an alias: the version that held it before gets it back.

        Raises NotFound for an unknown model or alias, and Conflict when nobody held it before, or whoever did cannot have
        it back.
        """
        with self._database.write() as transaction:
            connection = transaction.connection
            models.get(connection, spec.model)
            is_stage = spec.to in STAGES
            moves = (table.of_stage if is_stage else table.of_alias)(connection, spec.model, spec.to)
            if spec.seen is not None and (newer := [move for move in moves if move.id > spec.seen]):
                return _answered(connection, spec, newer)
            found = holders(moves, spec.to)
            if len(found) < 2 or found[-2].number is None:
                raise self._nothing_before(connection, spec, found)
            last, number = found[-1], found[-2].number
            before = _restorable(connection, spec, number)
            move = Move(transaction, spec.model, spec.actor, spec.reason, undoes=last.move.id)
            if not is_stage:
                move.alias(spec.to, last.number, number)
                return move.done(number)
            if spec.to in ("staging", "production"):
                self._check_allowed(connection, before, spec.to)
            self._restore(connection, move, spec.to, last, before)
            return move.done(number)

    def _restore(self, connection: Connection, move: Move, stage: str, last: Holder, before: VersionView) -> None:
        if last.number is not None:
            standing = models.standing(connection, before.model, last.number)
            back = last.move.before or "candidate"
            # A version that was rejected meanwhile does not go back to where rejected ones may not go.
            move.stage(last.number, "archived" if standing.approval == "rejected" else back)
        if before.stage != "production" or stage == "production":
            move.stage(before.number, stage)
        elif last.number is None:
            raise Conflict(
                f"{before.reference}, which was in {stage} before, is in production now.",
                field="to",
                value=stage,
                remedy=f"`%rollback {before.model}` takes the last move to production back first.",
            )

    def remove_alias(self, model: str, alias: str, reason: str = "", actor: str = "") -> Moved:
        """Take an alias away. Raises NotFound."""
        with self._database.write() as transaction:
            models.get(transaction.connection, model)
            number = models.aliases_of(transaction.connection, model).get(alias)
            if number is None:
                raise _no_alias(transaction.connection, model, alias)
            move = Move(transaction, model, actor, reason)
            move.alias(alias, number, None)
            return move.done(number)

    def log(self, model: str, number: int | None = None) -> TransitionList:
        """The moves of a model, or of one version, newest first. Raises NotFound."""
        with self._database.read() as connection:
            models.get(connection, model)
            return TransitionList(transitions=table.of_model(connection, model, number))

    def _check_allowed(self, connection: Connection, version: VersionView, stage: str) -> None:
        if version.approval == "rejected":
            raise Conflict(
                f"{version.reference} was rejected{_verdict_of(connection, version)}, so it cannot go to {stage}.",
                field="model",
                value=version.reference,
                remedy=f"If that was a mistake: `%approve {version.reference}`.",
            )
        if stage == "production" and version.approval != "approved" and self._settings().approval_required:
            raise Conflict(
                f"{version.reference} is not approved, and only approved versions go to production here.",
                field="model",
                value=version.reference,
                remedy=f"Approve it first: `%approve {version.reference}` (setting approval_required).",
            )

    def _nothing_before(self, connection: Connection, spec: RollbackSpec, found: list[Holder]) -> Conflict | NotFound:
        if not found and spec.to not in STAGES:
            return _no_alias(connection, spec.model, spec.to)
        if not found:
            return Conflict(
                f"There is nothing to take back: no version of {spec.model!r} was ever moved to {spec.to}.",
                field="to",
                value=spec.to,
                remedy=f"`%models {spec.model} --log` shows the moves.",
            )
        holder = f"{spec.model}@{found[-1].move.number}"
        empty = (
            f"`%promote {holder} archived` takes it out."
            if spec.to in STAGES
            else f"`%models unalias {spec.model}@{spec.to}` takes the alias away."
        )
        return Conflict(
            f"Nobody held {spec.to!r} before {holder}, so there is no version to go back to.",
            field="to",
            value=spec.to,
            remedy=empty,
        )


def _answered(connection: Connection, spec: RollbackSpec, newer: list[Transition]) -> Moved:
    """The answer to a rollback that was made already. Raises Conflict when something else has happened since."""
    if any(move.undoes is None for move in newer):
        raise Conflict(
            f"{spec.to!r} of {spec.model!r} was moved a moment ago by {newer[-1].actor}.",
            field="to",
            value=spec.to,
            remedy=f"`%models {spec.model} --log` shows the moves; roll back again if it is still what you want.",
        )
    return Moved(version=view(connection, models.version(connection, spec.model, newer[-1].number)), transitions=newer)


def _restorable(connection: Connection, spec: RollbackSpec, number: int) -> VersionView:
    try:
        return view(connection, models.version(connection, spec.model, number))
    except NotFound:
        raise Conflict(
            f"{spec.model}@{number}, which held {spec.to!r} before, was deleted.",
            field="to",
            value=spec.to,
            remedy=f"Choose another version: `%promote {spec.model}@N {spec.to}`.",
        ) from None


def _target(connection: Connection, model: str, word: str) -> str:
    """A stage or the name of an alias. Raises Invalid, also for a stage that is misspelled: it would become an alias."""
    if word in STAGES:
        return word
    if word.isdecimal():
        raise Invalid(
            f"A number cannot be an alias: {word}.",
            field="to",
            value=word,
            remedy=f"Promote to a stage ({', '.join(STAGES)}) or to a name, such as champion.",
        )
    try:
        alias = check_name(word)
    except ValueError as error:
        raise Invalid(f"{error}.", field="to", value=word, remedy=f"Stages are {', '.join(STAGES)}.") from None
    near = difflib.get_close_matches(alias.casefold(), STAGES, n=1, cutoff=0.9)
    if near and not (alias.startswith(near[0]) or alias in models.aliases_of(connection, model)):
        raise Invalid(
            f"There is no stage {alias!r}, and an alias of that name would be taken for one.",
            field="to",
            value=alias,
            remedy=f"Did you mean {near[0]}?",
        )
    return alias


def _gate_failed(version: Version, to: str, verdict: Verdict) -> GateFailed:
    said = "; ".join(str(term) for term in verdict.failed)
    return GateFailed(
        f"{version.reference} was not promoted to {to}. Its gate does not hold: {said}.",
        field="--if",
        value=verdict.expression,
        remedy="Nothing was changed. Promote a better version, or change the gate.",
        detail={"verdict": verdict.model_dump(mode="json")},
    )


def _no_alias(connection: Connection, model: str, alias: str) -> NotFound:
    known = models.aliases_of(connection, model)
    return NotFound(
        f"Model {model!r} has no alias {alias!r}.",
        field="alias",
        value=alias,
        remedy=f"Its aliases: {', '.join(sorted(known))}."
        if known
        else f"It has none: `%promote {model}@1 {alias}` makes one.",
    )


def _verdict_of(connection: Connection, version: Version) -> str:
    """Who rejected it, when and why, as a part of a sentence."""
    for line in table.of_model(connection, version.model, version.number):
        if line.kind == "approval":
            at = time.strftime("%Y-%m-%d %H:%M", time.localtime(line.at))
            return f" by {line.actor} on {at}" + (f" ({line.reason})" if line.reason else "")
    return ""


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
