"""Keys are nowhere: in no file, stream, picture of the screen or list of processes, whatever goes wrong."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import stat
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.conftest import EMAILS, KEY, Shell, Simulator

PORTKEY_KEY = "Portkey+CANARY/fedcba9876543210"
CONFIG_KEY = "of-a-config-CANARY-00112233"
CONFIG = json.dumps({"provider": "anthropic", "retry": {"attempts": 0}, "api_key": CONFIG_KEY})
KEYS = {"ANTHROPIC_API_KEY": KEY, "PORTKEY_API_KEY": PORTKEY_KEY, "DAGTUI_PORTKEY_CONFIG": CONFIG}
CANARY = "CANARY"
"""It is part of every key here, so that a part of a key is found too."""

PLUGIN = """
import os
from dagtui import Context, Dimension, Plugin, ProviderChoice

class Broken(Plugin):
    dimensions = (Dimension("broken"),)

    def create_prompt(self, ctx: Context) -> str:
        api_key = os.environ["ANTHROPIC_API_KEY"]
        raise RuntimeError(f"401 for Bearer {api_key} and key {api_key}")

    def select_provider(self, ctx: Context) -> ProviderChoice:
        return ProviderChoice("anthropic", model="claude-3-5-haiku-20241022")
"""


class _Echo(BaseHTTPRequestHandler):
    """Answers every request with an error that repeats its headers, as a careless provider may."""

    status = 401
    asked: threading.Event

    def do_GET(self) -> None:
        self._answer(404, {})

    def do_POST(self) -> None:
        self.asked.set()
        self.rfile.read(int(self.headers["content-length"]))
        said = "; ".join(f"{name}: {value}" for name, value in self.headers.items())
        self._answer(self.status, {"error": {"type": "authentication_error", "message": f"bad key: {said}"}})

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("request-id", self.headers.get("x-api-key", "none"))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@contextlib.contextmanager
def echoing(status: int) -> Iterator[tuple[str, threading.Event]]:
    """Its address, and what is set when it was asked."""
    asked = threading.Event()
    handler = type("Handler", (_Echo,), {"status": status, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def assert_nowhere(home: Path, *streams: str) -> None:
    """No part of a key in what was told, nor in any file under `home`, read as bytes."""
    for stream in streams:
        assert CANARY not in stream
    for path in home.rglob("*"):
        assert CANARY not in str(path)
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def assert_private(folder: Path) -> None:
    """What the program made is for this user's eyes only."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize("output", [("-o", "out/r.csv"), ("-o", "out/r.jsonl"), ("--json",), ()])
def test_a_run_with_failures_tells_no_key_and_writes_for_its_user_alone(
    shell: Shell, simulator: Simulator, output: tuple[str, ...]
) -> None:
    simulator.turn(latency_median_s=0.01, rate_500=0.3)
    (shell.home / "out").mkdir(mode=0o700)
    done = shell.run("run", EMAILS, "-g", simulator.url, "-c", 50, "--attempts", 1, *output, **KEYS)
    assert done.returncode == 3, done.stderr
    assert_nowhere(shell.home, done.stdout, done.stderr)
    assert_private(shell.home)


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_a_provider_that_repeats_the_keys_in_its_error_spreads_none(shell: Shell, status: int) -> None:
    with echoing(status) as (url, asked):
        (shell.home / "few.csv").write_text("id,content\n1,a\n2,b\n")
        arguments = ["run", "few.csv", "-g", url, "-c", 2, "--attempts", 1, "-o", "out.csv", "--timeout", 5]
        if status == 429:
            process = shell.start(*arguments, **KEYS)
            assert asked.wait(20)  # and now it waits for a limit that will never end
            process.send_signal(2)
            process.send_signal(2)
            out, err = process.communicate(timeout=20)
        else:
            done = shell.run(*arguments, **KEYS)
            out, err = done.stdout, done.stderr
            assert done.returncode in (3, 5), err
            assert "bad key" in err + "".join(path.read_text() for path in shell.home.glob("out*"))
    assert_nowhere(shell.home, out, err)


def test_a_check_tells_no_key(shell: Shell, simulator: Simulator) -> None:
    done = shell.run("check", EMAILS, "-g", simulator.url, **KEYS)
    assert_nowhere(shell.home, done.stdout, done.stderr)
    for name in KEYS:
        done = shell.run("check", EMAILS, "-g", "portkey", **{**KEYS, name: f"{KEYS[name]} {KEYS[name]}"})
        assert_nowhere(shell.home, done.stdout, done.stderr)


def test_a_plugin_that_raises_with_the_key_in_its_words_spreads_it_nowhere(
    shell: Shell, simulator: Simulator
) -> None:
    (shell.home / "few.csv").write_text("id,content\n1,a\n2,b\n")
    (shell.home / "broken.py").write_text(PLUGIN)
    arguments = ["run", "few.csv", "--task", "broken.py", "-g", simulator.url, "-o", "out.csv"]
    done = shell.run(*arguments, **KEYS)
    assert done.returncode == 3
    assert "RuntimeError" in (shell.home / "out.csv").read_text()
    (shell.home / "broken.py").unlink()
    assert_nowhere(shell.home, done.stdout, done.stderr)


def test_the_list_of_processes_shows_no_key(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.5, latency_sigma=0)
    process = shell.start("run", EMAILS, "-g", simulator.url, "-c", 5, "-o", "out.csv", **KEYS)
    deadline = time.monotonic() + 20
    while not simulator.totals()["requests"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    process.send_signal(15)
    process.communicate(timeout=20)
    assert b"dagtui" in shown
    assert CANARY.encode() not in shown


@pytest.mark.parametrize("flag", ["--api-key", "--key", "--portkey-api-key", "--provider-key", "--token"])
def test_no_flag_takes_a_key(shell: Shell, flag: str) -> None:
    done = shell.run("run", EMAILS, flag, KEY)
    assert done.returncode == 2
    assert "No such option" in done.stderr
    assert CANARY not in done.stdout + done.stderr


def test_a_config_with_a_key_in_it_is_refused_as_a_flag(shell: Shell, simulator: Simulator) -> None:
    done = shell.run("run", EMAILS, "-g", simulator.url, "--portkey-config", CONFIG)
    assert done.returncode == 2
    assert "DAGTUI_PORTKEY_CONFIG" in done.stderr
    assert_nowhere(shell.home, done.stdout, done.stderr)
    assert simulator.totals()["requests"] == 0


@pytest.mark.parametrize(("host", "told"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_a_simulator_that_others_can_reach_is_told_of(shell: Shell, host: str, told: bool) -> None:
    process = shell.start("simulate", "--port", 0, "--host", host)
    assert process.stdout is not None
    process.stdout.readline()  # it listens
    process.send_signal(15)
    _, err = process.communicate(timeout=20)
    assert ("can be reached by others" in err) is told


def test_the_screen_and_its_picture_show_no_key(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.01, rate_500=0.3)
    picture = {"TEXTUAL_SCREENSHOT": "3", "TEXTUAL_SCREENSHOT_LOCATION": str(shell.home / "pictures")}
    (shell.home / "pictures").mkdir()
    child, terminal = pty.fork()
    if child == 0:
        environ = shell.environ(TERM="xterm-256color", COLUMNS="160", LINES="48", **KEYS, **picture)
        os.chdir(shell.home)
        program = [sys.executable, "-m", "dagtui", str(EMAILS), "-g", simulator.url, "-c", "50", "--attempts", "1"]
        os.execve(sys.executable, program, environ)
    shown = b""
    try:
        shown += _until(terminal, b"100 records")
        os.write(terminal, b"\x1b[15~")  # F5
        shown += _until(terminal, b"ended with failures")
        deadline = time.monotonic() + 20
        while not list((shell.home / "pictures").glob("*.svg")):
            assert time.monotonic() < deadline
            shown += _read(terminal)
        os.write(terminal, b"q")
        while data := _read(terminal, 10):
            shown += data
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)
    assert CANARY.encode() not in shown
    assert_nowhere(shell.home)
    assert_private(shell.home / "state")


def _read(terminal: int, seconds: float = 0.2) -> bytes:
    if not select.select([terminal], [], [], seconds)[0]:
        return b""
    try:
        return os.read(terminal, 65536)
    except OSError:  # it has ended
        return b""


def _until(terminal: int, words: bytes) -> bytes:
    seen = b""
    deadline = time.monotonic() + 40
    while words not in seen:
        assert time.monotonic() < deadline, f"{words!r} did not come: {seen[-3000:]!r}"
        seen += _read(terminal)
    return seen
