"""The server extension itself: its routes and what they share."""

from __future__ import annotations

from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Unicode

from jupyter_slml.lab import consoles, curves, endpoints, events, jobs, models, status
from jupyter_slml.lab.link import Link
from jupyter_slml.settings import workspace

#: Under this key of the web application's settings every handler finds the link to the daemon.
LINK = "slml_link"


class SlmlApp(ExtensionApp):
    """Serves `slml/*` under the Jupyter server's base URL."""

    name = "jupyter_slml"

    home = Unicode(
        "",
        help="Data directory of the workspace to show. Unset: SLML_HOME, or the user's default workspace.",
    ).tag(config=True)

    def initialize_settings(self) -> None:
        self.settings[LINK] = Link(workspace(self.home or None))

    def initialize_handlers(self) -> None:
        routes: list[tuple[str, Any]] = [
            *status.ROUTES,
            *events.ROUTES,
            *jobs.ROUTES,
            *curves.ROUTES,
            *models.ROUTES,
            *endpoints.ROUTES,
            *consoles.ROUTES,
        ]
        self.handlers.extend(routes)

    async def stop_extension(self) -> None:
        """Closes our connections; the workspace itself outlives the Jupyter server."""
        await self.settings[LINK].close()
