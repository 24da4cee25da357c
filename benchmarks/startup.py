"""How long until somebody sees something: `dagtui --help`, and the app's first paint in a real pseudo-terminal.

python benchmarks/startup.py
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

RUNS = 9
PROGRAM = str(Path(sys.executable).with_name("dagtui"))
PAINTED = b"preview"  # the title of a panel of the setup screen


def help_seconds() -> float:
    begun = time.perf_counter()
    subprocess.run([PROGRAM, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def paint_seconds() -> float:
    """From starting the process to the bytes of the first screen."""
    begun = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(PROGRAM, [PROGRAM])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
    seen = b""
    while PAINTED not in seen:
        assert select.select([terminal], [], [], 20)[0], "nothing was painted within 20 s"
        seen += os.read(terminal, 65536)
    taken = time.perf_counter() - begun
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(terminal)
    return taken


def python_seconds() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - begun


def main() -> None:
    cases = {"python -c pass": python_seconds, "dagtui --help": help_seconds, "first paint": paint_seconds}
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(RUNS):
        for name, measure in cases.items():
            taken[name].append(measure())
    for name, values in taken.items():
        print(f"{name:<15} {statistics.median(values):.3f} s ({min(values):.3f} to {max(values):.3f})")


if __name__ == "__main__":
    main()
