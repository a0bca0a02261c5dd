"""The way from the Jupyter server to the gateway, which the browser has not: it may be on another host than the server."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from jupyter_slml.client.gateway import only_this
from jupyter_slml.settings import Workspace, read_json

#: Each request that is held for a replica has a connection; httpx stops at 100 by default.
_LIMITS = httpx.Limits(max_connections=500, max_keepalive_connections=20)
#: An endpoint has a timeout of its own, of up to an hour.
_TIMEOUT = httpx.Timeout(10.0, read=3700.0)


class Gateway:
    """Sends requests with the workspace's token, which the browser never sees."""

    def __init__(self, place: Workspace) -> None:
        self._place = place
        self._http: httpx.AsyncClient | None = None
        self._known: Mapping[str, object] = {}

    async def request(self, method: str, path: str, *, content: bytes, headers: Mapping[str, str]) -> httpx.Response | None:
        """The answer, whatever its status; None before a gateway has run for the first time. Raises httpx.TransportError."""
        found = read_json(self._place.gateway_file()) or {}
        try:
            token = self._place.token_file.read_text(encoding="ascii").strip()
        except OSError:
            return None
        if found.get("port") is None:
            return None
        if self._http is None or found != self._known:
            await self.close()
            certificate = found.get("certificate")
            self._http = httpx.AsyncClient(
                base_url=f"{'https' if certificate else 'http'}://{found.get('host', '127.0.0.1')}:{found['port']}",
                verify=only_this(str(certificate)) if certificate else True,
                limits=_LIMITS,
                timeout=_TIMEOUT,
                trust_env=False,
            )
            self._known = found
        return await self._http.request(
            method, path, content=content, headers={**headers, "Authorization": f"Bearer {token}"}
        )

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None
