"""`%console` and `%%console` in a real notebook, on a real replica."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyter_slml.client import Client
from jupyter_slml.domain.specs import DeploySpec, JobSpec
from jupyter_slml.domain.states import JobState
from tests.integration.notebook.conftest import Runner, texts

TRAINS = """
import numpy, xgboost
rows = numpy.random.default_rng(0).normal(size=(60, 2))
model = xgboost.XGBRegressor(n_estimators=3).fit(rows, rows[:, 0])
"""


@pytest.fixture(scope="module")
def endpoint(client: Client) -> Iterator[str]:
    job = client.jobs.submit(JobSpec(source=TRAINS, name="fit", outputs=["model"], register_as="churn"))
    while not job.state.is_final:
        job = client.jobs.wait(job.id, timeout=20)
    assert job.state is JobState.SUCCEEDED, job.reason
    client.endpoints.deploy(DeploySpec(model="churn", min_replicas=1), wait=60)
    yield "churn"
    client.endpoints.remove("churn")


def test_statements_run_in_the_replica(run: Runner, endpoint: str, client: Client) -> None:
    """Its text, tables and errors come back as they were there; the console closes with the kernel, the replica stays."""
    done = run(
        "%console churn",
        "%%console churn\nprint(type(model).__name__, predict([[0.5, 1.5]]) == predict([[0.5, 1.5]]))\nrows = [[1, 2]]",
        "%%console churn\nimport pandas\npandas.DataFrame(rows)",
        "%%console churn\ndef inner():\n    return 1 / 0\ninner()",
        "'rows' in globals()",
        "%%console none\n1",
        allow_errors=True,
    )
    said = [texts(cell) for cell in done.cells][1:]
    replica = client.endpoints.get("churn").replicas[0].id
    assert f"A console on {replica} of churn (churn@1)." in said[0]
    assert said[1].strip() == "XGBRegressor True"
    (table,) = done.cells[3].outputs
    assert "<table" in table.data["text/html"]
    (error,) = done.cells[4].outputs
    assert (error.ename, error.evalue) == ("ZeroDivisionError", "division by zero")
    assert "inner" in said[3] and "jupyter_slml" not in said[3]
    assert said[4] == "False"
    assert "There is no endpoint 'none'." in said[5]
    assert [item.id for item in client.endpoints.get("churn").replicas if item.state == "ready"] == [replica]


def test_a_drained_replica_takes_requests_when_the_console_closes(run: Runner, endpoint: str, client: Client) -> None:
    done = run(
        "%%console churn --drain\nprint(replica)",
        "%%console churn\nprint(replica)",
        "print([item.console for item in slml.endpoints.get('churn').refresh().replicas])",
        "%console churn --close",
        "%unload_ext jupyter_slml",
    )
    said = [texts(cell).strip() for cell in done.cells][1:]
    assert said[0] == said[1] and said[0].startswith("rep-")
    assert "'drained'" in said[2] and "closed" in said[3]
    assert [item.console for item in client.endpoints.get("churn").replicas if item.id == said[0]] == [""]
