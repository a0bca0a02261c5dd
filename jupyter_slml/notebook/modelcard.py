"""A model card in a notebook, and as a file."""

from __future__ import annotations

from pathlib import Path


class ModelCard:
    """Everything that is known of a version. `html` is a page of its own, without script or outside addresses."""

    def __init__(self, reference: str, html: str) -> None:
        self.reference = reference
        self.html = html

    def save(self, path: str | Path) -> Path:
        """Write the page to a file; returns its path."""
        target = Path(path)
        target.write_text(self.html, encoding="utf-8")
        return target

    def __repr__(self) -> str:
        return f"<model card of {self.reference}: .save(PATH) writes it as a page>"

    def _repr_html_(self) -> str:
        return self.html.partition("<body>")[2].rpartition("</body>")[0]
