"""Each is one clear sentence, an exit code, and nothing sent."""

from __future__ import annotations

import socket

import pytest

from tests.e2e.conftest import EMAILS, Shell, Simulator

CASES = {
    "missing": (None, [], 4, "there is no such file"),
    "empty.csv": (b"", [], 4, "empty"),
    "utf16.csv": ("id,content\n1,x\n".encode("utf-16"), [], 4, "iconv -f utf-16"),
    "latin1.csv": (b"id,content\n1,caf\xe9\n", [], 4, "latin1.csv"),
    "ragged.csv": (b"id,content\n1,x\n2,y,z\n", [], 4, "ragged.csv:3"),
    "unclosed.csv": (b'id,content\n1,"x\n2,y\n', [], 4, "line 2"),
    "broken.jsonl": (b'{"content": "x"}\n{"content": \n', [], 4, "broken.jsonl:2"),
    "field.csv": (b"id,contents\n1,x\n", [], 4, '(did you mean "contents"?)'),
    "zero.csv": (b"id,content\n1,x\n", ["-c", "0"], 2, "concurrency"),
    "limit.csv": (b"id,content\n1,x\n", ["--limit", "request=5"], 2, "requests, input, output"),
    "nolimit.csv": (b"id,content\n1,x\n", ["--limit", "requests=0"], 2, "above 0"),
    "ceiling.csv": (b"id,content\n1,x\n", ["-c", "auto", "--ceiling", "0"], 2, "ceiling"),
    "task.csv": (b"id,content\n1,x\n", ["-t", "emial"], 2, '(did you mean "email"?)'),
    "gate.csv": (b"id,content\n1,x\n", ["-g", "portkye"], 2, '(did you mean "portkey"?)'),
    "key.csv": (b"id,content\n1,x\n", ["-g", "portkey"], 5, "PORTKEY_API_KEY"),
    "knob.csv": (b"id,content\n1,x\n", ["--sim", "rate_4299=1"], 2, '(did you mean "rate_429"?)'),
    "out.csv": (b"id,content\n1,x\n", ["-o", "out.csv"], 2, "input"),
    "format.csv": (b"id,content\n1,x\n", ["-o", "x.xlsx"], 2, ".jsonl"),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_sentence_and_nothing_is_sent(shell: Shell, simulator: Simulator, name: str) -> None:
    content, arguments, code, words = CASES[name]
    if content is not None:
        (shell.home / name).write_bytes(content)
    gateway = [] if {"-g", "--sim"} & set(arguments) else ["-g", simulator.url]
    done = shell.run("run", name, *gateway, *arguments)
    told = done.stderr.strip()
    assert words in told
    assert len(told.splitlines()) == 1, told
    assert told.startswith("dagtui: ")
    assert done.returncode == code
    assert done.stdout == ""
    assert simulator.totals()["requests"] == 0
    if content is not None:
        assert (shell.home / name).read_bytes() == content


def test_a_folder_is_not_a_file_of_records(shell: Shell) -> None:
    done = shell.run("run", shell.home)
    assert done.returncode == 4
    assert "folder" in done.stderr


def test_bad_rows_can_be_left_out_and_are_counted(shell: Shell, simulator: Simulator) -> None:
    (shell.home / "rows.jsonl").write_text('{"content": "one"}\nnot json\n{"content": "two"}\n')
    done = shell.run("run", "rows.jsonl", "-g", simulator.url, "--bad-rows", "skip", "-o", "out.jsonl")
    assert done.returncode == 0
    assert "left out: rows.jsonl:2" in done.stderr
    assert simulator.totals()["requests"] == 2


def test_a_port_in_use_is_named(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = shell.run("simulate", "--port", port)
    assert done.returncode == 2
    assert str(port) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_check_says_what_is_missing_and_what_to_do(shell: Shell) -> None:
    done = shell.run("check", EMAILS, "-g", "portkey")
    assert done.returncode == 5
    assert "!!  gateway" in done.stdout
    assert "PORTKEY_API_KEY" in done.stdout
    assert "ok  file" in done.stdout


@pytest.mark.parametrize("name", ["missing", "ragged.csv", "field.csv", "broken.jsonl", "task.csv", "key.csv"])
def test_check_and_run_end_with_the_same_code(shell: Shell, name: str) -> None:
    content, arguments, code, _ = CASES[name]
    if content is not None:
        (shell.home / name).write_bytes(content)
    checked, run = shell.run("check", name, *arguments), shell.run("run", name, *arguments)
    assert checked.returncode == run.returncode == code
    assert "!!" in checked.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("demo", "--headless", "--sim", "bogus=1"), 'no knob "bogus"; dagtui simulate --help'),
        (("simulate", "--sim", "nope=1"), 'no knob "nope"; dagtui simulate --help'),
        (("simulate", "--sim", "rate_4299=1"), 'did you mean "rate_429"'),
        (("demo", "--headless", "--sim", "rate_429=2"), "rate_429 cannot be 2"),
        (("demo", "-g", "http://127.0.0.1:9"), "-g"),
        (("demo", "--bad-rows", "skip"), "--bad-rows"),
    ],
)
def test_what_a_command_does_not_know_is_refused_alike(
    shell: Shell, arguments: tuple[str, ...], told: str
) -> None:
    done = shell.run(*arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_check_is_content_with_the_demo(shell: Shell) -> None:
    done = shell.run("check", EMAILS)
    assert done.returncode == 0
    assert "!!" not in done.stdout
    assert "$0.80 in and $4.00 out" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scenario", "tigth"], '(did you mean "tight"?)'),
        (["-c", "0"], '"concurrency" is 0'),
        (["--scenario", "tight", "--timeout", "0"], '"timeout" is 0'),
    ],
)
def test_a_demo_that_cannot_be_is_one_sentence(shell: Shell, arguments: list[str], words: str) -> None:
    done = shell.run("demo", "--headless", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
