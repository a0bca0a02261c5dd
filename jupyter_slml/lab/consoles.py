"""`slml/endpoints/NAME/console`: a terminal of the Jupyter server with a console on a live replica in it."""

from __future__ import annotations

import sys
from http import HTTPStatus
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_slml.errors import Unavailable
from jupyter_slml.lab.handler import SEGMENT, SlmlHandler
from jupyter_slml.settings import HOME_VARIABLE

_PROGRAM = "from jupyter_slml.cli.main import main; main()"


class ConsoleHandler(SlmlHandler):
    """Answers with the terminal's name, which the browser then opens. It ends with its console."""

    # Whoever may not have a terminal may not have this one.
    auth_resource = "terminals"

    @web.authenticated
    @authorized
    async def post(self, name: str) -> None:
        found = await self.link.request("GET", f"/endpoints/{quote(name, safe='')}")
        if found.status_code != HTTPStatus.OK:
            self.answer(found)
            return
        manager = self.settings.get("terminal_manager")
        if manager is None:
            raise Unavailable(
                "This Jupyter server opens no consoles: its terminals are off.",
                remedy=f"Use %%console {found.json()['name']} in a notebook.",
            )
        # The name is the record's, of letters, digits and dashes; and no shell reads this line.
        program = [sys.executable, "-c", _PROGRAM, "console", found.json()["name"]]
        home = f"{HOME_VARIABLE}={self.link.workspace.home}"
        self.finish({"terminal": manager.create(shell_command=["env", home, *program])["name"]})


ROUTES = [(rf"/slml/endpoints/{SEGMENT}/console", ConsoleHandler)]
