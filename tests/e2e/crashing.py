"""Kills the program at random moments and resumes it until the run is done; the simulator's ledger is the judge.

A campaign is one run of the program, with several kills. `benchmarks/crash.py` runs many of them.
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.conftest import KEY, Shell, Simulator, ask

GRACE_S = 0.05
"""Answers may be this long on their way to the disk: what was told before that must be there."""

_RESUME = ("resume", "--json", "-q", "--headless", "--on-ambiguous", "retry", "--stale", "redo", "-y")


def target_of(simulator: Simulator, gateway: str | None) -> list[str]:
    """The options that name the way: through the real gateway at `gateway`, or not. It forwards the trace id."""
    if gateway is None:
        return ["-g", simulator.url]
    config = {
        "provider": "anthropic",
        "request_timeout": 60_000,
        "custom_host": f"{simulator.url}/v1",
        "forward_headers": ["x-portkey-trace-id"],
    }
    return ["-g", f"{gateway}/v1", "--portkey-config", json.dumps(config)]


@dataclass
class Kill:
    """One session that did not come to its end, and what the books say of it.

    `lost` were seen to be answered `GRACE_S` before the end and are not in the journal; `late` is how long before
    the end the oldest answer was had that is not there. `paid` were answered by the provider without a trace in
    the journal, so they are paid twice once they are asked again; `listed` is the contract of the resume.
    """

    session: int
    at: float
    signal: int
    acknowledged: int
    lost: set[int]
    late: float = 0.0
    in_flight: int = 0
    just_answered: int = 0
    paid: set[int] = field(default_factory=set)
    listed: set[int] | None = None
    unlisted: set[int] = field(default_factory=set)


@dataclass
class Verdict:
    """One run from its first session to its last."""

    kills: list[Kill]
    records: int
    problems: list[str]


class _Told:
    """What the program says on stdout, read as it comes: a pipe that is full would hold it up."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines: list[tuple[float, str]] = []
        self.begun = threading.Event()
        self._stream = process.stdout
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self._stream is not None
        with self._stream as lines:
            for line in lines:
                self.lines.append((time.time(), line))
                if '"running"' in line:
                    self.begun.set()
        self.begun.set()

    def events(self) -> list[dict[str, Any]]:
        """Once the program has ended. The last line may be torn."""
        self._thread.join(20)
        return [{**json.loads(line), "seen": at} for at, line in self.lines if line.endswith("\n")]


class Campaign:
    """One run, killed up to `kills` times. `target` are the options that name the gateway."""

    def __init__(
        self,
        folder: Path,
        simulator: Simulator,
        target: Sequence[object],
        draw: random.Random,
        *,
        records: int,
        in_flight: int,
    ) -> None:
        self.shell = Shell(folder)
        self.simulator = simulator
        self.draw = draw
        self.records = records
        self.in_flight = in_flight
        self.kills: list[Kill] = []
        self.problems: list[str] = []
        self._target = target
        self._sessions = 0  # that have begun, as the journal counts them
        lines = (json.dumps({"content": f"Hello {i}, how are you?"}) + "\n" for i in range(records))
        (folder / "in.jsonl").write_text("".join(lines))

    def run(self, kills: int, longest: float) -> Verdict:
        """Kill it `kills` times, each at most `longest` seconds after its first request, and let it end."""
        ask(f"{self.simulator.url}/sim/ledger", "DELETE")
        arguments = ("run", "in.jsonl", *self._target, "-c", self.in_flight, "-o", "out.jsonl", "--json", "-q")
        done = self._one(arguments, longest if kills else None)
        while not done:
            done = self._one(_RESUME, longest if len(self.kills) < kills else None)
        self._judge()
        return Verdict(self.kills, self.records, self.problems)

    # --- one session ---

    def _one(self, arguments: Iterable[object], longest: float | None) -> bool:
        """One session; whether it came to its end by itself."""
        process = self.shell.start(*arguments, ANTHROPIC_API_KEY=KEY)
        told = _Told(process)
        sent = None if longest is None else self._end_at_random(process, told, longest)
        if sent is None and longest is None:
            process.wait(120)
        killed = time.time()
        code = process.wait(60)
        assert process.stderr is not None
        with process.stderr:
            said = process.stderr.read()
        events = told.events()
        if self.kills and events and "contract" in events[0]:
            self.kills[-1].listed = self._listed(events[0]["contract"])
        before, self._sessions = self._sessions, self._known_sessions()
        if code == 0:
            return True
        if sent is None:
            raise AssertionError(f"the program ended with {code}: {said}")
        if self._sessions > before:
            self._note(events, killed, sent)
        return False

    def _end_at_random(self, process: subprocess.Popen[str], told: _Told, longest: float) -> int | None:
        """Kill it, now and then while it still begins, now and then by Ctrl+C twice."""
        draw, how = self.draw, signal.SIGKILL
        if self._sessions and draw.random() < 0.15:
            time.sleep(draw.uniform(0.1, 0.6))
        else:
            told.begun.wait(60)
            time.sleep(draw.uniform(0.05, longest))
            if draw.random() < 0.1:
                how = signal.SIGINT
        if process.poll() is not None:
            return None
        process.send_signal(how)
        if how == signal.SIGINT:
            time.sleep(0.05)
            process.send_signal(how)
        return how

    def _note(self, events: list[dict[str, Any]], killed: float, sent: int) -> None:
        """Right after the kill: is everything that was told in the journal?"""
        told = {
            event["seq"]: event
            for event in events
            if event.get("event") == "RequestEnded" and event["outcome"]["outcome"] == "success"
        }
        missing = told.keys() - self._answered()
        sure = {seq for seq, event in told.items() if event["seen"] < killed - GRACE_S}
        late = max((killed - told[seq]["time"] for seq in missing), default=0.0)
        self.kills.append(Kill(self._sessions, killed, sent, len(sure), sure & missing, late))

    # --- the journal, by plain SQL ---

    @property
    def journal(self) -> Path:
        return next(self.shell.home.glob("state/dagtui/runs/*/journal.db"))

    def _asked(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"{self.journal.as_uri()}?mode=ro", uri=True)) as db:
            return db.execute(query).fetchall()

    def _known_sessions(self) -> int:
        return self._asked("SELECT count(*) FROM session")[0][0]

    def _answered(self) -> set[int]:
        return {seq for (seq,) in self._asked("SELECT seq FROM outcome WHERE state = 'ok'")}

    def _listed(self, contract: dict[str, Any]) -> set[int]:
        """The requests that the contract calls ambiguous. Ids here are the records' numbers, from 1."""
        named = {int(one["record"]) - 1 for kind in ("in_flight", "perhaps_sent") for one in contract[kind]}
        # The next of the input are unread; the session that tells has not read on when it tells.
        [(read,)] = self._asked(
            f"SELECT count(*) FROM record WHERE read_at < (SELECT started_at FROM session"
            f" WHERE number = {self._sessions + 1})"
            if self._known_sessions() > self._sessions
            else "SELECT count(*) FROM record"
        )
        return named | set(range(read, read + contract["perhaps_sent_unread"]))

    # --- the verdict ---

    def _judge(self) -> None:
        while self.simulator.totals()["in_flight"]:
            time.sleep(0.05)  # the gateway works on what a killed program has asked for
        entries = self.simulator.entries()
        kept: dict[int, set[int]] = {}
        for session, seq in self._asked("SELECT session, seq FROM outcome WHERE state = 'ok'"):
            kept.setdefault(session, set()).add(seq)
        paid: dict[int, set[int]] = {}
        for entry in entries:
            if entry["status"] == 200:
                session, seq = _place(entry["trace_id"])
                paid.setdefault(session, set()).add(seq)
        owed: set[int] = set()  # paid for, and no answer yet
        for kill in self.kills:
            mine = [entry for entry in entries if _place(entry["trace_id"])[0] == kill.session]
            kill.in_flight = sum(entry["ended_at"] > kill.at for entry in mine)
            kill.just_answered = sum(kill.at - GRACE_S < entry["ended_at"] <= kill.at for entry in mine)
            kill.paid = paid.get(kill.session, set()) - kept.get(kill.session, set())
            owed = (owed | kill.paid) - kept.get(kill.session, set())
            if kill.listed is not None:
                kill.unlisted = owed - kill.listed
        self._check_sessions(kept, paid)
        self._check_results()

    def _check_sessions(self, kept: dict[int, set[int]], paid: dict[int, set[int]]) -> None:
        known: set[int] = set()
        for session in range(1, self._sessions + 1):
            if again := known & paid.get(session, set()):
                self.problems.append(f"session {session} paid again for answers on disk: {sorted(again)[:9]}")
            if twice := known & kept.get(session, set()):
                self.problems.append(f"session {session} has second outcomes: {sorted(twice)[:9]}")
            known |= kept.get(session, set())
        if known != set(range(self.records)):
            self.problems.append(f"{self.records - len(known)} records have no answer in the end")

    def _check_results(self) -> None:
        exported = self.shell.run("export", "last", "-o", "export.jsonl")
        if exported.returncode:
            self.problems.append(f"export: {exported.stderr}")
        for name in ("out.jsonl", "export.jsonl"):
            rows = [json.loads(line) for line in (self.shell.home / name).read_text().splitlines()]
            ids = sorted(int(row["dagtui_id"]) for row in rows)
            if ids != list(range(1, self.records + 1)):
                self.problems.append(f"{name} has {len(rows)} rows, {len(set(ids))} records of {self.records}")
            if any(row["dagtui_status"] != "ok" for row in rows):
                self.problems.append(f"{name} has rows that are not ok")


def _place(trace_id: str) -> tuple[int, int]:
    """Session and request of a trace id: `run[.session]/seq/attempt`."""
    run, seq, _ = trace_id.split("/")
    return int(run.partition(".")[2] or 1), int(seq)
