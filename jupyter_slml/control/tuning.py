"""Tuning jobs: what they build upon, and their trials as the attempts recorded them."""

from __future__ import annotations

import json
from collections.abc import Collection

from sqlalchemy import Connection

from jupyter_slml.control.chunks import Chunks
from jupyter_slml.domain.instances import InstanceType
from jupyter_slml.domain.records import Attempt, Job
from jupyter_slml.domain.specs import JobKind, JobSpec
from jupyter_slml.domain.trials import Study, Trial, best, fold, front
from jupyter_slml.domain.views import TrialList
from jupyter_slml.errors import Conflict, Invalid
from jupyter_slml.ports.blobs import Blobs
from jupyter_slml.storage import jobs as table
from jupyter_slml.storage.database import Database


class Tuning:
    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database, self._blobs = database, blobs

    def trials(self, word: str) -> TrialList:
        """All trials of a tuning job, in their order. Raises NotFound, Conflict for a job of another kind."""
        with self._database.read() as connection:
            job = table.find(connection, word)
            attempts = table.attempts_of(connection, job.id)
        if job.spec.tuning is None:
            raise Conflict(
                f"Job {job.id} ({job.name}) is of kind {job.spec.kind.value} and has no trials.",
                field="job",
                value=job.id,
                remedy="`%%tune` makes jobs that have; `%jobs` lists all with their kind.",
            )
        study = read(self._blobs, attempts, final=job.state.is_final)
        goals = job.spec.tuning.objectives
        top = best(study.trials, goals)
        return TrialList(
            **{**dict(study), "most": study.most or job.spec.tuning.most},
            objectives=goals,
            best=None if top is None else top.number,
            front=[trial.number for trial in front(study.trials, goals)],
        )

    def digests(self, connection: Connection, without: Collection[str] = ()) -> set[str]:
        """What trials left and may still be asked for: of the front, and of all while the job has not ended."""
        found: set[str] = set()
        for job in table.of_kind(connection, JobKind.TUNING):
            if job.spec.tuning is None or job.id in without:
                continue
            attempts = table.attempts_of(connection, job.id)
            study = read(self._blobs, attempts, final=job.state.is_final)
            kept = front(study.trials, job.spec.tuning.objectives) if job.state.is_final else study.trials
            found |= {digest for trial in kept for digest in _digests(trial)}
        return found


def read(blobs: Blobs, attempts: list[Attempt], *, final: bool) -> Study:
    lines = Chunks(blobs, attempts, "trials").forwards()
    return fold(((line.attempt, json.loads(line.data)) for line in lines), final=final)


def history(connection: Connection, job: Job, attempt: Attempt) -> tuple[list[str], list[list[str]]]:
    """Ids of the attempts before this one, and of those of the jobs that it learns from; for other kinds nothing."""
    if job.spec.tuning is None:
        return [], []
    earlier = [item.id for item in table.attempts_of(connection, job.id) if item.number < attempt.number]
    known = [[item.id for item in table.attempts_of(connection, word)] for word in job.spec.tuning.warm_start]
    return earlier, known


def resolved(connection: Connection, spec: JobSpec) -> JobSpec:
    """With the ids of the jobs that are meant now. Raises NotFound, Conflict for a job of another kind."""
    if spec.tuning is None or not spec.tuning.warm_start:
        return spec
    ids = []
    for word in dict.fromkeys(spec.tuning.warm_start):
        job = table.find(connection, word)
        if job.spec.tuning is None:
            raise Conflict(
                f"Job {job.id} ({job.name}) is of kind {job.spec.kind.value}: there are no trials to learn from.",
                field="warm_start",
                value=word,
                remedy="Name an earlier tuning job.",
            )
        metrics = {item.metric for item in job.spec.tuning.objectives}
        missing = [item.metric for item in spec.tuning.objectives if item.metric not in metrics]
        if missing:
            raise Conflict(
                f"Job {job.id} ({job.name}) tuned {', '.join(sorted(metrics))} and says nothing about {missing[0]}.",
                field="warm_start",
                value=word,
                remedy="Learn from a job with the same objective, or leave --warm-start out.",
            )
        ids.append(job.id)
    return spec.evolve(tuning=spec.tuning.evolve(warm_start=ids))


def check_budget(spec: JobSpec, kind: InstanceType) -> None:
    """Raises Invalid for a budget that can never be spent."""
    if spec.tuning is not None and spec.tuning.budget is not None and not kind.price:
        raise Invalid(
            f"--budget {spec.tuning.budget:g}: the instance type {kind.name} costs nothing.",
            field="budget",
            value=spec.tuning.budget,
            remedy="Give its price per hour in the settings (`jupyter slml config`), or limit the time: --time-limit 10m.",
        )


def _digests(trial: Trial) -> set[str]:
    found = {item.digest for item in (*trial.outputs, *trial.files)}
    found |= {item.baseline for item in trial.outputs if item.baseline}
    return found | ({trial.displays} if trial.displays else set())
