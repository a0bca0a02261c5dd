"""Completion of the magics' options, through the kernel: JupyterLab and VS Code get it without a provider of their own."""

from __future__ import annotations

from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from jupyter_slml.notebook.options import Options


class OptionMatcher:
    """Offers the flags (and known values) of the magic on whose line the cursor stands."""

    def __init__(self, magics: dict[str, Options[Any]]) -> None:
        self._magics = magics
        self.matcher = context_matcher(identifier="slml-options", priority=100)(self._match)

    def _match(self, context: CompletionContext) -> dict[str, Any]:
        nothing: dict[str, Any] = {"completions": []}
        line = context.full_text.split("\n")[context.cursor_line][: context.cursor_position]
        head, _, rest = line.lstrip().partition(" ")
        options = self._magics.get(head)
        if (
            options is None
            or (head.startswith("%%") and context.cursor_line != 0)
            or not line.lstrip().startswith(head + " ")
        ):
            return nothing
        words = rest.split(" ")
        fragment = words[-1]
        previous = words[-2] if len(words) > 1 else ""
        values = options.choices(previous)
        offered = values or [flag for flag in options.flags if flag.startswith("--") or fragment == flag]
        matches = [text for text in offered if text.startswith(fragment)]
        if not values and fragment and not fragment.startswith("-"):
            return nothing
        return {
            "completions": [SimpleCompletion(text=text, type="param") for text in matches],
            "suppress": bool(matches),
            "matched_fragment": fragment,
        }
