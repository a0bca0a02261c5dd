"""The server extension itself: its routes and what they share."""

from __future__ import annotations

from jupyter_server.extension.application import ExtensionApp


class SlmlApp(ExtensionApp):
    """Serves `slml/*` under the Jupyter server's base URL."""

    name = "jupyter_slml"
