"""Ray Serve, one replica, batches of up to 64. `python ray_app.py MODEL PORT`."""

from __future__ import annotations

import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["RAY_SERVE_THROUGHPUT_OPTIMIZED"] = "1"

import numpy as np
import orjson
import ray
import xgboost
from ray import serve
from starlette.requests import Request
from starlette.responses import Response


@serve.deployment(num_replicas=1, max_ongoing_requests=256)
class Predictor:
    def __init__(self, path: str) -> None:
        self.booster = xgboost.Booster({"nthread": 1})
        self.booster.load_model(path)

    @serve.batch(max_batch_size=64, batch_wait_timeout_s=0.001)
    async def predict(self, bodies: list[bytes]) -> list[bytes]:
        blocks = [np.array(orjson.loads(body), dtype=np.float32) for body in bodies]
        found = self.booster.inplace_predict(np.concatenate(blocks), validate_features=False)
        parts = np.split(found, np.cumsum([len(block) for block in blocks])[:-1])
        return [orjson.dumps({"predictions": part}, option=orjson.OPT_SERIALIZE_NUMPY) for part in parts]

    async def __call__(self, request: Request) -> Response:
        return Response(await self.predict(await request.body()), media_type="application/json")


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[2])})
    serve.run(Predictor.bind(sys.argv[1]), route_prefix="/predict")
    while True:
        time.sleep(3600)
