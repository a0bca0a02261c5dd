"""The cluster in memory keeps the obligations of `ports.compute`."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_slml.domain.instances import INSTANCE_TYPES
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.orders import AttemptOrder, Limits
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.testing.compute import FakeCompute
from jupyter_slml.testing.conformance import COMPUTE, Heard, Stage

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def order(source: str) -> AttemptOrder:
    return AttemptOrder(
        id=new_id("attempt"),
        job=new_id("job"),
        job_name="churn",
        number=1,
        spec=JobSpec(name="churn", source=source),
        limits=Limits(threads=1, memory=2**31, grace=0.5),
        resources=INSTANCE_TYPES["cpu.small"].resources,
        store="memory:///",
    )


@pytest.mark.parametrize("check", COMPUTE, ids=lambda check: check.__name__)
async def test_the_cluster_in_memory(check: Any) -> None:
    compute, heard = FakeCompute(), Heard()
    await compute.start(heard)

    async def again() -> tuple[FakeCompute, Heard]:
        """It has one observer, and forgets nothing: the new one takes the place of the old."""
        second = Heard()
        await compute.start(second)
        stage.heard = second
        return compute, second

    stage = Stage(compute, heard, order, again)
    await check(stage)
    await stage.clear()
