"""Runs that outlive their terminal, as processes: begun, come back to, steered, killed."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import EMAILS, Shell, Simulator
from tests.e2e.test_terminal import Terminal, many_emails

in_a_terminal = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def terminals(shell: Shell) -> Iterator[Callable[[], Terminal]]:
    opened: list[Terminal] = []

    def make() -> Terminal:
        opened.append(Terminal(shell, 160, 48))
        return opened[-1]

    yield make
    for terminal in opened:
        terminal.close()


def folder_of(shell: Shell, run: str) -> Path:
    return shell.home / "state" / "dagtui" / "runs" / run


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def detached(shell: Shell, *arguments: object) -> str:
    """The id of a run that was begun by a command which has ended."""
    done = shell.run("run", "--detach", *arguments)
    assert done.returncode == 0, done.stderr
    [run] = done.stdout.split()
    assert f"dagtui attach {run}" in done.stderr
    assert f"dagtui stop {run}" in done.stderr
    return run


def owner(shell: Shell, run: str) -> int:
    """The process that is the run: it holds its lock."""
    lock = str(folder_of(shell, run) / "journal.db.lock")
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(opened) == lock:
                return int(opened.parts[2])
        except OSError:  # another user's, or gone
            continue
    raise AssertionError("no process holds the run")


@in_a_terminal
@pytest.mark.terminal
def test_a_run_is_come_back_to_steered_by_two_and_completes_without_a_terminal(
    shell: Shell, simulator: Simulator, terminals: Callable[[], Terminal]
) -> None:
    simulator.turn(latency_median_s=0.3, latency_sigma=0)
    out = shell.home / "out.csv"
    first, second = terminals(), terminals()
    first.open("run", "--detach", many_emails(shell.home, 400), "-g", simulator.url, "-c", 10, "-o", out)
    first.until("dagtui attach", "exit code 0")
    run = next(folder_of(shell, "").iterdir()).name
    control = folder_of(shell, run) / "control.sock"
    assert stat.S_IMODE(control.stat().st_mode) == 0o600
    assert stat.S_IMODE(control.parent.stat().st_mode) == 0o700
    first.close()  # the terminal that it was begun in
    second.open("attach", run)
    second.until("attached: many.csv", "10 in flight of 10")
    other = shell.start("attach", "--headless", "--quiet", run)
    second.press("]")
    second.until("20 in flight of 20")
    second.close()  # as a lost connection does
    _, told = other.communicate(timeout=60)
    assert (other.returncode, told) == (0, "")
    until(lambda: not control.exists(), "the run did not let go of its socket")
    with out.open(newline="") as file:
        assert sorted(int(row["id"]) for row in csv.DictReader(file)) == list(range(400))
    assert max(entry["in_flight"] for entry in simulator.entries()) == 20
    ended = shell.run("attach", run)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"dagtui show {run}" in ended.stderr


@in_a_terminal
@pytest.mark.terminal
def test_a_hangup_is_passed_over_a_kill_is_told_and_the_run_goes_on_detached(
    shell: Shell, simulator: Simulator, terminals: Callable[[], Terminal]
) -> None:
    simulator.turn(latency_median_s=0.3, latency_sigma=0)
    run = detached(shell, EMAILS, "-g", simulator.url, "-c", 3)
    terminal = terminals()
    terminal.open("attach", run)
    terminal.until("3 in flight of 3")
    os.kill(owner(shell, run), signal.SIGHUP)
    terminal.press("]")
    terminal.until("6 in flight of 6")
    os.kill(owner(shell, run), signal.SIGKILL)
    terminal.until("stopped", "was killed", f"dagtui resume {run}")
    terminal.press("q")
    terminal.until("exit code 1")
    simulator.turn(latency_median_s=0.01)
    undecided = shell.run("resume", run, "--detach")
    assert undecided.returncode == 2
    assert "--on-ambiguous" in undecided.stderr
    resumed = shell.run("resume", run, "--detach", "--yes")
    assert (resumed.returncode, resumed.stdout) == (0, f"{run}\n")
    assert "perhaps billed" in resumed.stderr
    until(lambda: not (folder_of(shell, run) / "control.sock").exists(), "it did not end")
    with sqlite3.connect(folder_of(shell, run) / "journal.db") as db:
        assert db.execute("SELECT count(DISTINCT seq) FROM outcome WHERE state = 'ok'").fetchone() == (100,)
    db.close()


def test_a_run_that_cannot_begin_says_why_and_leaves_nothing(shell: Shell, simulator: Simulator) -> None:
    missing = shell.run("run", "--detach", "missing.csv", "-g", simulator.url)
    assert (missing.returncode, missing.stdout) == (4, "")
    assert missing.stderr.count("\n") == 1
    assert "missing.csv" in missing.stderr
    keyless = shell.run("run", "--detach", EMAILS, "-g", "portkey")
    assert (keyless.returncode, keyless.stdout) == (5, "")
    assert "PORTKEY_API_KEY" in keyless.stderr
    assert not list(folder_of(shell, "").glob("*"))
    unknown = shell.run("run", "--detach", EMAILS, "-g", simulator.url, "-q", "-m", "no-such-model")
    assert (unknown.returncode, unknown.stdout) == (2, ""), unknown.stderr
    assert "no-such-model" in unknown.stderr


def test_it_is_stopped_from_another_command(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.3, latency_sigma=0)
    run = detached(shell, EMAILS, "-g", simulator.url, "-c", 2)
    watching = shell.start("attach", "--headless", run)
    stopped = shell.run("stop", run)
    assert (stopped.returncode, stopped.stderr) == (0, "")
    _, told = watching.communicate(timeout=60)
    assert watching.returncode == 130
    assert "drained from another terminal" in told


def test_a_run_whose_journal_lies_elsewhere_is_watched_and_stopped_by_its_process(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.3, latency_sigma=0)
    journal = shell.home / "mine.db"
    begun = shell.run("run", "--detach", EMAILS, "-g", simulator.url, "-c", 2, "--journal", journal)
    assert begun.returncode == 0, begun.stderr
    [pid] = re.findall(r"to stop it: kill (\d+)", begun.stderr)
    watching = shell.start("attach", "--headless", journal)
    assert watching.stderr is not None
    assert "attached: emails.csv" in watching.stderr.readline()
    os.kill(int(pid), signal.SIGTERM)
    watching.communicate(timeout=60)
    assert watching.returncode == 130
    assert stat.S_IMODE((shell.home / "mine.db.log").stat().st_mode) == 0o600
