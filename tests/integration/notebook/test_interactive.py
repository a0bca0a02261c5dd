"""With somebody looking: the cell returns at once and its card goes on by itself."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from jupyter_slml.client import Client

MIME = "application/vnd.jupyter-slml.job+json"


@pytest.fixture
def kernel(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlockingKernelClient]:
    monkeypatch.setenv("SLML_HEADLESS", "0")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    made = manager.blocking_client()
    made.start_channels()
    made.wait_for_ready(timeout=60)
    yield made
    made.stop_channels()
    manager.shutdown_kernel(now=True)


def messages(kernel: BlockingKernelClient, seconds: float) -> Iterator[dict[str, Any]]:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            yield kernel.get_iopub_msg(timeout=left)
        except queue.Empty:
            return


def test_the_card_follows_the_job_after_the_cell(kernel: BlockingKernelClient) -> None:
    kernel.execute("%load_ext jupyter_slml")
    kernel.execute(
        "%%train --name live -o x\nimport time\ntime.sleep(1)\nprint('half')\nslml.log(a=1)\ntime.sleep(1)\nx = 1"
    )
    shown: list[dict[str, Any]] = []
    streams: list[str] = []
    identity: set[str] = set()
    idle_before_end = False
    for message in messages(kernel, 60):
        content = message["content"]
        if message["msg_type"] in ("display_data", "update_display_data") and MIME in content["data"]:
            shown.append(content["data"][MIME])
            identity.add(content["transient"]["display_id"])
            if shown[-1]["state"] == "succeeded":
                break
        elif message["msg_type"] == "stream":
            streams.append(content["text"])
        elif message["msg_type"] == "status" and content["execution_state"] == "idle" and shown:
            idle_before_end = shown[-1]["state"] != "succeeded"
    assert shown[-1]["state"] == "succeeded" and shown[-1]["log_tail"] == ["half"] and shown[-1]["metrics"] == {"a": 1.0}
    assert shown[-1]["outputs"][0]["name"] == "x" and shown[-1]["headless"] is False
    assert idle_before_end and len(identity) == 1 and streams == []
    assert len(shown) <= 20


def test_the_handle_is_the_underscore_and_awaitable(kernel: BlockingKernelClient) -> None:
    kernel.execute_interactive("%load_ext jupyter_slml", timeout=60, output_hook=lambda message: None)
    kernel.execute_interactive("%%train --name later -o x\nx = 41 + 1", timeout=60, output_hook=lambda message: None)
    said: list[str] = []
    kernel.execute_interactive(
        "job = _\nprint(type(job).__name__, (await job).result())",
        timeout=60,
        output_hook=lambda message: said.append(message["content"].get("text", "")),
    )
    assert "".join(said).strip() == "JobHandle 42"


def test_outside_jupyterlab_the_widget_is_the_face(kernel: BlockingKernelClient) -> None:
    kernel.execute_interactive("%load_ext jupyter_slml\n__vsc_ipynb_file__ = '/w/a.ipynb'", timeout=60)
    shown: list[dict[str, Any]] = []
    body = "import time\ntime.sleep(1)\nx = 1"
    kernel.execute_interactive(
        f"%%train --name code -o x\n{body}",
        timeout=60,
        output_hook=lambda message: shown.append(message["content"].get("data", {})),
    )
    assert any("application/vnd.jupyter.widget-view+json" in data for data in shown)
