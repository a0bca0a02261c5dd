"""A workspace and a gateway process for each test, one zygote for all of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
import xgboost

from jupyter_slml.compute.zygotes import Zygotes
from jupyter_slml.settings import Workspace, workspace
from tests.integration.serving.kernels import Hall, Loop
from tests.integration.serving.stage import GatewayProcess

CHURN = {"timeout": 10, "max_queue": 100, "serving": "r1", "revisions": {"r1": {"token": "t1"}}}


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    found = workspace(tmp_path_factory.mktemp("home"))
    found.prepare()
    yield found
    shutil.rmtree(found.run, ignore_errors=True)


@pytest.fixture
def gateway(place: Workspace) -> Iterator[GatewayProcess]:
    process = GatewayProcess(place)
    process.write_routes(churn=CHURN)
    process.start()
    yield process
    if process.process.poll() is None:
        process.kill()


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    found = Loop()
    yield found
    found.close()


@pytest.fixture(scope="session")
def zygotes(loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygotes]:
    run = Path("/tmp") / f"slml-z{os.getpid()}"
    run.mkdir(mode=0o700)
    found = Zygotes(run, tmp_path_factory.mktemp("zygote") / "log", f"serving-{os.getpid()}")
    loop.call(found.start(), 120)
    yield found
    loop.call(found.close())
    for left in run.iterdir():
        left.unlink()
    run.rmdir()


@pytest.fixture
def tmp_run() -> Iterator[Path]:
    """A directory with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="slml-t", dir="/tmp") as found:
        yield Path(found)


@pytest.fixture
def hall(place: Workspace, loop: Loop, zygotes: Zygotes) -> Iterator[Hall]:
    found = Hall(place, loop, zygotes)
    yield found
    found.close()


@pytest.fixture(scope="session")
def model() -> xgboost.XGBClassifier:
    """A small model of the breast cancer data; modules that need another have their own."""
    rows, labels = sklearn.datasets.load_breast_cancer(return_X_y=True)
    return xgboost.XGBClassifier(n_estimators=10, n_jobs=1).fit(rows.astype(np.float32), labels)
