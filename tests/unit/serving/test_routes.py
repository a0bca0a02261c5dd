"""The routing snapshot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_slml.errors import Invalid
from jupyter_slml.serving.gateway.routes import read_routes


def test_a_missing_file_has_no_endpoints(tmp_path: Path) -> None:
    assert read_routes(tmp_path / "routes.json").endpoints == {}


def test_while_nothing_serves_the_newest_answers(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    route = {"timeout": 5, "max_queue": 10, "serving": None, "revisions": {"r2": {"token": "x"}, "r1": {"token": "y"}}}
    path.write_text(json.dumps({"serial": 4, "endpoints": {"churn": route}, "later": 1}))
    routes = read_routes(path)
    assert routes.serial == 4
    assert routes.endpoints["churn"].weights == {"r1": 1}
    for changes, weights in (
        ({"serving": "r2"}, {"r2": 1}),
        ({"traffic": {"r1": 10, "r2": 90}}, {"r1": 10, "r2": 90}),
        # A share of nothing, and one of a revision that is not there, are none.
        ({"traffic": {"r1": 0, "r2": 50, "r3": 50}}, {"r2": 50}),
        ({"revisions": {}}, {}),
    ):
        path.write_text(json.dumps({"serial": 5, "endpoints": {"churn": {**route, **changes}}}))
        assert read_routes(path).endpoints["churn"].weights == weights
    assert "token='x'" not in repr(routes)


@pytest.mark.parametrize("text", ["", "[]", '{"endpoints": {"a": {"timeout": 0, "max_queue": 1}}}'])
def test_a_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "routes.json"
    path.write_text(text)
    with pytest.raises(Invalid, match="not a routing snapshot"):
        read_routes(path)


def test_an_endpoint_that_is_as_it_was_is_not_read_again(tmp_path: Path) -> None:
    """A line for each, as the daemon writes them; another layout says the same."""
    path = tmp_path / "routes.json"
    route = {"timeout": 5, "max_queue": 10, "serving": None, "revisions": {"r1": {"token": "x"}}}

    def write(**endpoints: object) -> None:
        lines = ",\n".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in endpoints.items())
        path.write_text(f'{{"serial":7,"tokens":[],"endpoints":{{\n{lines}\n}}}}\n')

    write()
    assert read_routes(path).endpoints == {} and read_routes(path).serial == 7
    write(churn=route, fraud=route)
    first = read_routes(path)
    write(churn=route, fraud={**route, "timeout": 6}, new=route)
    second = read_routes(path, first)
    assert second.endpoints["churn"] is first.endpoints["churn"]
    assert second.endpoints["fraud"].timeout == 6 and set(second.endpoints) == {"churn", "fraud", "new"}
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    assert read_routes(path, second).endpoints == second.endpoints
