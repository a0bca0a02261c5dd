"""One trial, in its own process: a fork of the host that waits for its values, runs the rest of the cell and reports."""

from __future__ import annotations

import ast
import json
import math
import os
import random
import sys
from pathlib import Path
from typing import Any, NoReturn

from jupyter_slml.compute import cell as cells
from jupyter_slml.compute.assigned import assigned
from jupyter_slml.compute.cell import Cell
from jupyter_slml.compute.child import set_threads
from jupyter_slml.compute.descriptors import spare_descriptors
from jupyter_slml.compute.environment import environment
from jupyter_slml.compute.failures import describe
from jupyter_slml.compute.leaving import exit_code, leave
from jupyter_slml.compute.results import NotStored, collect
from jupyter_slml.compute.room import NoRoom
from jupyter_slml.compute.shell import ChannelHook, KeepParameters
from jupyter_slml.compute.tuning.handles import Pruned, Reports, Trial, TrialChannel, TuningHandle
from jupyter_slml.compute.tuning.marks import LineMarks
from jupyter_slml.compute.wire import Link, Message
from jupyter_slml.domain.prefix import KeepStatements, default_of
from jupyter_slml.domain.specs.tuning import TuneSpec

#: What the last expression gave when there was none.
_NOTHING = object()


class TunedCell(Cell):
    """A cell that runs in two parts: its prefix once, the rest in every trial."""

    handle_class = TuningHandle
    handle: TuningHandle

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.options = TuneSpec.model_validate(self.payload["tuning"]["options"])
        self.goals = [item.metric for item in self.options.objectives]
        self.searched = [entry.name for entry in self.options.space]
        self.marks = [LineMarks(stream) for stream in (sys.stdout, sys.stderr)]
        #: Statements that have run already.
        self.first = 0

    def tree(self) -> ast.Module:
        """The cell's statements, after IPython's transformations."""
        return ast.parse(self.shell.transform_cell(self.payload["source"]))

    def run_part(self, first: int, last: int | None, names: set[str]) -> Any:
        """Run statements of the cell; `names` keep their values against defaults. Returns IPython's result."""
        parts = [KeepParameters(names), KeepStatements(first, last)]
        self.shell.ast_transformers.extend(parts)
        try:
            with spare_descriptors():
                return self.shell.run_cell(self.payload["source"])  # type: ignore[no-untyped-call]
        finally:
            for part in parts:
                self.shell.ast_transformers.remove(part)


class TrialProcess:
    """From the fork to `os._exit`."""

    def __init__(self, cell: TunedCell, link: Link, threads: int) -> None:
        self.cell = cell
        self.link = link
        self.threads = threads

    def run(self) -> NoReturn:
        code = 1
        try:
            order = self.link.receive()
            code = 0 if order is None or self._carry_out(order) else 1
        except SystemExit as leaving:
            code = exit_code(leaving)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            leave(code)

    def _carry_out(self, order: Message) -> bool:
        cell = self.cell
        cell.channel.close()
        for mark in cell.marks:
            mark.text = f"[trial {order['number']}] "
        folder = self._move(order["number"])
        if self.threads > 1:
            set_threads(self.threads)
        seed(order["seed"])
        channel = TrialChannel()
        reports = Reports(self.link, cell.goals[0], order["reports"])
        cell.handle.enter(reports, {**cell.payload["parameters"], **order["params"]}, folder, cell.goals)
        cell.handle.checkpoint_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        missing = [name for name in cell.searched if name not in order["params"]]
        names = cell.shell.user_ns
        names.update({name: default_of(cell.tree(), name) for name in missing})
        names.update(order["params"])
        names["trial"] = Trial(reports, order["number"], order["params"], order["directions"])
        cell.shell.connect(channel, cell.name)
        hook = cell.shell.displayhook
        assert isinstance(hook, ChannelHook)
        hook.value = _NOTHING
        ran = cell.run_part(cell.first, None, set(order["params"]))
        done = self._judge(ran.error_before_exec or ran.error_in_exec, hook.value)
        answer = reports.ask({"done": {**done, "metrics": reports.last}})
        if answer["keep"]:
            reports.say({"left": self._collect(folder, channel)})
        return True

    def _move(self, number: int) -> Path:
        """A working directory of its own, in which what the job's has is found by its name."""
        home = self.cell.folder
        folder = home.parent / "trials" / str(number)
        for name in ("work", "out", "output"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for entry in os.scandir(home):
            (folder / "work" / entry.name).symlink_to(entry.path)
        if Path.cwd() == home:
            os.chdir(folder / "work")
        return folder

    def _judge(self, error: BaseException | None, value: object) -> dict[str, Any]:
        """The end of the trial: its state, and its values or why it has none."""
        cell = self.cell
        if isinstance(error, Pruned) or _is_pruned(error):
            return {"state": "pruned"}
        if isinstance(error, SystemExit):
            return _failed("exit", f"The cell called sys.exit({error.code}).")
        if error is not None:
            told = describe(error, cell.name, cell.folder)
            where = f" (line {told['line']} of the cell)" if told["line"] else ""
            first = (told["evalue"].strip().splitlines() or [""])[0][:500]
            return _failed("exception", f"{told['ename']}: {first}{where}") | {"error": told}
        assert cell.handle.reports is not None
        found = _of_expression(value, cell.goals) | cell.handle.reports.last
        values: dict[str, float] = {}
        for goal in cell.goals:
            number = cell.handle.bad.get(goal, found.get(goal))
            if number is None:
                said = ", ".join(sorted(found)[:10])
                text = (
                    f"It did not report {goal!r}: no slml.log({goal}=…), no metric of that name, and the last expression is "
                )
                text += "no number." if value is not _NOTHING else "none."
                return _failed("objective", text + (f" It reported: {said}." if said else ""))
            if not math.isfinite(number):
                return _failed("objective", f"{goal} is {number}.")
            values[goal] = number
        return {"state": "complete", "values": values}

    def _collect(self, folder: Path, channel: TrialChannel) -> dict[str, Any]:
        """Write what the best trial left."""
        cell = self.cell
        rest = ast.Module(cell.tree().body[cell.first :], [])
        left = assigned(rest, cell.shell.transform_cell)
        try:
            outputs, skipped = collect(
                cell.shell.user_ns, cell.payload["outputs"], left, folder / "out", cells.autolog().sample
            )
        except (NoRoom, NotStored) as problem:
            return {"failed": str(problem)}
        displays = None
        if channel.displays:
            displays = folder / "displays.json"
            displays.write_text(json.dumps(channel.displays))
        found = {"outputs": outputs, "skipped": skipped, "environment": environment(), "folder": str(folder)}
        return {**found, "displays": None if displays is None else str(displays)}


def seed(number: int) -> None:
    """Every trial draws other numbers than its siblings, and the same ones when it is run again."""
    random.seed(number)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(number)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(number)


def _failed(reason: str, message: str) -> dict[str, Any]:
    return {"state": "failed", "reason": reason, "message": message, "values": {}}


def _is_pruned(error: BaseException | None) -> bool:
    """Optuna's own exception, which need not be imported here."""
    return error is not None and any(kind.__name__ == "TrialPruned" for kind in type(error).__mro__)


def _of_expression(value: object, goals: list[str]) -> dict[str, float]:
    """The objectives in the value of the last expression: a number, one for each of them, or numbers by name."""
    if isinstance(value, dict):
        return {str(name): number for name, item in value.items() if (number := _number(item)) is not None}
    items = list(value) if isinstance(value, (tuple, list)) else [value]
    numbers = [_number(item) for item in items]
    if len(items) != len(goals):
        return {}
    return {goal: number for goal, number in zip(goals, numbers, strict=True) if number is not None}


def _number(value: object) -> float | None:
    if isinstance(value, (str, bytes, bool)) or value is None:
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
