"""An endpoint's life by the command line: deployed, shared, scaled, woken, followed, measured, rolled back, taken down."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from jupyter_slml.cli.main import slml
from jupyter_slml.cli.spelling import in_shell
from jupyter_slml.errors import Forbidden, SlmlError, Unauthorized
from jupyter_slml.settings import HOME_VARIABLE

from .conftest import Site, until

TRAINS = """
import numpy, xgboost
rows = numpy.random.default_rng(0).normal(size=(60, 2))
model = xgboost.XGBClassifier(n_estimators=3).fit(rows, rows[:, 0] > 0)
slml.log(auc=0.9)
"""
ROWS = b"[[0.5, 1.5]]"

Run = Callable[..., str]


@pytest.fixture(scope="module")
def site(shared: Site) -> Site:
    for _ in range(2):
        shared.finish(shared.submit(TRAINS, name="fit", outputs=["model"], register_as="churn"))
    return shared


@pytest.fixture
def run(site: Site, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`jupyter slml …`: what it prints, or the message with which it fails."""
    monkeypatch.setenv(HOME_VARIABLE, str(site.place.home))

    def call(*words: str) -> str:
        done = CliRunner().invoke(slml, words)
        if isinstance(done.exception, SlmlError):
            return f"Error: {in_shell(str(done.exception))}"
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.stdout

    return call


def test_deployed_shared_scaled_and_taken_down(site: Site, run: Run) -> None:
    assert "serves churn@1 (revision 1)" in run("endpoints", "deploy", "churn@1", "--name", "live", "--min", "1")
    assert "serves churn@2 (revision 2)" in run(
        "endpoints", "deploy", "churn@2", "--name", "live", "--min", "1", "--weight", "20"
    )
    shown = run("endpoints", "live")
    assert "80 % churn@1, 20 % churn@2" in shown and "Cold starts 2" in shown and "Cost so far" in shown
    assert "80 % churn@1" in run("endpoints")
    assert "The shares must sum to 100, and 90 + 20 is 110." in run("endpoints", "traffic", "live", "1=90", "2=20")
    assert "has no revision 'churn@9'" in run("endpoints", "traffic", "live", "churn@9=100")
    assert "30 % churn@1, 70 % churn@2" in run("endpoints", "traffic", "live", "1=30", "churn@2=70%")
    assert "80 % churn@1, 20 % churn@2" in run("endpoints", "rollback", "live")
    lines = run("endpoints", "traffic", "live").splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [["2", "churn@2", "20", "%"], ["1", "churn@1", "80", "%"]]
    assert "Neither --min nor --max" in run("endpoints", "scale", "live")
    assert "5 replicas are more than at most 4" in run("endpoints", "scale", "live", "--min", "5")
    assert "between 2 and 3 of each" in run("endpoints", "scale", "live", "--min", "2", "--max", "3")
    until(lambda: len([item for item in site.client.endpoints.get("live").replicas if item.state == "ready"]) == 4)
    assert "By hand: between 2 and 3." in run("endpoints", "decisions", "live")
    assert json.loads(run("endpoints", "decisions", "live", "--json"))["decisions"][0]["inputs"] == {"min": 2, "max": 3}
    assert json.loads(run("endpoints", "show", "live", "--json"))["load"]["ready"] == 4
    refused = run("models", "delete", "churn@2")
    assert "served by live" in refused and "`jupyter slml endpoints remove live`" in refused
    assert "--weight '101'" in run("endpoints", "deploy", "churn@2", "--weight", "101")
    assert "never moves" in run("endpoints", "deploy", "churn@2", "--follow")
    assert "being taken down" in run("endpoints", "remove", "live")
    until(lambda: not site.client.endpoints.list().endpoints)
    assert "There is no endpoint 'live'." in run("endpoints", "live")


def test_an_endpoint_follows_and_its_measurements_are_a_gate(site: Site, run: Run) -> None:
    run("models", "promote", "churn@1", "production")
    deployed = run(
        "endpoints", "deploy", "churn@production", "--name", "moves", "--follow", "--min", "1", "--schedule", "0 8,9 * * *=1"
    )
    assert "serves churn@1" in deployed
    assert "has no endpoint metric 'p95'" in run("models", "promote", "churn@1", "good", "--if", "endpoint.p95 < 5")
    for _ in range(3):
        site.client.endpoints.invoke("moves", ROWS, "application/json")
    gate = "endpoint.p95 < 5 and endpoint.error_rate < 0.01 and endpoint.requests >= 3"
    assert "holds: endpoint.p95 < 5 (endpoint.p95 = 0.0" in run("models", "promote", "churn@1", "good", "--if", gate)
    assert "endpoint  moves" in run("models", "show", "churn@1")
    run("models", "promote", "churn@2", "production")
    until(lambda: site.client.endpoints.get("moves").version == 2)
    assert site.client.endpoints.get("moves").spec.schedule == ["0 8,9 * * *=1"]
    assert "Follows     churn@production" in run("endpoints", "moves")
    assert "churn@1" in run("endpoints", "rollback", "moves")
    run("endpoints", "remove", "moves")
    until(lambda: not site.client.endpoints.list().endpoints)


def test_tokens_open_what_they_name(site: Site, run: Run) -> None:
    run("endpoints", "deploy", "churn@1", "--name", "one", "--min", "1")
    run("endpoints", "deploy", "churn@1", "--name", "two", "--min", "1")
    secret = run("tokens", "create", "caller", "--endpoint", "one", "--expires", "1h").strip()
    assert "There is no endpoint 'three'" in run("tokens", "create", "other", "--endpoint", "three")
    assert "--expires 'never'" in run("tokens", "create", "other", "--expires", "never")
    listed = run("tokens")
    assert "caller" in listed and "one" in listed and secret not in listed
    invoke = site.client.endpoints.invoke

    def opens(name: str, token: str) -> bool:
        try:
            return bool(invoke(name, ROWS, "application/json", token=token)[1])
        except Unauthorized:
            return False

    # At once: the gateway knows before the answer is here.
    assert opens("one", secret)
    with pytest.raises(Forbidden, match="two"):
        invoke("two", ROWS, "application/json", token=secret)
    assert run("tokens", "delete", "caller").startswith("Deleted: caller")
    assert not opens("one", secret)
    file = site.place.home / "secret"
    assert run("tokens", "create", "filed", "--to", str(file)) == ""
    assert file.stat().st_mode & 0o077 == 0
    assert opens("two", file.read_text().strip())
    assert "cannot be written" in run("tokens", "create", "lost", "--to", "/nowhere/secret")
    assert "lost" not in run("tokens")
    kept = [path for path in site.place.home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert kept == [], "a secret is in no log, no event and no record"
