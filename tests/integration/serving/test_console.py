"""What a console finds in a replica."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.datasets
import xgboost

from tests.integration.serving.kernels import Hall, Running
from tests.integration.serving.stage import DEADLINE, GatewayProcess

ROWS, _ = sklearn.datasets.load_breast_cancer(return_X_y=True)


class Later:
    """A model with `async def predict`."""

    async def predict(self, rows: Any) -> Any:
        import asyncio

        await asyncio.sleep(0)
        return [float(sum(row)) for row in rows]


def says(hall: Hall, replica: Running, code: str) -> str:
    """What the kernel prints; its error's name and message when it raises."""
    replica.heard("ready")

    async def use() -> str:
        client = replica.supervisor.manager.client()
        client.start_channels()
        heard: list[str] = []

        def hear(message: Any) -> None:
            content = message["content"]
            heard.append(f"{content['ename']}: {content['evalue']}" if "ename" in content else content.get("text", ""))

        try:
            await client.wait_for_ready(timeout=DEADLINE)
            await client.execute_interactive(code, timeout=DEADLINE, output_hook=hear)
        finally:
            client.stop_channels()
        return "".join(heard).strip()

    found: str = hall.loop.call(use(), 60)
    return found


def test_predict_is_what_requests_get(gateway: GatewayProcess, hall: Hall, model: xgboost.XGBClassifier) -> None:
    """By array, frame, list and body, in pieces; a wrong row is told as a request would be, and nothing is counted."""
    replica = hall.start(model)
    count = 2500
    rows = np.tile(ROWS, (5, 1))[:count]
    asked = gateway.predict(rows.tolist())
    before = gateway.stats()["requests"]
    code = f"""
import json, numpy as np, pandas as pd, sklearn.datasets
rows = np.tile(sklearn.datasets.load_breast_cancer(return_X_y=True)[0], (5, 1))[:{count}]
by_array = predict(rows)
by_list = predict(rows.tolist())
by_frame = predict(pd.DataFrame(rows))
by_body = predict(json.dumps(rows[:3].tolist()))
by_csv = predict(",".join(map(str, rows[0])), "text/csv")
same = bool((by_array == by_frame).all()) and by_list == by_array.tolist()
same = same and by_body == by_list[:3] == predict(rows[:3].tolist())
print(type(by_array).__name__, same, len(by_list), by_csv == by_list[:1], len(predict(rows[0])))
print(signature["features"], endpoint, version, replica, type(model).__name__)
print(repr(by_array[7].item()))
"""
    first, second, third = says(hall, replica, code).splitlines()
    assert first == "ndarray True 2500 True 1"
    assert second == "30 churn 3 rep-1 XGBClassifier"
    assert float(third) == asked[7]
    assert says(hall, replica, "predict([[1, 2]])").startswith("Invalid: ")
    assert "has 2 values, the model takes 30" in says(hall, replica, "predict([[1, 2]])")
    assert "cannot be sent" in says(hall, replica, "predict(object())")
    assert gateway.stats()["requests"] == before


def test_predict_of_a_model_with_a_loop(gateway: GatewayProcess, hall: Hall) -> None:
    """Both the data thread and the console use the model's own event loop, one at a time."""
    replica = hall.start(Later(), allow_pickle=True)
    assert gateway.predict([[1, 2]]) == [3.0]
    assert says(hall, replica, "print(predict([[1, 2], [3, 4]]))") == "[3.0, 7.0]"
    assert gateway.predict([[1, 2]]) == [3.0]


def test_a_console_that_leaves_or_exits_leaves_the_replica(
    gateway: GatewayProcess, hall: Hall, model: xgboost.XGBClassifier
) -> None:
    """`exit` in a console ends the console's part, not the replica's."""
    replica = hall.start(model)
    says(hall, replica, "exit")
    says(hall, replica, "quit()")
    assert len(gateway.predict(ROWS[:2].tolist())) == 2
    assert says(hall, replica, "print(1)") == "1"
