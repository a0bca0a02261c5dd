"""BentoML with its adaptive batching; `bentoml serve bentoml_service:Predictor`. PEER_MODEL is the model's path."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import bentoml
import numpy as np
import xgboost


@bentoml.service(workers=1, traffic={"timeout": 30, "max_concurrency": 1000}, http={"port": int(os.environ["PEER_PORT"])})
class Predictor:
    def __init__(self) -> None:
        self.booster = xgboost.Booster({"nthread": 1})
        self.booster.load_model(os.environ["PEER_MODEL"])

    @bentoml.api(batchable=True, max_batch_size=256, max_latency_ms=1000)
    async def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.booster.inplace_predict(rows.astype(np.float32), validate_features=False)
