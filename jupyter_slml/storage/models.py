"""Models and versions in SQL."""

from __future__ import annotations

import json

from sqlalchemy import Connection, and_, func, insert, select, update

from jupyter_slml.domain.records import Model, Version
from jupyter_slml.errors import NotFound
from jupyter_slml.storage.rows import to_record, to_row
from jupyter_slml.storage.schema import models, versions

_VERSION = ("signature", "metrics", "parameters", "captures")


def next_number(connection: Connection, name: str, now: float) -> int:
    """Reserve the next version number, creating the model on first use. Call it inside the write that adds the version."""
    latest: int | None = connection.scalar(select(models.c.latest).where(models.c.name == name))
    if latest is None:
        connection.execute(insert(models).values(name=name, created_at=now, latest=1))
        return 1
    connection.execute(update(models).where(models.c.name == name).values(latest=latest + 1))
    return latest + 1


def add(connection: Connection, version: Version) -> None:
    connection.execute(insert(versions).values(**to_row(version, _VERSION)))


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
    model = get(connection, name)
    wanted = model.latest if number is None else number
    row = (
        connection.execute(select(versions).where(versions.c.model == name, versions.c.number == wanted)).mappings().first()
    )
    if row is None:
        raise NotFound(
            f"Model {name!r} has no version {wanted}.",
            field="version",
            value=wanted,
            remedy=f"Its newest version is {model.latest}: `%models {name}` lists them.",
        )
    return to_record(Version, row, _VERSION)


def newest(connection: Connection) -> list[tuple[Model, Version]]:
    """Every model with its newest version, by name."""
    rows = connection.execute(
        select(models, versions.c.number.label("number"))
        .join(versions, and_(versions.c.model == models.c.name, versions.c.number == models.c.latest))
        .order_by(models.c.name)
    ).mappings()
    return [(to_record(Model, row, ()), version(connection, row["name"], row["number"])) for row in rows]


def versions_of(connection: Connection, name: str) -> list[Version]:
    """All versions, newest first. Raises NotFound."""
    get(connection, name)
    rows = connection.execute(select(versions).where(versions.c.model == name).order_by(versions.c.number.desc())).mappings()
    return [to_record(Version, row, _VERSION) for row in rows]


def count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(models)) or 0


def digests(connection: Connection) -> set[str]:
    """Every digest that some version refers to."""
    found = set(connection.scalars(select(versions.c.digest)))
    for captures in connection.scalars(select(versions.c.captures)):
        found |= set(json.loads(captures).values())
    return found
