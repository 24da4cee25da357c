"""How another process steers a run: a socket in the run's folder, for the same user only.

A request is a line of JSON, `{"v": 1, "id": 7, "do": "retune", "with": {"target": 80}}`, and so is its answer:
`{"v": 1, "id": 7, "ok": {...}}` with the run's live facts after it, or `{"v": 1, "id": 7, "error": "..."}` with a
sentence. What has happened is not told here: it is in the journal.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dagtui.core.errors import DagtuiError
from dagtui.core.events import Phase

if TYPE_CHECKING:
    from dagtui.watched import Steered

VERSION = 1
SOCKET_NAME = "control.sock"
_LONGEST_PATH = 100  # bytes; the system takes 104 to 108 of them
_log = logging.getLogger("dagtui.control")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is told of a run sooner than by its journal, or not by it at all. `time` is its clock, epoch seconds,
    `provider` where the simulated one listens, if it is one.
    """

    time: float
    phase: Phase
    target: int
    automatic: bool
    provider: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Facts:
        """As they came over the socket."""
        return cls(
            float(told["time"]),
            told["phase"],
            int(told["target"]),
            bool(told["automatic"]),
            str(told.get("provider", "")),
        )


def _facts(session: Steered) -> dict[str, Any]:
    snapshot = session.snapshot()
    return {
        "time": snapshot.time,
        "phase": snapshot.phase,
        "target": snapshot.target,
        "automatic": snapshot.automatic,
        "provider": getattr(session.provider, "url", ""),
    }


BY = "you, from another terminal"
_DRAINED = "drained from another terminal: what was in flight is finished, nothing new is sent"
_CANCELLED = "cancelled from another terminal: what was in flight may be billed all the same"


def _dollars(told: str | None) -> Decimal | None:
    try:
        return None if told is None else Decimal(told)
    except InvalidOperation:
        raise ValueError(f"{told!r} is no number of dollars") from None


def ranged(seqs: Iterable[int]) -> list[list[int]]:
    """Requests by their numbers, as they go over the socket: `[first, last]` pairs."""
    found: list[list[int]] = []
    for seq in sorted(set(seqs)):
        if found and found[-1][1] == seq - 1:
            found[-1][1] = seq
        else:
            found.append([seq, seq])
    return found


def _seqs(given: Mapping[str, Any]) -> list[int]:
    return [seq for first, last in given["seqs"] for seq in range(int(first), int(last) + 1)]


def _retry(session: Steered, given: Mapping[str, Any]) -> None:
    tokens = given.get("max_tokens")
    most = None if tokens is None else int(tokens)
    session.retry(_seqs(given), later=bool(given.get("later")), max_tokens=most, by=BY)


COMMANDS: dict[str, Callable[[Steered, Mapping[str, Any]], object]] = {
    "facts": lambda session, given: None,
    "retune": lambda session, given: session.retune(int(given["target"]), BY),
    "automate": lambda session, given: session.automate(bool(given.get("on", True)), BY),
    "budget": lambda session, given: session.set_max_cost(_dollars(given["dollars"]), BY),
    "stop_rule": lambda session, given: session.set_stop_rule(given["rule"], BY),
    "retry": _retry,
    "skip": lambda session, given: session.skip(_seqs(given), BY),
    "abort": lambda session, given: session.abort(_seqs(given), BY),
    "hedge": lambda session, given: session.hedge(_seqs(given), BY),
    "note": lambda session, given: session.note(str(given["message"])),
    "pause": lambda session, given: session.pause(),
    "resume": lambda session, given: session.resume(),
    "drain": lambda session, given: session.drain(_DRAINED),
    "cancel": lambda session, given: session.cancel(_CANCELLED),
}
"""What may be asked for, by name; each is given the session and the request's `with`."""


class ControlServer:
    """Serves `session` on a socket in `folder`, until `aclose`."""

    def __init__(self, session: Steered, folder: Path) -> None:
        self.path = folder / SOCKET_NAME
        self._session = session
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def start(self) -> None:
        """Listen. Whoever holds the run's lock is alone there, so a socket that lies there is a dead one's.

        Where there can be no socket, the run goes on without.
        """
        try:
            self.path.unlink(missing_ok=True)
            with _Reachable(self.path) as place:
                listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                try:
                    listening.bind(place)
                    self.path.chmod(0o600)
                    self._server = await asyncio.start_unix_server(self._serve, sock=listening)
                except BaseException:
                    listening.close()
                    raise
        except (OSError, AttributeError, NotImplementedError) as error:  # Windows has none
            _log.warning("the run cannot be steered from elsewhere: %s", error)

    async def aclose(self) -> None:
        """Hang up, and take the socket away."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._open.values():
            writer.close()
        if self._open:
            await asyncio.wait(list(self._open))
        await self._server.wait_closed()
        self._server = None
        with suppress(OSError):
            self.path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not _is_same_user(writer.get_extra_info("socket")):
            writer.close()
            return
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._open[task] = writer
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):  # it has gone, or sends lines without an end
            pass
        finally:
            del self._open[task]
            writer.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        number: Any = None
        try:
            asked = json.loads(line)
            number = asked.get("id")
            if asked.get("v") != VERSION:
                raise DagtuiError("another version of dagtui runs this; use the same one to steer it")
            command = COMMANDS.get(asked["do"])
            if command is None:
                raise DagtuiError(f'this run knows no "{asked["do"]}"; a later dagtui may')
            command(self._session, asked.get("with") or {})
            return {"v": VERSION, "id": number, "ok": _facts(self._session)}
        except DagtuiError as error:
            told = str(error)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            told = f"that was no request: {type(error).__name__}: {error}"
        return {"v": VERSION, "id": number, "error": told}


class ControlClient:
    """Steers the run whose folder is `folder`, over one connection. Requests are answered in their order."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / SOCKET_NAME
        self._turn = asyncio.Lock()
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._number = 0

    async def ask(self, command: str, **given: Any) -> Facts:
        """Have `command` carried out; the run's facts after it.

        Raises:
            DagtuiError: nobody answers, or the run refuses.
        """
        async with self._turn:
            try:
                reader, writer = self._ends or await self._connect()
                self._number += 1
                request = {"v": VERSION, "id": self._number, "do": command, "with": given}
                writer.write(json.dumps(request).encode() + b"\n")
                await writer.drain()
                line = await reader.readline()
                answer = json.loads(line) if line else None
            except FileNotFoundError:
                raise DagtuiError(
                    "the run takes no commands from elsewhere: it has no socket in its folder"
                ) from None
            except (OSError, ValueError, AttributeError) as error:
                self._hang_up()
                raise DagtuiError(f"the run cannot be reached: {error}") from None
            if answer is None:
                self._hang_up()
                raise DagtuiError("the run cannot be reached: it hung up")
            if "error" in answer:
                raise DagtuiError(str(answer["error"]))
            return Facts.of(answer["ok"])

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        with _Reachable(self._path) as place:
            self._ends = await asyncio.open_unix_connection(place)
        if not _is_same_user(self._ends[1].get_extra_info("socket")):
            self._hang_up()
            raise OSError("another user listens there")
        return self._ends

    def _hang_up(self) -> None:
        if self._ends is not None:
            self._ends[1].close()
            self._ends = None

    async def aclose(self) -> None:
        """Hang up."""
        ends = self._ends
        self._hang_up()
        if ends is not None:
            with suppress(OSError):
                await ends[1].wait_closed()


class _Reachable:
    """A name for the socket at `path` that is short enough for the system, while the block lasts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder: int | None = None

    def __enter__(self) -> str:
        whole = str(self._path)
        if len(os.fsencode(whole)) <= _LONGEST_PATH:
            return whole
        self._folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._folder}/{self._path.name}"

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            os.close(self._folder)


def _is_same_user(peer: Any) -> bool:
    """Whether the other end is this user's. Where the system does not tell, the folder's mode sees to it."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return user == os.getuid()
