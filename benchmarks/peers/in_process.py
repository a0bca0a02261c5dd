"""The limit of our own design: the gateway's HTTP loop with the model in the same process, so without the hop to a replica,
without routes, tokens, counters or a log. What arrived in one turn of the loop is one batch.

    python in_process.py MODEL PORT
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

import uvloop
import xgboost

from jupyter_slml.predictors.predictor import predictor
from jupyter_slml.serving.frames import Question
from jupyter_slml.serving.gateway.answers import Dated
from jupyter_slml.serving.gateway.exchange import Exchange
from jupyter_slml.serving.gateway.http import HttpConnection
from jupyter_slml.serving.gateway.limits import Limits
from jupyter_slml.serving.replica.batch import Answerer
from jupyter_slml.serving.replica.columns import Columns


class Place:
    """Desk and addressee in one: whatever is asked, the model answers."""

    def __init__(self, answerer: Answerer, loop: asyncio.AbstractEventLoop) -> None:
        self.limits = Limits()
        self.max_body = self.limits.body
        self.connections: set[HttpConnection] = set()
        self.now = loop.time()
        self.leaving = False
        self.prefix, self.count = b"0" * 16, 0
        self._answerer, self._loop = answerer, loop
        self._waiting: list[Exchange] = []

    def direct(self, method: bytes, url: bytes, authorization: bytes) -> Place:
        return self

    def admit(self, exchange: Exchange) -> None:
        if not self._waiting:
            self._loop.call_soon(self._answer)
        self._waiting.append(exchange)

    def _answer(self) -> None:
        batch, self._waiting = self._waiting, []
        types = [exchange.headers.get(b"content-type", b"").decode("latin-1") for exchange in batch]
        questions = [Question(kind, "", exchange.body) for kind, exchange in zip(types, batch, strict=True)]
        for exchange, (status, kind, body) in zip(batch, self._answerer.answer(questions), strict=True):
            exchange.finish(status, kind, body)


async def main(path: str, port: int) -> None:
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(path)
    width = booster.num_features()
    signature = {"features": width, "task": "classification", "objective": "binary:logistic"}
    loop = asyncio.get_running_loop()
    found = predictor(booster, signature, 1)
    place = Place(Answerer(found, Columns(signature)), loop)
    date = Dated()
    server = await loop.create_server(lambda: HttpConnection(place, date), "127.0.0.1", port)
    gc.collect()
    gc.freeze()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
