"""A real `jupyter lab` child process with its own home, for one test module or more."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

STARTUP_SECONDS = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LabServer:
    """Nothing of the user's is read or written: every Jupyter directory and SLML_HOME lie in `home`."""

    def __init__(self, home: Path, base_url: str = "/") -> None:
        self.home = home
        self.root = home / "notebooks"
        self.token = secrets.token_hex(16)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{base_url}"
        self.log = home / "lab.log"
        self._base_url = base_url
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("JPY_", "JUPYTER_"))}
        env.update(
            SLML_HOME=str(self.home / "slml"),
            JUPYTER_CONFIG_DIR=str(self.home / "config"),
            JUPYTER_DATA_DIR=str(self.home / "data"),
            JUPYTER_RUNTIME_DIR=str(self.home / "runtime"),
            IPYTHONDIR=str(self.home / "ipython"),
            # `python` and the kernels' tools of the environment under test, also when it is not activated
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        )
        return env

    def start(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self._refuse_news()
        command = [
            *(sys.executable, "-m", "jupyterlab"),
            *("--allow-root", "--no-browser", "--ip=127.0.0.1", f"--port={self.port}"),
            "--ServerApp.port_retries=0",
            f"--ServerApp.base_url={self._base_url}",
            f"--ServerApp.root_dir={self.root}",
            f"--IdentityProvider.token={self.token}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment, cwd=self.root)
        self._wait_until_it_answers()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def kill(self) -> None:
        """SIGKILL, as the kernel's memory killer does it; `start` brings it back on the same port."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _refuse_news(self) -> None:
        """The "official Jupyter news" question covers the lower right corner of a fresh profile."""
        settings = self.home / "config/lab/user-settings/@jupyterlab/apputils-extension"
        settings.mkdir(parents=True, exist_ok=True)
        answer = json.dumps({"fetchNews": "false"})
        (settings / "notification.jupyterlab-settings").write_text(answer)

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.url}api/status?token={self.token}", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise RuntimeError(f"jupyter lab does not answer at {self.url}\n{self.tail()}")
