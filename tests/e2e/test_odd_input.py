"""Files with odd names and of odd kinds, rows that are bad or stand twice, and answers of half a character."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.conftest import Shell, Simulator

ROWS = "id,content\n1,hello\n2,bye\n"


@pytest.mark.parametrize(
    "name",
    [b"line\nbreak.csv", b"caf\xe9.csv", b"--help.csv", b"-", b"a b'\"$(id).csv", b"\x1b[31mred.csv"],
    ids=repr,
)
def test_a_file_with_an_odd_name_is_run_and_named_on_one_harmless_line(
    shell: Shell, simulator: Simulator, name: bytes
) -> None:
    simulator.turn(latency_median_s=0.01, rate_500=1)
    path = os.path.join(os.fsencode(shell.home), name)
    Path(os.fsdecode(path)).write_text(ROWS)
    options = ["-g", simulator.url, "--format", "csv", "--attempts", 1, "-o", "out.csv"]
    done = shell.run("run", *options, "--", f"./{os.fsdecode(name)}")
    assert done.returncode == 3, done.stderr
    title = done.stderr.split("\n")[0]
    assert "concurrency" in title
    assert title.isprintable()
    assert len((shell.home / "out.csv").read_text().splitlines()) == 3


def test_a_broken_file_with_an_odd_name_is_one_line(shell: Shell) -> None:
    for name in ("line\nbreak.csv", os.fsdecode(b"caf\xe9.csv"), "\x1b[31m.csv"):
        (shell.home / name).write_text("a,a\n1,2\n")
        done = shell.run("run", name, "-g", "demo")
        assert done.returncode == 4
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.strip().isprintable()


def test_what_is_no_file_is_refused_at_once(shell: Shell) -> None:
    os.mkfifo(shell.home / "fifo")
    (shell.home / "loop").symlink_to(shell.home / "loop")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(shell.home / "socket"))
        for name in ("fifo", "loop", "socket", "/dev/zero", "/dev/tty", ".", "/proc/self/mem"):
            done = shell.run("run", name, "-g", "demo")
            assert done.returncode == 4, (name, done.stderr)
            assert len(done.stderr.splitlines()) == 1, done.stderr


def test_three_bad_rows_of_many_stop_the_run_before_anything_is_sent_or_are_left_out(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.001, latency_sigma=0)
    rows = [json.dumps({"id": number, "content": f"email {number}"}) for number in range(300)]
    for number in (7, 150, 299):
        rows[number] = rows[number][:-3]
    (shell.home / "many.jsonl").write_text("\n".join(rows))
    refused = shell.run("run", "many.jsonl", "-g", simulator.url, "-o", "out.jsonl")
    assert refused.returncode == 4
    assert "many.jsonl:8:" in refused.stderr
    assert "(2 more cannot be read either)" in refused.stderr
    assert simulator.totals()["requests"] == 0
    assert not (shell.home / "out.jsonl").exists()
    done = shell.run("run", "many.jsonl", "-g", simulator.url, "-o", "out.jsonl", "--bad-rows", "skip", "-c", 50)
    assert done.returncode == 0
    assert [line.split(":")[2] for line in done.stderr.splitlines() if "left out: " in line] == ["8", "151", "300"]
    assert len((shell.home / "out.jsonl").read_text().splitlines()) == 297


@pytest.mark.parametrize("content", ["", "\n \n\n", "id,content\n"], ids=["empty", "blank", "header"])
def test_a_file_without_records_leaves_nothing_behind(shell: Shell, content: str) -> None:
    (shell.home / "none.csv").write_text(content)
    assert shell.run("run", "none.csv", "-g", "demo").returncode == 4
    assert [path.name for path in shell.home.rglob("*")] == ["none.csv"]


def test_ids_that_stand_twice_are_told_and_every_record_is_asked(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.01)
    (shell.home / "twice.csv").write_text("id,content\n1,a\n2,b\n1,c\n\n2,d\n3,e\n")
    done = shell.run("run", "twice.csv", "-g", simulator.url, "-o", "out.csv")
    assert done.returncode == 0
    told = 'twice.csv: 2 ids stand more than once, such as "1" at line 4'
    assert told in done.stderr
    assert simulator.totals()["requests"] == 5
    assert len((shell.home / "out.csv").read_text().splitlines()) == 6
    assert told in shell.run("check", "twice.csv", "-g", "demo").stdout


def test_ids_name_no_files(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.01, rate_500=0.5)
    ids = ["../../escaped", "/tmp/escaped", "a/b", "nul\0", "x" * 300, "..", "con", "-rf", "~", "a\nb"]
    (shell.home / "ids.jsonl").write_text("\n".join(json.dumps({"id": name, "content": "x"}) for name in ids))
    done = shell.run("run", "ids.jsonl", "-g", simulator.url, "--attempts", 1, "-o", "out.jsonl", "--forget")
    assert done.returncode in (0, 3), done.stderr
    rows = [json.loads(line) for line in (shell.home / "out.jsonl").read_text().splitlines()]
    assert sorted(row["dagtui_id"] for row in rows) == sorted(ids)
    made = {path.name for path in shell.home.rglob("*") if path.is_file()}
    assert {name for name in made if any(part in name for part in ("escaped", "xxx", "con", "-rf"))} == set()
    assert {"ids.jsonl", "out.jsonl"} <= made


class _Halved(BaseHTTPRequestHandler):
    """Answers with half a character, a clear screen and a tag."""

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        text = "half \ud83d \x1b[2J[/b]"
        content = {"type": "message", "model": "m", "role": "assistant", "stop_reason": "end_turn"}
        usage = {"input_tokens": 1, "output_tokens": 1}
        self._answer({**content, "content": [{"type": "text", "text": text}], "usage": usage})

    def _answer(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@contextlib.contextmanager
def halved() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Halved)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


TASK = """name = "say"
[model]
provider = "anthropic"
name = "claude-3-5-haiku-20241022"
[ask]
prompt = "{content}"
"""


@pytest.mark.parametrize("output", [(), ("--json",), ("--output-format", "csv"), ("-o", "out.jsonl")])
def test_an_answer_of_half_a_character_is_kept_and_stops_nothing(shell: Shell, output: tuple[str, ...]) -> None:
    (shell.home / "rows.csv").write_text(ROWS)
    (shell.home / "say.toml").write_text(TASK)
    with halved() as url:
        done = shell.run("run", "rows.csv", "-t", "say.toml", "-g", url, *output)
    assert done.returncode == 0, done.stderr
    kept = (shell.home / "out.jsonl").read_text() if "-o" in output else done.stdout
    assert kept.count("half \\ud83d") >= 2
    assert "\x1b" not in done.stderr
    if "--output-format" not in output:
        assert all(json.loads(line) for line in kept.splitlines())


def test_a_stream_that_is_no_utf8_gets_escapes(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.01)
    (shell.home / "rows.csv").write_text("id,content\n1,日本語\n", "utf-8")
    done = shell.run("run", "rows.csv", "-g", simulator.url, PYTHONIOENCODING="ascii:strict")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["content"] == "日本語"
