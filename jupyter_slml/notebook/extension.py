"""`%load_ext jupyter_slml`: the magics, their completion, and the name `slml`."""

from __future__ import annotations

from typing import Any

from jupyter_slml import here
from jupyter_slml.notebook import batch, console, endpoints, evaluations, exchange, jobs, models, promote, tokens
from jupyter_slml.notebook.api import Slml
from jupyter_slml.notebook.completion import option_matcher
from jupyter_slml.notebook.magic import Magic
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.train import TRAIN
from jupyter_slml.notebook.tune import TUNE, TUNE_STUDY

MAGICS: tuple[Magic[Any], ...] = (
    TRAIN,
    TUNE,
    TUNE_STUDY,
    *batch.MAGICS,
    *jobs.MAGICS,
    *models.MAGICS,
    *promote.MAGICS,
    *evaluations.MAGICS,
    *exchange.MAGICS,
    *endpoints.MAGICS,
    *console.MAGICS,
    *tokens.MAGICS,
)

_KEY = "_slml_extension"


class Extension:
    """What was added to one shell, so that it can be taken away again."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.session = Session(shell)
        self.slml = Slml(self.session)
        self.matcher = option_matcher({magic.prompt: magic.options for magic in MAGICS}, self.session.instances)

    def load(self) -> None:
        for magic in MAGICS:
            magic.register(self.session)
        self.shell.Completer.custom_matchers.append(self.matcher)
        self.shell.user_ns["slml"] = self.slml
        here.set(self.slml)

    def unload(self) -> None:
        for magic in MAGICS:
            magic.unregister(self.shell.magics_manager.magics)
        if self.matcher in self.shell.Completer.custom_matchers:
            self.shell.Completer.custom_matchers.remove(self.matcher)
        if self.shell.user_ns.get("slml") is self.slml:
            del self.shell.user_ns["slml"]
        self.session.close()


def load(shell: Any) -> None:
    """Add everything to the shell; starts and connects to nothing. Loading again starts afresh."""
    unload(shell)
    extension = Extension(shell)
    extension.load()
    setattr(shell, _KEY, extension)


def unload(shell: Any) -> None:
    """Take everything away again; jobs go on."""
    extension = getattr(shell, _KEY, None)
    if extension is not None:
        extension.unload()
        delattr(shell, _KEY)
