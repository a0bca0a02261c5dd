"""The daemon's connection to a Dask scheduler, ours or the user's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from distributed import Client
from distributed.comm.addressing import get_address_host

from jupyter_slml import __version__
from jupyter_slml.compute.cluster import LocalCluster
from jupyter_slml.compute.link import RunnerPlace, ask, end
from jupyter_slml.compute.plugin import NAME, TOPIC, SlmlPlugin
from jupyter_slml.domain.instances import CPU_RESOURCE, MEMORY_RESOURCE
from jupyter_slml.domain.names import new_id
from jupyter_slml.errors import SlmlError, Unavailable
from jupyter_slml.ports.blobs import Blobs

#: Seconds for one try to connect.
CONNECT_TIMEOUT = 8.0
#: Seconds for a question to the runners.
ASK_TIMEOUT = 10.0

Hear = Callable[[dict[str, Any]], None]


class Connection:
    """One client, used until it breaks; then thrown away."""

    def __init__(self, client: Any, place: RunnerPlace, address: str) -> None:
        self.client = client
        self.address = address
        self._place = place

    @classmethod
    async def open(
        cls, cluster: LocalCluster | None, address: str, place: RunnerPlace, blobs: Blobs, hear: Hear
    ) -> Connection:
        """Connect, make the workers ours and listen to them. Raises an SlmlError that says what is wrong.

        `hear` gets what workers say, and `{"kind": "workers"}` when one came or went.
        """
        security = {} if cluster is None else {"security": cluster.security}
        try:
            client: Any = await Client(  # type: ignore[no-untyped-call]
                address,
                asynchronous=True,
                set_as_default=False,
                timeout=CONNECT_TIMEOUT,
                name=f"slml-{place.workspace}",
                **security,
            )
        except (OSError, TimeoutError, ValueError, ImportError) as error:
            raise Unavailable(
                f"The Dask scheduler at {address} does not answer: {error}.",
                field="scheduler",
                value=address,
                remedy="Start it, or set another one: jupyter slml connect ADDRESS --store URL.",
            ) from error
        try:
            client.subscribe_topic(TOPIC, lambda event: hear(event[1]))
            client.subscribe_topic("all", lambda event: _worker_event(event[1], hear))
            await client.register_plugin(SlmlPlugin(place), name=NAME)
            connection = cls(client, place, address)
            if cluster is None:
                await connection._probe(blobs)
        except Exception as error:
            await client.close()
            if isinstance(error, SlmlError):
                raise
            raise Unavailable(
                f"The workers at {address} cannot be used: {type(error).__name__}: {error}.",
                remedy=f"Is the package there? On the workers: pip install jupyter-slml=={__version__}, then restart them.",
            ) from error
        return connection

    async def _probe(self, blobs: Blobs) -> None:
        """Refuse a store that the workers do not share with us."""
        key = f"probes/{new_id('probe')}"
        await asyncio.to_thread(blobs.put, key, b"slml")
        try:
            answers = await self.ask({"op": "probe", "key": key})
        finally:
            await asyncio.to_thread(blobs.delete, key)
        blind = [address for address, answer in answers.items() if not (answer or {}).get("seen")]
        if blind:
            raise Unavailable(
                f"The worker at {blind[0]} does not see the blob store {blobs.url}.",
                field="store",
                value=blobs.url,
                remedy="Name a store that all workers reach: jupyter slml connect ADDRESS --store URL (file:///shared/dir, s3://…).",
            )

    @property
    def alive(self) -> bool:
        return str(self.client.status) == "running"

    async def workers(self) -> dict[str, dict[str, float]]:
        """Resources of each worker that is one of ours."""
        found = await self.client.scheduler.identity(n_workers=-1)
        return {
            address: worker["resources"]
            for address, worker in found["workers"].items()
            if worker["status"] == "running" and {CPU_RESOURCE, MEMORY_RESOURCE} <= worker["resources"].keys()
        }

    async def ask(self, request: dict[str, Any], workers: list[str] | None = None) -> dict[str, dict[str, Any] | None]:
        """Put a question to the runners beside the workers; a worker that cannot answer is left out."""
        answers: dict[str, dict[str, Any] | None] = await asyncio.wait_for(
            self.client.run(ask, self._place, request, workers=workers, on_error="ignore"), ASK_TIMEOUT
        )
        return answers

    async def release_workers(self) -> None:
        """Take the plugin back, so that nothing starts a runner again, and end the runners. Waits until they are gone."""
        await asyncio.wait_for(self.client.unregister_worker_plugin(NAME), ASK_TIMEOUT)
        await self.client.run(end, self._place, on_error="ignore")

    async def close(self) -> None:
        await self.client.close(timeout=2)


def _worker_event(message: Any, hear: Hear) -> None:
    if isinstance(message, dict) and message.get("action") in ("add-worker", "remove-worker"):
        hear({"kind": "workers"})


def host_of(address: str) -> str:
    """The host in a Dask address, by which tasks can be pinned to any worker there."""
    return str(get_address_host(address))
