"""What is said of options that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_slml.domain.specs import DeploySpec, TokenSpec
from jupyter_slml.errors import Invalid


@pytest.mark.parametrize(
    ("given", "message", "remedy"),
    [
        ({"model": "a", "weigth": 3}, "There is no option 'weigth'.", "Did you mean weight?"),
        ({"model": "a", "colour": 3}, "There is no option 'colour'.", "Options: name, instance, "),
        ({"model": "a", "weight": 300}, "weight 300: it should be less than or equal to 100.", None),
        ({"weight": 3}, "model is missing.", None),
        ({"model": "a", "policy": "quick"}, "policy 'quick': it should be 'latency', 'concurrency' or 'fixed'.", None),
        ({"model": "a", "min_replicas": 9}, "--min 9 is more than --max 4.", None),
        ({"model": "a", "idle": "soon"}, "idle: 'soon' is not a duration: write a number of seconds, or 20ms", None),
        (5, "The body 5: it should be a valid dictionary", None),
    ],
)
def test_the_option_the_value_and_what_was_meant(given: Any, message: str, remedy: str | None) -> None:
    with pytest.raises(Invalid) as caught:
        DeploySpec.parse(given)
    assert caught.value.message.startswith(message)
    assert (caught.value.remedy or "").startswith(remedy or "") and (remedy is None) is (caught.value.remedy is None)


def test_durations_of_days() -> None:
    assert TokenSpec.parse({"name": "ci", "lifetime": "30d"}).lifetime == 30 * 86400
