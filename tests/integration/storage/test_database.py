"""The database: migrations, durability settings, refusals."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.states import JobState
from jupyter_slml.errors import Invalid, SlmlError, StorageFull, VersionMismatch
from jupyter_slml.storage import database as module
from jupyter_slml.storage import events, jobs, schema
from jupyter_slml.storage.database import Database, sqlite_url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "slml.db"


def test_migrations_make_exactly_the_schema(path: Path) -> None:
    """The tables that migrations leave are those that the code uses, and HEAD names the newest migration."""
    database = Database(sqlite_url(path))
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    database.close()
    scripts = ScriptDirectory(str(Path(module.__file__).with_name("migrations")))
    assert scripts.get_current_head() == schema.HEAD


def test_a_migration_keeps_what_is_stored(path: Path) -> None:
    """A database of the first version, with a job and its attempt, comes out whole."""
    config = Config()
    config.set_main_option("script_location", str(Path(module.__file__).with_name("migrations")))
    engine = create_engine(sqlite_url(path))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.commit()
    engine.dispose()
    with sqlite3.connect(path) as raw:
        job = JobSpec(source="pass").model_dump_json()
        raw.execute(
            "INSERT INTO jobs (id, name, kind, state, reason, desired, instance, created_at, attempts, failures, losses,"
            " revision, metrics, spec) VALUES ('job-1', 'x', 'training', 'queued', '', 'run', 'cpu.small', 1.0, 1, 1, 2,"
            " 0, '{}', ?)",
            (job,),
        )
        raw.execute("INSERT INTO attempts (id, job, number, state, created_at) VALUES ('att-1', 'job-1', 1, 'lost', 2.0)")
    raw.close()
    database = Database(sqlite_url(path))
    with database.read() as connection:
        found = jobs.get(connection, "job-1")
        assert (found.retried, found.user, found.blocked) == ({}, "", 0)
        assert [attempt.id for attempt in jobs.attempts_of(connection, "job-1")] == ["att-1"]
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.close()


def test_a_database_of_a_newer_version_is_refused(path: Path) -> None:
    """A downgrade changes nothing and says what to do."""
    Database(sqlite_url(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(VersionMismatch, match="written by a newer jupyter-slml") as caught:
        Database(sqlite_url(path))
    assert "pip install -U" in str(caught.value)


def test_commits_are_durable(path: Path) -> None:
    """WAL with synchronous=FULL on every connection."""
    database = Database(sqlite_url(path))
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.close()


def test_a_failed_write_leaves_neither_record_nor_event(path: Path) -> None:
    """A record and its event commit together or not at all, and no listener hears of what did not happen."""
    database = Database(sqlite_url(path))
    heard: list[object] = []
    database.listener = heard.extend
    job = Job(id="job-1", name="x", spec=JobSpec(source="pass"), state=JobState.QUEUED, created_at=1.0)
    with pytest.raises(RuntimeError), database.write() as transaction:
        jobs.add(transaction.connection, job)
        transaction.record("job.queued", "job", job.id)
        raise RuntimeError("in the middle")
    with database.read() as connection:
        assert jobs.page(connection)[2] == 0
        assert events.last(connection) == 0
    assert heard == []
    database.close()


def test_writes_that_share_a_commit_keep_to_themselves(path: Path) -> None:
    """Many threads at once: each gets its own result or error; one that raises leaves nothing."""
    database = Database(sqlite_url(path))
    heard: list[int] = []
    database.listener = lambda events: heard.extend(event.id for event in events)
    gate = threading.Barrier(24)
    results: dict[int, str] = {}

    def submit(number: int) -> None:
        def work(transaction: module.Transaction) -> str:
            name = f"job-{number}"
            spec = JobSpec(source="pass")
            jobs.add(transaction.connection, Job(id=name, name="x", spec=spec, state=JobState.QUEUED, created_at=1.0))
            transaction.record("job.queued", "job", name)
            if number % 5 == 0:
                raise RuntimeError(name)
            return name

        gate.wait()
        try:
            results[number] = database.write_together(work)
        except RuntimeError as error:
            results[number] = f"failed {error}"

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: f"failed job-{n}" if n % 5 == 0 else f"job-{n}" for n in range(24)}
    with database.read() as connection:
        assert jobs.page(connection)[2] == 19
        assert heard == [event.id for event in events.after(connection, 0, 100)]
    database.close()


def test_a_full_disk_is_said_and_harms_nothing(path: Path) -> None:
    """The write fails with the remedy; when there is room again, work goes on."""
    database = Database(sqlite_url(path))

    def fill(pages: int) -> None:
        with database.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def add(number: int) -> None:
        job = Job(
            id=f"job-{number}", name="x", spec=JobSpec(source="#" * 5000), state=JobState.QUEUED, created_at=float(number)
        )
        with database.write() as transaction:
            jobs.add(transaction.connection, job)

    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    fill(pages + 4)
    with pytest.raises(StorageFull, match="nothing of this request was stored") as caught:
        for number in range(20):
            add(number)
    assert "Make room" in str(caught.value)
    fill(100_000)
    add(99)
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    database.close()


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's locks cannot be trusted there."""
    monkeypatch.setattr(module, "_file_system", lambda path: "nfs4")
    with pytest.raises(Invalid, match="network file system") as caught:
        sqlite_url(tmp_path / "slml.db")
    assert isinstance(caught.value, SlmlError)
    assert "local disk" in str(caught.value)
