"""Model cards: the records and stored curves of a version, gathered for `domain.cards`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from pydantic import JsonValue, ValidationError

from jupyter_slml.control.models import view
from jupyter_slml.domain import cards
from jupyter_slml.domain.figures import FIGURES, Figures
from jupyter_slml.errors import SlmlError
from jupyter_slml.ports.blobs import Blobs
from jupyter_slml.storage import evidence, models, transitions
from jupyter_slml.storage.database import Database

log = logging.getLogger(__name__)

#: How many of the newest measurements of each kind a card shows.
SHOWN = 5


class Cards:
    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database, self._blobs = database, blobs

    def page(self, name: str, number: int) -> str:
        """The card of a version as html. Raises NotFound."""
        with self._database.read() as connection:
            version = view(connection, models.version(connection, name, number))
            measured = [
                item
                for kind in ("evaluation", "endpoint")
                for item in evidence.of_version(connection, name, number, kind, limit=SHOWN)
            ]
            moves = transitions.of_model(connection, name, number)
        figures = {item.id: self._figures(item.curves) for item in measured if item.curves is not None}
        facts = cards.Facts(
            version=version,
            evidence=measured,
            transitions=moves,
            figures=figures,
            baseline=self._baseline(version.baseline),
        )
        return cards.page(facts)

    def _figures(self, digest: str) -> Figures:
        """Stored curves; none when they cannot be read, for a card is worth having without them."""
        try:
            return FIGURES.validate_json(b"".join(self._blobs.read(digest)))
        except (SlmlError, ValidationError) as error:
            log.warning("The curves %s cannot be drawn: %s", digest[:12], error)
            return {}

    def _baseline(self, digest: str | None) -> Mapping[str, JsonValue] | None:
        if digest is None:
            return None
        try:
            found = json.loads(b"".join(self._blobs.read(digest)))
        except (SlmlError, ValueError) as error:
            log.warning("The baseline %s cannot be read: %s", digest[:12], error)
            return None
        return found if isinstance(found, dict) else None
