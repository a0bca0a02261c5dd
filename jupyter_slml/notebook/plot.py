"""`job.plot()`: metric curves as Vega-Lite, with a picture and a line of text for readers that do not draw it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_slml.notebook.drawing import COLOURS, Points, chart

VEGA_LITE = "application/vnd.vegalite.v5+json"


class Plot:
    """The curves of a job, `{metric: [[step, value], …]}`. `spec` is the Vega-Lite, to be changed or saved."""

    def __init__(self, title: str, curves: Mapping[str, Points]) -> None:
        self.title = title
        self.curves = {name: [list(point) for point in points] for name, points in curves.items()}

    @property
    def spec(self) -> dict[str, Any]:
        rows = [
            {"step": step, "value": value, "metric": name} for name, points in self.curves.items() for step, value in points
        ]
        return {
            "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
            "title": self.title,
            "width": 480,
            "height": 240,
            "data": {"values": rows},
            "mark": {"type": "line", "point": len(rows) <= 50 * len(self.curves), "tooltip": True},
            "encoding": {
                "x": {"field": "step", "type": "quantitative"},
                "y": {"field": "value", "type": "quantitative", "scale": {"zero": False}},
                "color": {
                    "field": "metric",
                    "type": "nominal",
                    "scale": {"range": list(COLOURS)},
                    "sort": list(self.curves),
                },
            },
        }

    @property
    def svg(self) -> str:
        return chart(self.curves)

    def __repr__(self) -> str:
        lines = [
            f"  {name}: {len(points)} points, {points[0][1]:.6g} → {points[-1][1]:.6g}"
            for name, points in self.curves.items()
            if points
        ]
        return "\n".join([self.title, *lines])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {VEGA_LITE: self.spec, "image/svg+xml": self.svg, "text/plain": repr(self)}
