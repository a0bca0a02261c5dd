"""Models and versions in SQL."""

from __future__ import annotations

import json

from sqlalchemy import Connection, delete, func, insert, select, update

from jupyter_slml.domain.records import Model, Standing, Version
from jupyter_slml.errors import NotFound
from jupyter_slml.storage.rows import to_record, to_row
from jupyter_slml.storage.schema import aliases, evidence, models, standings, versions

_VERSION = ("signature", "metrics", "parameters", "tags", "environment", "captures")


def next_number(connection: Connection, name: str, now: float) -> int:
    """Reserve the next version number, creating the model on first use. Call it inside the write that adds the version."""
    latest: int | None = connection.scalar(select(models.c.latest).where(models.c.name == name))
    if latest is None:
        connection.execute(insert(models).values(name=name, created_at=now, latest=1))
        return 1
    connection.execute(update(models).where(models.c.name == name).values(latest=latest + 1))
    return latest + 1


def add(connection: Connection, version: Version) -> None:
    """Store a version; it stands as a candidate that nobody has judged."""
    connection.execute(insert(versions).values(**to_row(version, _VERSION)))
    start = Standing(model=version.model, number=version.number)
    connection.execute(insert(standings).values(**to_row(start, ())))


def of_output(connection: Connection, model: str, job: str, output: str) -> Version | None:
    """The version that this output of this job already became, if it did."""
    row = (
        connection.execute(
            select(versions).where(versions.c.model == model, versions.c.job == job, versions.c.output == output)
        )
        .mappings()
        .first()
    )
    return None if row is None else to_record(Version, row, _VERSION)


def imported(connection: Connection, model: str, digest: str, source: str) -> Version | None:
    """The version that these bytes already became when they came from there before, if it is still there."""
    row = (
        connection.execute(
            select(versions)
            .where(
                versions.c.model == model,
                versions.c.job.is_(None),
                versions.c.digest == digest,
                versions.c.source == source,
            )
            .order_by(versions.c.number.desc())
        )
        .mappings()
        .first()
    )
    return None if row is None else to_record(Version, row, _VERSION)


def get(connection: Connection, name: str) -> Model:
    """Raises NotFound, naming models that exist."""
    row = connection.execute(select(models).where(models.c.name == name)).mappings().first()
    if row is None:
        known = connection.scalars(select(models.c.name).order_by(models.c.name).limit(10)).all()
        raise NotFound(
            f"There is no model {name!r}.",
            field="model",
            value=name,
            remedy=f"Known models: {', '.join(known)}."
            if known
            else "No model is registered yet: run a job with `--register NAME`.",
        )
    return to_record(Model, row, ())


def version(connection: Connection, name: str, number: int | None = None) -> Version:
    """A version, by default the newest. Raises NotFound."""
    get(connection, name)
    newest = connection.scalar(select(func.max(versions.c.number)).where(versions.c.model == name))
    if newest is None:
        raise NotFound(
            f"Model {name!r} has no version any more: all were deleted.",
            field="version",
            value=name,
            remedy=f"Register one: run a job with `--register {name}`.",
        )
    wanted = newest if number is None else number
    row = (
        connection.execute(select(versions).where(versions.c.model == name, versions.c.number == wanted)).mappings().first()
    )
    if row is None:
        raise NotFound(
            f"Model {name!r} has no version {wanted}.",
            field="version",
            value=wanted,
            remedy=f"Its newest version is {newest}: `%models {name}` lists them.",
        )
    return to_record(Version, row, _VERSION)


def newest(connection: Connection) -> list[tuple[Model, Version]]:
    """Every model that has versions, with its newest one, by name."""
    rows = connection.execute(
        select(models, func.max(versions.c.number).label("number"))
        .join(versions, versions.c.model == models.c.name)
        .group_by(models.c.name, models.c.created_at, models.c.latest)
        .order_by(models.c.name)
    ).mappings()
    return [(to_record(Model, row, ()), version(connection, row["name"], row["number"])) for row in rows]


def versions_of(connection: Connection, name: str) -> list[Version]:
    """All versions, newest first. Raises NotFound."""
    get(connection, name)
    rows = connection.execute(select(versions).where(versions.c.model == name).order_by(versions.c.number.desc())).mappings()
    return [to_record(Version, row, _VERSION) for row in rows]


def standing(connection: Connection, name: str, number: int) -> Standing:
    row = (
        connection.execute(select(standings).where(standings.c.model == name, standings.c.number == number)).mappings().one()
    )
    return to_record(Standing, row, ())


def standings_of(connection: Connection, name: str) -> dict[int, Standing]:
    """Where each version stands, by number."""
    rows = connection.execute(select(standings).where(standings.c.model == name)).mappings()
    return {row["number"]: to_record(Standing, row, ()) for row in rows}


def stand(connection: Connection, standing: Standing) -> None:
    """Store where a version stands now."""
    connection.execute(
        update(standings)
        .where(standings.c.model == standing.model, standings.c.number == standing.number)
        .values(stage=standing.stage, approval=standing.approval)
    )


def in_stage(connection: Connection, name: str, stage: str) -> list[int]:
    """Numbers of the versions in a stage, newest first."""
    query = select(standings.c.number).where(standings.c.model == name, standings.c.stage == stage)
    return list(connection.scalars(query.order_by(standings.c.number.desc())))


def aliases_of(connection: Connection, name: str) -> dict[str, int]:
    """Every alias of a model and the version that it points at."""
    rows = connection.execute(select(aliases.c.alias, aliases.c.number).where(aliases.c.model == name))
    return {row.alias: row.number for row in rows}


def point(connection: Connection, name: str, alias: str, number: int | None) -> None:
    """Point an alias at a version; None takes it away."""
    connection.execute(delete(aliases).where(aliases.c.model == name, aliases.c.alias == alias))
    if number is not None:
        connection.execute(insert(aliases).values(model=name, alias=alias, number=number))


def remove(connection: Connection, name: str, number: int) -> None:
    """Delete a version with where it stands and what was measured of it. The log of moves stays, and the number is not
    given out again."""
    connection.execute(delete(evidence).where(evidence.c.model == name, evidence.c.number == number))
    connection.execute(delete(standings).where(standings.c.model == name, standings.c.number == number))
    connection.execute(delete(versions).where(versions.c.model == name, versions.c.number == number))


def count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(models)) or 0


def digests(connection: Connection) -> set[str]:
    """Every digest that some version refers to, or a measurement of one."""
    found = set(connection.scalars(select(versions.c.digest)))
    found |= set(connection.scalars(select(versions.c.baseline).where(versions.c.baseline.is_not(None))))
    found |= set(connection.scalars(select(evidence.c.curves).where(evidence.c.curves.is_not(None))))
    for captures in connection.scalars(select(versions.c.captures)):
        found |= set(json.loads(captures).values())
    return found
