"""The way to the gateway: its address, its certificate and the workspace's token, as the gateway itself has left them."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from jupyter_slml.errors import Unavailable, from_wire
from jupyter_slml.settings import Workspace, read_json

if TYPE_CHECKING:
    import httpx


class Gateway:
    """Sends requests to the gateway of a workspace. Thread-safe."""

    def __init__(self, place: Workspace) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._known: Mapping[str, object] = {}

    def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout: float,
        token: str | None = None,
        revive: Callable[[], None],
    ) -> httpx.Response:
        """The answer. `revive` is called once when nobody listens; with `token`, this one is shown and not the workspace's.

        Raises the gateway's own error, rebuilt, and Unavailable.
        """
        import httpx

        shown = {**headers, "Authorization": f"Bearer {token or self._token()}"}
        for last in (False, True):
            try:
                answer = self._client().post(path, content=body, headers=shown, timeout=timeout)
                break
            except httpx.ConnectError as error:
                if last:
                    raise Unavailable(
                        f"The gateway does not answer: {error}.", remedy="`jupyter slml doctor` looks for the cause."
                    ) from error
                revive()
            except httpx.TransportError as error:
                raise Unavailable(f"The gateway did not answer: {str(error) or type(error).__name__}.") from error
        if answer.is_error:
            try:
                raise from_wire(answer.json())
            except ValueError:
                raise Unavailable(f"The gateway answered {answer.status_code}: {answer.text[:200]}") from None
        return answer

    def _client(self) -> httpx.Client:
        import httpx

        with self._lock:
            found = read_json(self._place.gateway_file()) or {}
            if found.get("port") is None:
                raise _none()
            if self._http is None or found != self._known:
                certificate = found.get("certificate")
                scheme = "http" if certificate is None else "https"
                self._http = httpx.Client(
                    base_url=f"{scheme}://{found.get('host', '127.0.0.1')}:{found['port']}",
                    verify=True if certificate is None else only_this(str(certificate)),
                    # A proxy of the environment is not the way to a gateway of ours.
                    trust_env=False,
                )
                self._known = found
            return self._http

    def _token(self) -> str:
        try:
            return self._place.token_file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            raise _none() from None


def only_this(certificate: str) -> ssl.SSLContext:
    """Trust in this one certificate, whatever names are in it and whoever has signed it: the gateway has left it in a file
    that only its user can write, which is more than any authority knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=certificate)
    return context


def _none() -> Unavailable:
    return Unavailable("No gateway runs yet.", remedy="Deploy a model first: `%deploy NAME`.")
