"""Real parts: the program as a process, the simulator as a process, the real Portkey gateway from npm."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagtui.plan import sample_folder

GATEWAY_FOLDER = Path(__file__).parent / "gateway"
GATEWAY_START = GATEWAY_FOLDER / "node_modules/@portkey-ai/gateway/build/start-server.js"
EMAILS = sample_folder() / "emails.csv"
KEY = "sk-ant-CANARY-0123456789abcdef"
_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url: str, method: str = "GET", body: object = None) -> Any:
    """A JSON answer from something on loopback."""
    data = None if body is None else json.dumps(body).encode()
    with _LOCAL.open(urllib.request.Request(url, data, method=method), timeout=10) as answer:
        return json.loads(answer.read() or b"null")


@dataclass
class Simulator:
    url: str

    def turn(self, **knobs: object) -> None:
        """Set knobs, from the defaults."""
        ask(f"{self.url}/sim/knobs", "PATCH", knobs)

    def totals(self) -> dict[str, Any]:
        return ask(f"{self.url}/sim/ledger?entries=0")["totals"]

    def entries(self) -> list[dict[str, Any]]:
        return ask(f"{self.url}/sim/ledger")["entries"]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    command = [sys.executable, "-m", "dagtui.simulator", "--port", "0", "--exit-with-stdin"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    yield Simulator(url)
    process.stdin.close()
    process.stdout.close()
    assert process.wait(10) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PortkeyGateway:
    """A real Portkey gateway on a port of its own, which can be killed and started again."""

    def __init__(self, log: Path) -> None:
        node = shutil.which("node")
        if node is None or not GATEWAY_START.exists():
            pytest.skip("the Portkey gateway is not installed: npm ci --prefix tests/e2e/gateway --ignore-scripts")
        self._port = free_port()
        self._command = [node, str(GATEWAY_START), f"--port={self._port}", "--headless"]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        unset = ("TRUSTED_CUSTOM_HOSTS", "REDIS_CONNECTION_STRING")
        environ = {name: value for name, value in os.environ.items() if name not in unset}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=GATEWAY_FOLDER,
                env={**environ, "NODE_ENV": "production"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _await_port(self._port, self._process)

    def kill(self, with_signal: signal.Signals = signal.SIGKILL) -> None:
        """End it at once."""
        if self._process is not None:
            os.killpg(self._process.pid, with_signal)
            self._process.wait(10)
            self._process = None


@pytest.fixture(scope="session")
def portkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a real Portkey gateway, for all tests."""
    gateway = PortkeyGateway(tmp_path_factory.mktemp("gateway") / "gateway.log")
    gateway.start()
    yield gateway.url
    gateway.kill(signal.SIGTERM)


@pytest.fixture
def mortal_portkey(tmp_path: Path) -> Iterator[PortkeyGateway]:
    """A real Portkey gateway of this test's own, to be killed."""
    gateway = PortkeyGateway(tmp_path / "gateway.log")
    gateway.start()
    yield gateway
    gateway.kill()


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the gateway ended with {process.returncode}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the gateway did not listen within 30 s")


@dataclass
class Shell:
    """Runs the program as a shell would, with a home of its own and no keys but those given."""

    home: Path

    def environ(self, **extra: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TERM", "COLORTERM")}
        return {**kept, "HOME": str(self.home), "XDG_STATE_HOME": str(self.home / "state"), **extra}

    def start(self, *arguments: object, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "dagtui", *map(str, arguments)],
            cwd=self.home,
            env=self.environ(**environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **environ)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)
