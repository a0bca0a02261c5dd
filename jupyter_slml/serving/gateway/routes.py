"""The routing snapshot: which endpoints there are, which revision answers, and what its replicas say to be let in.

The daemon replaces the file atomically and then tells the gateway; the gateway also reads it when it starts, so that it
serves without a daemon.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jupyter_slml.errors import Invalid


class RevisionRoute(BaseModel):
    """What is known of a revision here. Unknown fields are a newer daemon's and are ignored."""

    model_config = ConfigDict(frozen=True)

    token: str = Field(min_length=1, repr=False)


class EndpointRoute(BaseModel):
    """One endpoint."""

    model_config = ConfigDict(frozen=True)

    timeout: float = Field(gt=0)
    max_queue: int = Field(ge=1)
    serving: str | None = None
    #: In the order in which they were made: the last one is the newest.
    revisions: dict[str, RevisionRoute] = Field(default_factory=dict)

    @property
    def wanted(self) -> str | None:
        """The revision whose replicas answer: the serving one, or the newest while none serves yet."""
        return self.serving if self.serving is not None else next(reversed(self.revisions), None)


class Routes(BaseModel):
    """The snapshot."""

    model_config = ConfigDict(frozen=True)

    serial: int = 0
    endpoints: dict[str, EndpointRoute] = Field(default_factory=dict)


def read_routes(path: Path) -> Routes:
    """Read the snapshot; a missing file means that there is no endpoint. Raises Invalid for a file that is none."""
    try:
        return Routes.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Routes()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Invalid(
            f"{path} is not a routing snapshot: {first['msg']}.",
            field=".".join(str(part) for part in first["loc"]),
            remedy="Restart the daemon (jupyter slml start): it writes the file anew.",
        ) from error
