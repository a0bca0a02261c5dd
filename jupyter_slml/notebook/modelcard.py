"""A model card in a notebook, and as a file."""

from __future__ import annotations

from pathlib import Path

from jupyter_slml.errors import Invalid


class ModelCard:
    """Everything that is known of a version. `html` is a page of its own, without script or outside addresses."""

    def __init__(self, reference: str, html: str) -> None:
        self.reference = reference
        self.html = html
        self._saved: Path | None = None

    def save(self, path: str | Path) -> Path:
        """Write the page to a file; returns its path. Raises Invalid where that cannot be."""
        target = Path(path)
        try:
            target.write_text(self.html, encoding="utf-8")
        except OSError as error:
            raise Invalid(
                f"The card cannot be written to {target}: {error.strerror}.",
                field="--to",
                value=target,
                remedy="Name a file in a folder that exists and is yours to write to.",
            ) from None
        self._saved = target
        return target

    def __repr__(self) -> str:
        where = f"saved as {self._saved}" if self._saved else ".save(PATH) writes it as a page"
        return f"<model card of {self.reference}: {where}>"

    def _repr_html_(self) -> str:
        return self.html.partition("<body>")[2].rpartition("</body>")[0]
