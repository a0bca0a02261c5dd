"""LitServe with batches of up to 64. `python litserve_app.py MODEL PORT`."""

from __future__ import annotations

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

import litserve
import numpy as np
import xgboost

MODEL, PORT = sys.argv[1], int(sys.argv[2])


class Predictor(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.booster = xgboost.Booster({"nthread": 1})
        self.booster.load_model(MODEL)

    def decode_request(self, request: list[list[float]]) -> np.ndarray:
        return np.array(request, dtype=np.float32)

    def batch(self, inputs: list[np.ndarray]) -> tuple[np.ndarray, list[int]]:
        return np.concatenate(inputs), [len(rows) for rows in inputs]

    def predict(self, found: tuple[np.ndarray, list[int]]) -> tuple[np.ndarray, list[int]]:
        rows, lengths = found
        return self.booster.inplace_predict(rows, validate_features=False), lengths

    def unbatch(self, found: tuple[np.ndarray, list[int]]) -> list[np.ndarray]:
        values, lengths = found
        return np.split(values, np.cumsum(lengths)[:-1])

    def encode_response(self, output: np.ndarray) -> dict[str, list[float]]:
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    api = Predictor(max_batch_size=64, batch_timeout=0.001)
    litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True).run(
        port=PORT, host="127.0.0.1", log_level="error", generate_client_file=False
    )
