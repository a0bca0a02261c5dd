"""A group of commands about things that have names."""

from __future__ import annotations

import click


class Named(click.Group):
    """Takes what is no verb for a name: `models churn` is `models show churn`."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["show", *args]
        return super().resolve_command(ctx, args)
