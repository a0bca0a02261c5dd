"""A hand-written FastAPI app, tuned: orjson, `inplace_predict`, no validation. `python fastapi_app.py MODEL PORT`."""

from __future__ import annotations

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import orjson
import uvicorn
import xgboost
from fastapi import FastAPI, Request, Response

booster = xgboost.Booster({"nthread": 1})
booster.load_model(sys.argv[1])
app = FastAPI()


@app.get("/ping")
async def ping() -> Response:
    return Response(b"{}")


@app.post("/predict")
async def predict(request: Request) -> Response:
    rows = np.array(orjson.loads(await request.body()), dtype=np.float32)
    found = booster.inplace_predict(rows, validate_features=False)
    body = orjson.dumps({"predictions": found}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop", http="httptools", log_level="error")
