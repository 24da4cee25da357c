"""What the screen costs: the same run headless and with the app on screen, in turns.

    python benchmarks/on_screen.py           # about two minutes

The program runs in a pseudo-terminal of 160x48 that a thread reads, against the loopback server of overhead.py
(20 ms, 500 in flight), with its results on disk. Rows on disk a second are what counts, from a tenth of them to
the last. Two loads: as fast as it goes, and at a pace of 1,000 a second, more than nearly all rate limits allow.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

from loopback import serving
from main_job import emails

RUNS = 3
RECORDS = 20_000
PROGRAM = str(Path(sys.executable).with_name("dagtui"))


def rows_a_second(arguments: list[str], folder: Path, begin: bytes | None) -> float:
    """Run the program in a terminal; `begin` is what to type when the setup screen is there."""
    out = folder / "out.jsonl"
    out.unlink(missing_ok=True)
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", XDG_STATE_HOME=str(folder))
        os.chdir(folder)
        os.execv(PROGRAM, [PROGRAM, *arguments, "-o", str(out), "--overwrite"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
    seen, ended = bytearray(), threading.Event()
    reader = threading.Thread(target=_read, args=(terminal, seen, ended), daemon=True)
    reader.start()
    if begin is not None:
        _until(lambda: b"preview" in seen)
        time.sleep(2.0)  # until the engine is loaded beside the screen
        os.write(terminal, begin)
    moments = _watch(out)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    ended.set()
    reader.join(2)
    os.close(terminal)
    first = next((at, rows) for at, rows in moments if rows >= RECORDS // 10)
    last = moments[-1]
    return (last[1] - first[1]) / (last[0] - first[0])


def _watch(out: Path) -> list[tuple[float, int]]:
    """When there were how many rows, until all are there."""
    moments: list[tuple[float, int]] = []
    _until(out.exists)
    rows, deadline = 0, time.monotonic() + 120
    with out.open("rb") as file:
        while rows < RECORDS:
            assert time.monotonic() < deadline, f"{rows} rows after two minutes"
            rows += file.read().count(b"\n")
            moments.append((time.perf_counter(), rows))
            time.sleep(0.05)
    return moments


def _until(true: object) -> None:
    deadline = time.monotonic() + 30
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, "nothing happened within 30 s"
        time.sleep(0.01)


def _read(terminal: int, seen: bytearray, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            if select.select([terminal], [], [], 0.2)[0]:
                data = os.read(terminal, 65536)
                if len(seen) < 1_000_000:
                    seen += data
        except OSError:
            return


def main() -> None:
    with tempfile.TemporaryDirectory() as name, serving() as (_, slow):
        folder = Path(name)
        lines = (json.dumps({"content": record.fields["content"]}) for record in emails(RECORDS))
        (folder / "in.jsonl").write_text("".join(f"{line}\n" for line in lines))
        common = ["in.jsonl", "-g", slow, "-c", "500", "--provider", "ollama", "--forget"]
        for title, extra in (
            ("as fast as it goes", []),
            ("at 1,000 a second", ["--requests-per-minute", "60000"]),
        ):
            rates: dict[str, list[float]] = {"headless": [], "on screen": []}
            for _ in range(RUNS):
                rates["headless"].append(rows_a_second(["run", *common, *extra], folder, None))
                rates["on screen"].append(rows_a_second([*common, *extra], folder, b"\x1b[15~"))
            middle = {kind: statistics.median(found) for kind, found in rates.items()}
            for kind, found in rates.items():
                told = f"{middle[kind]:>7,.0f} rows/s ({min(found):,.0f} to {max(found):,.0f})"
                share = f"   {middle['on screen'] / middle['headless']:.0%}" if kind == "on screen" else ""
                print(f"{title:<20}{kind:<10}{told}{share}")


if __name__ == "__main__":
    main()
