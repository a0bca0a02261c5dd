"""What a card says of a search: text, and pictures as static svg without script or style sheet.

History: every trial and the best so far. Parallel coordinates: what was tried, from the worst (pale) to the best.
Importances: how much each parameter matters.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from jupyter_slml.notebook.drawing import COLOURS
from jupyter_slml.notebook.table import human_seconds

_WIDTH = 420


def text(tuning: Mapping[str, Any]) -> str:
    """`12 of 50 trials, best auc 0.91 (trial 7: max_depth=5, eta=0.1)`."""
    counts = tuning["counts"]
    done = sum(number for state, number in counts.items() if state != "running")
    said = f"{done} of {tuning['most']} trials" if tuning["most"] != done else f"{done} trials"
    odd = [f"{counts[state]} {state}" for state in ("pruned", "failed", "stopped") if counts.get(state)]
    said += f" ({', '.join(odd)})" if odd else ""
    best = tuning["best"]
    if best is None:
        return said
    values = ", ".join(f"{name} {value:.6g}" for name, value in best["values"].items())
    return f"{said}, best {values} (trial {best['number']}: {_params(best['params'])})"


def rows(tuning: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Title and html of each line of a card."""
    objectives = tuning["objectives"]
    found = [
        ("trials", escape(text(tuning))),
        ("runs once", escape(_hoisted(tuning))),
        ("running", _running(tuning["running"])),
        (
            "failed",
            "".join(f"<div>trial {item['number']}: {escape(item['message'][:200])}</div>" for item in tuning["failed"]),
        ),
    ]
    if len(objectives) == 1:
        found.append(("history", history(tuning["history"], objectives[0])))
    else:
        found.append(("front", pareto(tuning["history"], tuning["front"], objectives)))
    found.append(("tried", parallel(tuning["trials"], objectives[0], tuning["best"])))
    found.append(("importance", importances(tuning["importances"])))
    if tuning["ended"]:
        found.append(("ended", escape(tuning["ended"])))
    return found


def history(points: Sequence[Sequence[float]], objective: Mapping[str, Any]) -> str:
    """Values by trial, and the best so far as a line; empty for less than two."""
    if len(points) < 2:
        return ""
    height = 110
    sign = 1 if objective["direction"] == "maximize" else -1
    best: list[float] = []
    for point in points:
        best.append(point[1] if not best or point[1] * sign > best[-1] * sign else best[-1])
    numbers, values = [point[0] for point in points], [point[1] for point in points]
    low, high = _span(values, best)
    across, up = _scale(min(numbers), max(numbers), 46, _WIDTH - 8), _scale(low, high, height - 16, 8)
    dots = "".join(
        f'<circle cx="{across(number):.1f}" cy="{up(value):.1f}" r="2" fill="{COLOURS[0]}" fill-opacity="0.55"/>'
        for number, value in zip(numbers, values, strict=True)
        if low <= value <= high
    )
    line = " ".join(f"{across(number):.1f},{up(value):.1f}" for number, value in zip(numbers, best, strict=True))
    said = f"{objective['metric']} of {len(points)} trials; best so far from {best[0]:.6g} to {best[-1]:.6g}"
    return _svg(
        height,
        said,
        f'{dots}<polyline points="{line}" fill="none" stroke="{COLOURS[1]}" stroke-width="1.5"/>'
        + _label(42, 12, f"{high:.4g}", "end")
        + _label(42, height - 16, f"{low:.4g}", "end")
        + _label(46, height - 3, "trial 0" if not numbers[0] else f"trial {numbers[0]:g}", "start")
        + _label(_WIDTH - 8, height - 3, f"{numbers[-1]:g}", "end"),
    )


def pareto(points: Sequence[Sequence[float]], front: Sequence[int], objectives: Sequence[Mapping[str, Any]]) -> str:
    """The first two objectives of every trial, those on the front filled."""
    if len(points) < 2:
        return ""
    height = 200
    ours = set(front)
    first, second = [point[1] for point in points], [point[2] for point in points]
    across, up = _scale(min(first), max(first), 56, _WIDTH - 8), _scale(min(second), max(second), height - 24, 8)
    dots = "".join(
        f'<circle cx="{across(point[1]):.1f}" cy="{up(point[2]):.1f}" r="3" stroke="{COLOURS[0]}" '
        f'fill="{COLOURS[1] if point[0] in ours else "none"}"/>'
        for point in points
    )
    names = [item["metric"] for item in objectives]
    said = f"{names[0]} and {names[1]} of {len(points)} trials, {len(front)} of them on the Pareto front"
    labels = _label(56, height - 3, f"{min(first):.4g}", "start") + _label(
        _WIDTH - 8, height - 3, f"{max(first):.4g}", "end"
    )
    labels += _label(_WIDTH / 2, height - 3, names[0], "middle") + _label(52, 14, f"{max(second):.4g}", "end")
    labels += _label(52, height / 2, names[1][:9], "end") + _label(52, height - 24, f"{min(second):.4g}", "end")
    return _svg(height, said, dots + labels)


def parallel(trials: Sequence[Mapping[str, Any]], objective: Mapping[str, Any], best: Mapping[str, Any] | None) -> str:
    """A line per trial through its parameters and its value; the better, the stronger."""
    names = list(dict.fromkeys(name for trial in trials for name in trial["params"]))[:8]
    if len(trials) < 2 or not names:
        return ""
    height, metric = 150, objective["metric"]
    sign = 1 if objective["direction"] == "maximize" else -1
    axes = [_axis([trial["params"].get(name) for trial in trials]) for name in names]
    axes.append(_axis([trial["values"][metric] for trial in trials]))
    places = [24 + index * (_WIDTH - 48) / len(names) for index in range(len(names) + 1)]
    top, bottom = 10, height - 28
    ranked = sorted(trials, key=lambda trial: trial["values"][metric] * sign)
    parts = [f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#888" stroke-width="0.7"/>' for x in places]
    for rank, trial in enumerate(ranked):
        values = [*(trial["params"].get(name) for name in names), trial["values"][metric]]
        line = " ".join(
            f"{x:.1f},{bottom - place * (bottom - top):.1f}"
            for x, value, axis in zip(places, values, axes, strict=True)
            if (place := axis(value)) is not None
        )
        mine = best is not None and trial["number"] == best["number"]
        colour, width = (COLOURS[1], 2.0) if mine else (COLOURS[0], 1.0)
        strength = 1.0 if mine else 0.08 + 0.6 * (rank / len(ranked)) ** 2
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-opacity="{strength:.2f}"/>'
        )
    for index, (x, name) in enumerate(zip(places, [*names, metric], strict=True)):
        anchor = "start" if index == 0 else "end" if index == len(names) else "middle"
        parts.append(_label(x, height - 14 + 11 * (index % 2), name[:18], anchor))
    said = f"{len(trials)} trials over {', '.join(names)}"
    return _svg(height, f"{said}; best: {_params(best['params'])}" if best else said, "".join(parts))


def importances(found: Mapping[str, float]) -> str:
    """A bar per parameter, the most important first."""
    ranked = sorted(found.items(), key=lambda item: -item[1])[:8]
    if len(ranked) < 2:
        return ""
    height = 16 * len(ranked) + 4
    widest = max(value for _, value in ranked) or 1.0
    bars = "".join(
        f'<rect x="120" y="{16 * index + 3}" width="{240 * value / widest:.1f}" height="10" fill="{COLOURS[0]}"/>'
        + _label(114, 16 * index + 12, name[:18], "end")
        + _label(126 + 240 * value / widest, 16 * index + 12, f"{value:.2f}", "start")
        for index, (name, value) in enumerate(ranked)
    )
    return _svg(height, ", ".join(f"{name} {value:.2f}" for name, value in ranked), bars)


def _running(trials: Sequence[Mapping[str, Any]]) -> str:
    now = time.time()
    lines = []
    for trial in trials[:16]:
        since = "" if trial["started_at"] is None else f" for {human_seconds(max(0.0, now - trial['started_at']))}"
        last = "" if trial["last"] is None else f", {trial['last'][1]:.6g} at step {trial['last'][0]}"
        lines.append(f"<div>trial {trial['number']}{since}: {escape(_params(trial['params']))}{last}</div>")
    return "".join(lines)


def _hoisted(tuning: Mapping[str, Any]) -> str:
    if tuning["hoisted"]:
        return f"lines 1–{tuning['hoisted']} of the cell"
    return f"nothing: {tuning['hoist_note']}" if tuning["hoist_note"] and tuning["hoist_note"] != "--no-hoist" else ""


def _params(params: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in params.items()
    )


def _span(values: Sequence[float], best: Sequence[float]) -> tuple[float, float]:
    """What is shown: all but the outliers that would press the rest into a line."""
    ordered = sorted(values)
    low, high = ordered[0], ordered[-1]
    if len(ordered) >= 10:
        first, third = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
        low, high = max(low, first - 3 * (third - first)), min(high, third + 3 * (third - first))
    low, high = min(low, min(best[len(best) // 2 :])), max(high, max(best[len(best) // 2 :]))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _axis(values: Sequence[Any]) -> Any:
    """A function from a value to its place between 0 and 1; None where there is none."""
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) == sum(value is not None for value in values) and numbers:
        low, high = min(numbers), max(numbers)
        wide = low > 0 and high / low > 50

        def place(value: Any) -> float | None:
            if not isinstance(value, (int, float)):
                return None
            if high <= low:
                return 0.5
            if wide:
                return math.log(value / low) / math.log(high / low)
            return (value - low) / (high - low)

        return place
    kinds = sorted({str(value) for value in values if value is not None})
    return lambda value: None if value is None else (kinds.index(str(value)) + 0.5) / len(kinds)


def _scale(low: float, high: float, start: float, end: float) -> Any:
    return lambda value: (start + end) / 2 if high <= low else start + (value - low) / (high - low) * (end - start)


def _svg(height: float, said: str, inside: str) -> str:
    return (
        f'<svg width="{_WIDTH}" height="{height:g}" viewBox="0 0 {_WIDTH} {height:g}" font-family="sans-serif" '
        f'font-size="10" '
        f'role="img" aria-label="{escape(said)}">{inside}</svg>'
    )


def _label(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{escape(words)}</text>'
