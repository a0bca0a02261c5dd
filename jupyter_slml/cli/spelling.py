"""Options of a command, made from the model that a magic's options are made from, and remedies as a shell spells them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from jupyter_slml.notebook.options import Model, Option, Options
from jupyter_slml.notebook.words import Token

F = TypeVar("F", bound=Callable[..., Any])

#: What a magic is called here, where that is not its own name.
_COMMANDS = {
    "approve": "models approve",
    "console": "console",
    "deploy": "endpoints deploy",
    "endpoint": "endpoints show",
    "endpoints": "endpoints",
    "evaluate": "models evaluate",
    "export": "models export",
    "import": "models import",
    "invoke": "invoke",
    "job": "jobs show",
    "jobs": "jobs",
    "logs": "logs",
    "models": "models",
    "promote": "models promote",
    "register": "models register",
    "reject": "models reject",
    "rollback --endpoint": "endpoints rollback",
    "rollback": "models rollback",
    "scale": "endpoints scale",
    "stop": "jobs stop",
    "tokens": "tokens",
    "traffic": "endpoints traffic",
    "undeploy": "endpoints remove",
}
_MAGIC = re.compile(rf"(?<![%\w])%({'|'.join(_COMMANDS)})\b")


def in_shell(text: str) -> str:
    """A message whose magics are commands: `%undeploy churn` becomes `jupyter slml endpoints remove churn`."""
    return _MAGIC.sub(lambda found: f"jupyter slml {_COMMANDS[found[1]]}", text)


def spelled(options: Options[Any]) -> Callable[[F], F]:
    """Give a command the options of a model; what was not given arrives as None or ()."""

    def add(command: F) -> F:
        for entry in reversed(options.entries):
            if not entry.positional:
                command = click.option(*entry.flags, entry.field, **_keywords(entry))(command)
        return command

    return add


def read(options: Options[Model], given: Mapping[str, Any]) -> Model:
    """The model from what was given. Raises Invalid in the command's own spelling."""
    values = {
        name: [Token(item) for item in value] if isinstance(value, tuple) else value
        for name, value in given.items()
        if value not in (None, (), False)
    }
    return options.build(values)


def _keywords(entry: Option) -> dict[str, Any]:
    match entry.kind:
        case "switch":
            return {"is_flag": True, "help": entry.help}
        case "list":
            return {"multiple": True, "metavar": entry.metavar, "help": entry.help}
    return {"default": None, "metavar": entry.metavar, "help": entry.help}
