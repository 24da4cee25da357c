"""The disk, the process and the clock fail: what the program says, keeps, and goes on with.

`docs/failures-process.md` lists the rows of the table and their tests.
"""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import EMAILS, Shell, Simulator
from tests.e2e.test_main_job import wait_until

DAGTUI = [sys.executable, "-m", "dagtui"]


def records(shell: Shell, count: int) -> str:
    lines = (json.dumps({"content": f"Hello {i}, how are you?"}) + "\n" for i in range(count))
    (shell.home / "in.jsonl").write_text("".join(lines))
    return "in.jsonl"


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def assert_each_once(path: Path, count: int) -> None:
    found = [row["dagtui_id"] for row in rows(path) if row["dagtui_status"] == "ok"]
    assert sorted(map(int, found)) == list(range(1, count + 1))


def journal(shell: Shell) -> Path:
    return next(shell.home.glob("state/dagtui/runs/*/journal.db"))


def command(*arguments: object) -> str:
    return shlex.join(map(str, (*DAGTUI, *arguments)))


def in_a_world_of_its_own(shell: Shell, script: str) -> subprocess.CompletedProcess[str]:
    """A shell script as root of a mount namespace."""
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=shell.home,
        env=shell.environ(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=90,
    )
    if done.stderr.startswith("unshare:"):
        pytest.skip("no namespaces here")
    return done


def test_a_disk_that_fills_up_stops_the_sending_and_loses_no_answer(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.02, latency_sigma=0)
    run = command("run", records(shell, 400), "-g", simulator.url, "-c", 10, "-q", "--journal", "disk/journal.db")
    script = f"""
        mkdir disk && mount -t tmpfs -o size=5m none disk || exit 99
        {run}; echo "code $?"
        {command("export", "disk/journal.db", "-o", "before.jsonl", "--without-input")}
        mount -o remount,size=64m disk
        {command("resume", "disk/journal.db", "--headless", "-q", "--on-ambiguous", "retry", "-o", "out.jsonl")}
        echo "code $?"
    """
    done = in_a_world_of_its_own(shell, script)
    assert done.stdout.splitlines()[-2:] == ["code 1", "code 0"], done.stdout[-300:] + done.stderr
    assert "disk/journal.db: the disk is full; make room, and go on with dagtui resume." in done.stderr
    assert "Traceback" not in done.stderr
    assert_each_once(shell.home / "out.jsonl", 400)
    assert 0 < len(rows(shell.home / "before.jsonl")) < 400
    assert simulator.totals()["by_status"] == {"200": 400}  # nothing was asked twice


def test_an_export_that_finds_no_room_leaves_the_old_file_as_it_was(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.01)
    assert shell.run("run", EMAILS, "-g", simulator.url, "-c", 50, "-q", "-o", "out.jsonl").returncode == 0
    script = f"""
        mkdir disk && mount -t tmpfs -o size=12k none disk && echo "an older one" > disk/out.jsonl || exit 99
        {command("export", "-o", "disk/out.jsonl", "--overwrite")}; echo "code $?"
        cat disk/out.jsonl; ls -A disk
    """
    done = in_a_world_of_its_own(shell, script)
    assert done.stdout.splitlines() == ["code 1", "an older one", "out.jsonl"]
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("option", ["--journal", "-o"])
@pytest.mark.parametrize("place", ["disk/new.jsonl.db", "missing/new.jsonl.db"])
def test_a_place_that_cannot_be_written_is_refused_before_the_first_request(
    shell: Shell, simulator: Simulator, option: str, place: str
) -> None:
    place = place if option == "--journal" else place.removesuffix(".db")
    run = command("run", records(shell, 5), "-g", simulator.url, "-q", option, place)
    done = in_a_world_of_its_own(shell, f"mkdir disk && mount -t tmpfs -o ro none disk || exit 99; {run}")
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert place in done.stderr
    assert simulator.totals()["requests"] == 0


def test_a_journal_that_is_deleted_is_copied_and_the_copy_is_gone_on_with(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.3, latency_sigma=0)
    process = shell.start("run", records(shell, 300), "-g", simulator.url, "-c", 20, "-q", "-o", "out.jsonl")
    assert wait_until(lambda: simulator.totals()["requests"] >= 40)
    journal(shell).unlink()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "the journal was deleted or replaced while the run wrote it; all that it held is in" in err
    [copy] = shell.home.rglob("*rescued*.db")
    paid = simulator.totals()["by_status"]["200"]
    assert paid < 300
    done = shell.run("resume", copy, "--headless", "-q", "--on-ambiguous", "retry")
    assert done.returncode == 0, done.stderr
    assert_each_once(shell.home / "out.jsonl", 300)
    assert simulator.totals()["by_status"] == {"200": 300}


def test_a_damaged_journal_is_one_sentence_for_every_command_and_left_alone(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.01)
    assert shell.run("run", EMAILS, "-g", simulator.url, "-c", 50, "-q", "-o", "out.jsonl").returncode == 0
    path = journal(shell)
    content = bytearray(path.read_bytes())
    content[8192:16384] = b"\xff" * 8192
    path.write_bytes(content)
    for words in (("resume", "--dry-run"), ("export", "-o", "again.jsonl")):
        done = shell.run(*words)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert "the journal is damaged" in done.stderr
    listed = shell.run("runs")
    assert listed.returncode == 0
    assert "unreadable" in listed.stdout
    assert path.read_bytes() == bytes(content)


def test_a_second_process_at_a_run_is_refused_at_once(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.5)
    process = shell.start("run", records(shell, 100), "-g", simulator.url, "-c", 2, "-q", "-o", "out.jsonl")
    try:
        assert wait_until(lambda: simulator.totals()["requests"] >= 2)
        for words in (("resume", "--headless", "-y"), ("rm", "2")):
            second = shell.run(*words)
            assert (second.returncode, len(second.stderr.splitlines())) == (2, 1), second.stderr
        assert "running" in shell.run("runs").stdout
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
    assert "killed" in shell.run("runs").stdout


@pytest.mark.parametrize("times", [2, 3])
def test_a_second_interrupt_abandons_what_is_in_flight_and_a_third_ends_whatever_hangs(
    shell: Shell, simulator: Simulator, times: int
) -> None:
    simulator.turn(latency_median_s=300, latency_sigma=0)
    process = shell.start("run", records(shell, 50), "-g", simulator.url, "-c", 10, "-q", "-o", "out.jsonl")
    assert wait_until(lambda: simulator.totals()["requests"] >= 10)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        wait_until(lambda: process.poll() is not None, 0.2)  # two signals at once would be one
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130, err
    told = json.loads(shell.run("resume", "--dry-run", "--json").stdout)["contract"]
    assert [one["record"] for one in told["in_flight"]] == [str(number) for number in range(1, 11)]


def test_a_program_that_was_stopped_for_longer_than_the_timeout_blames_nobody(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.3, latency_sigma=0)
    arguments = ("-g", simulator.url, "-c", 100, "-q", "-o", "out.jsonl", "--timeout", 1.5)
    process = shell.start("run", records(shell, 250), *arguments)
    assert wait_until(lambda: simulator.totals()["requests"] >= 120)
    process.send_signal(signal.SIGSTOP)
    time.sleep(2.5)  # longer than the timeout
    process.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert_each_once(shell.home / "out.jsonl", 250)
    assert simulator.totals()["by_status"] == {"200": 250}


def test_fewer_open_files_than_requests_wanted_is_told_and_lived_with(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.3, latency_sigma=0)
    run = command("run", records(shell, 600), "-g", simulator.url, "-c", 500, "-o", "out.jsonl")
    script = f"ulimit -n 256; exec {run}"  # both limits, so that it cannot be raised
    done = subprocess.run(
        ["sh", "-c", script], cwd=shell.home, env=shell.environ(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "this system allows 256 open files" in done.stderr
    assert_each_once(shell.home / "out.jsonl", 600)
    assert 100 < simulator.totals()["in_flight_max"] < 256
    assert simulator.totals()["by_status"] == {"200": 600}


BLOCKING = """
import time
from dagtui import Plugin, Dimension, ProviderChoice

class Slow(Plugin):
    name = "slow"
    dimensions = [Dimension("ask")]

    def create_prompt(self, ctx):
        if ctx.record["content"].startswith("Hello 30,"):
            time.sleep(2)
        return ctx.record["content"]

    def select_provider(self, ctx):
        return ProviderChoice("anthropic", "claude-3-5-haiku-20241022")
"""


def test_a_plugin_that_blocks_the_loop_for_two_seconds_costs_two_seconds(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.2, latency_sigma=0)
    (shell.home / "slow.py").write_text(BLOCKING)
    arguments = ("-t", "slow.py:Slow", "-g", simulator.url, "-c", 20, "-q", "-o", "out.jsonl", "--timeout", 1.5)
    done = shell.run("run", records(shell, 60), *arguments)
    assert done.returncode == 0, done.stderr
    assert_each_once(shell.home / "out.jsonl", 60)
    assert simulator.totals()["by_status"] == {"200": 60}


@pytest.mark.parametrize("term", ["dumb", ""])
def test_where_the_terminal_can_do_nothing_the_story_is_told_in_lines(
    shell: Shell, simulator: Simulator, term: str
) -> None:
    simulator.turn(latency_median_s=0.01)
    done = shell.run("run", EMAILS, "-g", simulator.url, "-c", 50, "-o", "out.jsonl", TERM=term)
    assert done.returncode == 0
    assert "\x1b" not in done.stderr
    assert "Succeeded     100" in done.stderr
