"""`slml.config`: the workspace's settings, to read, and what this kernel alone decides, to set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_slml.errors import Invalid

if TYPE_CHECKING:
    from jupyter_slml.notebook.session import Session

#: Bytes of captures from which on a cell is warned that it carries much.
WARN_BYTES = 256 * 2**20


class Config:
    """`slml.config.workers` reads a setting of the workspace; `slml.config.warn_bytes = …` counts for this kernel."""

    def __init__(self, session: Session) -> None:
        self.__dict__["_session"] = session

    @property
    def warn_bytes(self) -> int:
        """From so many bytes of captures on, a line says what the cell carries; 0 switches it off."""
        return int(self._session.warn_bytes)

    @warn_bytes.setter
    def warn_bytes(self, value: int) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise Invalid(
                f"warn_bytes = {value!r}: it should be a number of bytes, or 0 for no warning.",
                field="warn_bytes",
                value=value,
                remedy="For example: slml.config.warn_bytes = 2**30",
            )
        self._session.warn_bytes = int(value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.__dict__["_session"].client.settings(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(getattr(type(self), name, None), property):
            object.__setattr__(self, name, value)
            return
        raise Invalid(
            f"slml.config.{name} belongs to the workspace and is not set from a notebook.",
            field=name,
            remedy=f"`jupyter slml config {name}=VALUE` sets it; slml.config.warn_bytes is set here.",
        )

    def __repr__(self) -> str:
        return f"<config warn_bytes={self.warn_bytes} {self.__dict__['_session'].client.settings()!r}>"
