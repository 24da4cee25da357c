"""The program in a real terminal, driven by keys, judged by what the screen shows and the ledger says."""

from __future__ import annotations

import csv
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import EMAILS, Shell, Simulator

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


class Terminal:
    """A tmux session of its own."""

    def __init__(self, shell: Shell, width: int, height: int) -> None:
        self._tmux = ["tmux", "-L", f"dagtui-{os.getpid()}-{time.monotonic_ns()}", "-f", "/dev/null"]
        self._shell = shell
        self._size = ("-x", str(width), "-y", str(height))

    def open(self, *arguments: object) -> None:
        """Run the program; its exit code is shown when it ends."""
        words = " ".join(f"'{word}'" for word in (sys.executable, "-m", "dagtui", *map(str, arguments)))
        command = f"{words}; code=$?; echo; echo exit code $code; sleep 600"
        environ = self._shell.environ(TERM="xterm-256color", LANG="C.UTF-8")
        subprocess.run(
            [*self._tmux, "new-session", "-d", *self._size, command], env=environ, cwd=self._shell.home, check=True
        )

    def press(self, *keys: str) -> None:
        subprocess.run([*self._tmux, "send-keys", *keys], check=True)

    def screen(self) -> str:
        return subprocess.run(
            [*self._tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True
        ).stdout

    def until(self, *words: str, within: float = 20.0) -> str:
        """The screen, once it shows all of `words`."""
        deadline = time.monotonic() + within
        while True:
            shown = self.screen()
            if all(word in shown for word in words):
                return shown
            assert time.monotonic() < deadline, f"{words} did not appear:\n{shown}"
            time.sleep(0.03)

    def pid(self) -> int:
        """The program's process."""
        asked = [*self._tmux, "display-message", "-p", "#{pane_pid}"]
        shell = int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
        return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False)


@pytest.fixture
def terminal(shell: Shell) -> Iterator[Terminal]:
    opened = Terminal(shell, 160, 48)
    yield opened
    opened.close()


@pytest.fixture
def small_terminal(shell: Shell) -> Iterator[Terminal]:
    opened = Terminal(shell, 80, 24)
    yield opened
    opened.close()


def many_emails(folder: Path, count: int) -> Path:
    path = folder / "many.csv"
    with EMAILS.open(newline="") as source, path.open("w", newline="") as target:
        samples = [row["content"] for row in csv.DictReader(source)]
        writer = csv.writer(target)
        writer.writerow(["id", "content"])
        writer.writerows((i, f"{samples[i % 100]} ({i})") for i in range(count))
    return path


def in_flight_peaks(simulator: Simulator) -> list[tuple[float, int]]:
    """(arrival, requests in flight at the server, this one included)."""
    return [(entry["received_at"], entry["in_flight"]) for entry in simulator.entries()]


def test_somebody_picks_the_sample_by_keys_sets_a_concurrency_and_sees_the_report(terminal: Terminal) -> None:
    terminal.open()
    terminal.until("Pick a file")
    terminal.press("F2")
    terminal.until("emails.csv")
    terminal.press("Down", "Enter")
    terminal.until("100 records")
    terminal.press("F5")
    terminal.until("in flight of 10")
    terminal.press("]")
    terminal.until("in flight of 20")
    terminal.press("-")
    terminal.until("in flight of 19")
    shown = terminal.until("Succeeded", "100  (100.0% of 100 records)", "newsletter")
    assert "100 requests" in shown
    terminal.press("q")
    terminal.until("exit code 0")


def test_the_ledger_follows_the_dial_up_and_down_and_never_passes_the_target(
    terminal: Terminal, shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.5, latency_sigma=0)
    terminal.open(many_emails(shell.home, 2000), "-g", simulator.url)
    terminal.until("2,000 records")
    terminal.press("F5")
    terminal.until("10 in flight of 10")
    terminal.press("t", "8", "0", "Enter")
    terminal.until("80 in flight of 80")
    terminal.press("t", "5", "Enter")
    terminal.until(" 5 in flight of 5")
    before = [count for _, count in in_flight_peaks(simulator)]
    assert max(before) == 80
    seen = len(before)
    terminal.press("d")
    terminal.until("drained", "Succeeded")
    after = [count for _, count in in_flight_peaks(simulator)][seen:]
    assert all(count <= 5 for count in after)
    terminal.press("q")
    terminal.until("exit code 130")


def test_it_is_whole_in_a_small_terminal(small_terminal: Terminal, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.5)
    small_terminal.open(EMAILS, "-g", simulator.url)
    small_terminal.until("100 records", "concurrency", "F5 Start")
    small_terminal.press("F5")
    shown = small_terminal.until("in flight of 10", "/s", "spent", "work", "done", "log")
    assert all(len(line) <= 80 for line in shown.splitlines())
    small_terminal.press("p")
    small_terminal.until("paused")
    small_terminal.press("c")
    small_terminal.until("abandon")
    small_terminal.press("y")
    small_terminal.until("cancelled")
    small_terminal.press("q")
    small_terminal.until("exit code 130")


def test_a_story_is_told_from_its_first_chapter_to_the_report(terminal: Terminal) -> None:
    terminal.open("demo", "--story", "--pace", "8")
    terminal.until("story tour 1 of 9", "Far below any limit")
    terminal.until("2 of 9", "A limit: 3,000 a minute", "in flight of 60")
    terminal.until("3 of 9", "The limit halves")
    terminal.press("\\;")  # tmux has a use for a bare one
    terminal.until("‖ held", "provider: requests a minute 3,000 -> 1,500")
    terminal.press("F")
    terminal.until("faults, of all requests", "‹    1,500›*")
    terminal.press("Escape")
    terminal.press(",")
    terminal.until("2 of 9", "‖ held", "provider: requests a minute 1,500 -> 3,000")
    terminal.press("\\;")
    terminal.until("4 of 9", "A flaky provider")
    terminal.until("5 of 9", "An outage", "nothing answers")
    terminal.until("6 of 9", "And back")
    terminal.until("7 of 9", "A slow tail")
    terminal.until("8 of 9", "Automatic", "automatic")
    terminal.until("9 of 9", "The end")
    shown = terminal.until("Succeeded", within=60)
    assert "(100.0% of 1,375 records)" in shown
    terminal.press("End")
    terminal.until("simulator's ledger")
    terminal.press("q")
    terminal.until("exit code 0")


def test_a_speaker_plays_a_whole_demonstration(terminal: Terminal) -> None:
    terminal.open(
        "demo", "--scenario", "tight", "--sim", "latency_median_s=3", "--sim", "rate_500=0.3", "-c", "10"
    )
    terminal.until("in flight of 10", "requests · all")
    terminal.press("+")
    terminal.until("in flight of 11")
    terminal.press("-", "t")
    terminal.until("target ▸")
    terminal.press("2", "0", "Enter")
    terminal.until("in flight of 20")
    terminal.press("a")
    terminal.until("automatic")
    terminal.press("/", *"done", "Enter")
    terminal.until("requests · done", "■ done", "g Triage")  # the line to type in is gone
    terminal.press("Home", "Enter")
    terminal.until("attempts", "parsed fields", "esc Back")
    terminal.press("Escape")
    terminal.until("requests · done")
    terminal.press("Escape")
    terminal.until("requests · all")
    terminal.press("1", "1")
    terminal.until("esc All panels", "p99")
    terminal.press("Escape")
    terminal.until("╭─ 9 map")  # or the terminal takes the two for one key
    terminal.press("T")
    terminal.until("theme · 1 of")
    terminal.press("Down", "q")
    terminal.until("╭─ 9 map", "g Triage")
    terminal.press("g")
    terminal.until("causes · all", "server", "r Retry now")
    terminal.press("p")
    terminal.until("paused")
    terminal.press("p")
    terminal.until("▶ running")
    terminal.press("Escape")
    terminal.until("▶ running", "╭─ 1 dial")
    terminal.press("E")
    terminal.until("paused while you edit")
    terminal.press("Escape")
    terminal.until("▶ running", "╭─ 1 dial")
    terminal.press("]")
    terminal.until("in flight of")
    terminal.press("c")
    terminal.until("Abandon")
    terminal.press("y")
    terminal.until("cancelled", "Succeeded")
    terminal.press("q")
    assert "dagtui resume" in terminal.until("exit code 130")


def test_in_a_small_terminal_faults_are_turned_and_a_scenario_is_played(small_terminal: Terminal) -> None:
    small_terminal.open("demo", "--scenario", "tight", "--sim", "latency_median_s=2", "-c", "10")
    small_terminal.until("in flight of 10")
    small_terminal.press("F")
    small_terminal.until("requests a minute", "‹    3,000›", "tight")
    small_terminal.press("Left")
    small_terminal.until("‹    2,000›*")
    small_terminal.press("6", "0", "Enter")
    small_terminal.until("‹       60›*")
    small_terminal.press(*["Up"] * 11, "Enter")  # from the first knob over the last scenario to the second
    shown = small_terminal.until("next 0:")
    assert all(len(line) <= 80 for line in shown.splitlines())
    small_terminal.press("Escape")
    small_terminal.until("provider: requests a minute 60 -> 3,000")
    small_terminal.press("q")
    small_terminal.until("cancel and quit")
    small_terminal.press("c")
    small_terminal.until("exit code 130")


def test_sigterm_drains_and_gives_the_terminal_back(terminal: Terminal, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.5, latency_sigma=0)
    terminal.open(EMAILS, "-g", simulator.url)
    terminal.until("100 records")
    terminal.press("F5")
    terminal.until("10 in flight of 10")
    os.kill(terminal.pid(), signal.SIGTERM)
    terminal.until("exit code 130")
    terminal.press("echo", "Space", "typed")
    terminal.until("echo typed")
    ledger = simulator.totals()
    assert ledger["by_status"]["200"] == ledger["requests"]


def test_a_hostile_record_and_answer_reach_the_screen_only_as_text(
    terminal: Terminal, shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.05)
    path = shell.home / "hostile.jsonl"
    record = {"id": "[/b]\x1b]0;OWNED\x07\x1b[2J", "content": "[@click=app.quit]x[/] \x1b[31m"}
    path.write_text(json.dumps(record) + "\n")
    terminal.open(path, "-g", simulator.url)
    terminal.until("1 record")
    terminal.press("F5")
    terminal.until("Succeeded", "1  (100.0% of 1 record)")
    terminal.press("Escape")
    shown = terminal.until("[/b]␛]0;OWN")
    assert "\x1b" not in shown


def test_a_terminal_that_stops_reading_does_not_stop_the_run(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.3, latency_sigma=0)
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(shell.environ(TERM="xterm-256color", COLUMNS="160", LINES="48"))
        os.chdir(shell.home)
        program = [sys.executable, "-m", "dagtui", str(many_emails(shell.home, 300)), "-g", simulator.url]
        os.execv(sys.executable, program)
    try:
        read_until(terminal, b"300 records")
        os.write(terminal, b"\x1b[15~")  # F5
        deadline = time.monotonic() + 40  # 300 records, ten at a time, 0.3 s each: nine seconds, unread
        while simulator.totals()["by_status"].get("200", 0) < 300:
            assert time.monotonic() < deadline, simulator.totals()
            time.sleep(0.1)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def read_until(terminal: int, words: bytes) -> None:
    """Read what the terminal shows until `words` have come."""
    seen = b""
    while words not in seen:
        assert select.select([terminal], [], [], 20)[0], f"{words!r} did not come"
        seen += os.read(terminal, 65536)
