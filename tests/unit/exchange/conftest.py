"""Models of every library, stored as a job stores them, with the record that the registry would have."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_slml.domain import formats
from jupyter_slml.domain.signatures import inputs, signature
from jupyter_slml.domain.views import VersionView

Stored = Callable[..., tuple[VersionView, Path]]


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"a": random.normal(size=300), "b": random.normal(size=300), "n": random.integers(0, 9, 300)})


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    def store(trained: Any, rows: Any = None, **changes: Any) -> tuple[VersionView, Path]:
        kind = formats.choose(trained, formats.OUTPUT_FORMATS)
        path = tmp_path / "stored"
        with path.open("wb") as file:
            kind.write(trained, file)
        described = signature(trained)
        if described is not None and rows is not None:
            described = {**described, "inputs": inputs(rows.items())}
        facts = {
            "model": "churn",
            "number": 7,
            "created_at": 1_764_000_000.0,
            "digest": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size": path.stat().st_size,
            "format": kind.key,
            "type": formats.type_name(trained),
            "signature": described,
            "metrics": {"auc": 0.9},
            "job": "job-1",
            "output": "model",
            "source": "model = …",
            **changes,
        }
        return VersionView.model_validate(facts), path

    return store
