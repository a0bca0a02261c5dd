"""Completion of the magics' options, through the kernel: JupyterLab and VS Code get it without a provider of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from jupyter_slml.notebook.options import Options


def option_matcher(magics: dict[str, Options[Any]], instances: Callable[[], Sequence[str]]) -> Any:
    """A matcher for `Completer.custom_matchers`; `magics` are keyed as they are typed (`%%train`), `instances` are asked for
    when a type is to be completed."""

    @context_matcher(identifier="slml-options", priority=100)  # type: ignore[untyped-decorator]
    def match(context: CompletionContext) -> dict[str, Any]:
        return _complete(magics, instances, context)

    return match


def _complete(
    magics: dict[str, Options[Any]], instances: Callable[[], Sequence[str]], context: CompletionContext
) -> dict[str, Any]:
    nothing: dict[str, Any] = {"completions": [], "suppress": False}
    line = context.full_text.split("\n")[context.cursor_line][: context.cursor_position].lstrip()
    head, space, rest = line.partition(" ")
    options = magics.get(head)
    if options is None or not space or (head.startswith("%%") and context.cursor_line != 0):
        return nothing
    *_, previous, fragment = ["", *rest.split(" ")]
    entry = options.entry(previous) if previous.startswith("-") else None
    values = (instances() if entry.field == "instance" else entry.choices) if entry else ()
    if not values and fragment and not fragment.startswith("-"):
        return nothing
    offered = values or options.flags
    matches = [text for text in offered if text.startswith(fragment) and (values or len(fragment) == 1 or text[:2] == "--")]
    return {
        "completions": [SimpleCompletion(text=text, type="param") for text in matches],
        "suppress": bool(matches),
        "matched_fragment": fragment,
    }
