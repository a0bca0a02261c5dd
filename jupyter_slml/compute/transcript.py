"""The executed cell as a notebook: one cell with its outputs in the order in which they came."""

from __future__ import annotations

import json
from typing import Any

from jupyter_slml.domain.orders import AttemptOrder
from jupyter_slml.domain.outcomes import Outcome, Reason

#: Characters of printed text that the notebook holds; the log has all.
MOST_TEXT = 2**20
_STREAMS = {"out": "stdout", "err": "stderr"}


class Transcript:
    """Collects nbformat outputs. Memory is bounded: text here, displays by the child's channel."""

    def __init__(self) -> None:
        self._outputs: list[dict[str, Any]] = []
        self._text: list[str] = []
        self._named: dict[str, dict[str, Any]] = {}
        self._left = MOST_TEXT

    @property
    def displays(self) -> list[dict[str, Any]]:
        return [output for output in self._outputs if output["output_type"] != "stream"]

    def stream(self, stream: str, text: str) -> None:
        name = _STREAMS[stream]
        if self._left <= 0:
            return
        text = text[: self._left]
        self._left -= len(text)
        if self._left <= 0:
            text += "\n[slml] The rest is in the log.\n"
        last = self._outputs[-1] if self._outputs else None
        if last is None or last.get("name") != name:
            self._outputs.append({"output_type": "stream", "name": name, "text": []})
        self._outputs[-1]["text"].append(text)

    def display(self, output: dict[str, Any]) -> None:
        """An output as the child sends it: nbformat, and `transient` that names it or updates an earlier one."""
        transient = output.pop("transient", None) or {}
        identity = transient.get("display_id")
        if transient.get("update"):
            if identity in self._named:
                self._named[identity].update(data=output["data"], metadata=output["metadata"])
            return
        self._outputs.append(output)
        if identity:
            self._named[identity] = output

    def notebook(self, order: AttemptOrder, outcome: Outcome) -> bytes:
        """nbformat 4.5 as JSON, with the end of the attempt as the last output when it did not succeed."""
        count = order.spec.origin.execution_count
        outputs = [
            {**output, "text": "".join(output["text"])}
            if output["output_type"] == "stream"
            else {**output, **({"execution_count": count} if output["output_type"] == "execute_result" else {})}
            for output in self._outputs
        ]
        if (error := outcome.error) is not None:
            outputs.append(
                {"output_type": "error", "ename": error.ename, "evalue": error.evalue, "traceback": error.traceback}
            )
        elif outcome.reason is not Reason.DONE:
            ended = {"ename": outcome.reason.value, "evalue": outcome.message, "traceback": [outcome.message]}
            outputs.append({"output_type": "error", **ended})
        cell: dict[str, Any] = {
            "id": "cell",
            "cell_type": "code",
            "execution_count": count,
            "metadata": {},
            "source": order.spec.source,
            "outputs": outputs,
        }
        about = {
            "job": order.job,
            "name": order.job_name,
            "attempt": order.id,
            "parameters": order.spec.parameters,
            "state": outcome.state.value,
        }
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}, "jupyter_slml": about},
            "cells": [cell],
        }
        return json.dumps(notebook, ensure_ascii=False, indent=1).encode("utf-8", "replace")
