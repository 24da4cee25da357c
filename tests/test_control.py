"""The socket through which another process steers a run."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from dagtui.core.errors import DagtuiError
from dagtui.elsewhere.control import VERSION, ControlClient, ControlServer
from dagtui.io.simulated import SimulatorControl
from tests.tui.fakes import FakeSession


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[FakeSession, ControlServer]]:
    session = FakeSession()
    session.start()
    server = ControlServer(session, folder)  # type: ignore[arg-type]
    await server.start()
    try:
        yield session, server
    finally:
        await server.aclose()


async def raw(path: Path, line: bytes) -> dict[str, object]:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line + b"\n")
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return json.loads(answer)


async def test_commands_reach_the_session_and_answers_tell_what_only_it_knows(tmp_path: Path) -> None:
    async with served(tmp_path) as (session, _):
        client = ControlClient(tmp_path)
        facts = await client.ask("facts")
        assert (facts.phase, facts.target, facts.automatic) == ("running", 10, False)
        assert (await client.ask("retune", target=44)).target == 44
        assert (await client.ask("automate")).automatic
        assert (await client.ask("pause")).phase == "paused"
        assert (await client.ask("resume")).phase == "running"
        await client.ask("drain")
        assert session.calls[1:] == [("retune", 44), ("automate", True), "pause", "resume", "drain"]
        await client.aclose()


async def test_the_simulated_provider_is_told_of_and_a_line_of_the_log_taken(tmp_path: Path) -> None:
    async with served(tmp_path) as (session, _):
        client = ControlClient(tmp_path)
        assert (await client.ask("facts")).provider == ""
        session.provider = SimulatorControl("http://127.0.0.1:9")
        assert (await client.ask("note", message="provider: outage off -> on")).provider == "http://127.0.0.1:9"
        assert session.notes == ["provider: outage off -> on"]
        await client.aclose()


async def test_only_this_user_may_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path) as (session, server):
        assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
        monkeypatch.setattr("dagtui.elsewhere.control.os.getuid", lambda: 12345)
        with pytest.raises(DagtuiError, match="another user"):
            await ControlClient(tmp_path).ask("cancel")
        reader, writer = await asyncio.open_unix_connection(server.path)
        writer.write(b'{"v": 1, "do": "cancel"}\n')
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        assert session.calls == ["start"]
    assert not server.path.exists()


async def test_what_is_no_request_of_ours_is_told_so_and_hurts_nobody(tmp_path: Path) -> None:
    async with served(tmp_path) as (session, server):
        later = {"v": VERSION + 1, "id": 1, "do": "facts"}
        assert "another version" in str((await raw(server.path, json.dumps(later).encode()))["error"])
        unknown = {"v": VERSION, "id": 2, "do": "explode"}
        assert await raw(server.path, json.dumps(unknown).encode()) == {
            "v": VERSION,
            "id": 2,
            "error": 'this run knows no "explode"; a later dagtui may',
        }
        for line in (
            b"not json",
            b"[]",
            b"null",
            b'{"v": 1, "do": "retune"}',
            b'{"v": 1, "do": "retune", "with": 3}',
        ):
            assert "no request" in str((await raw(server.path, line))["error"])
        reader, writer = await asyncio.open_unix_connection(server.path)
        writer.write(b"x" * 200_000)  # a line without an end
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.transport.abort()
        assert session.calls == ["start"]
        client = ControlClient(tmp_path)
        assert (await client.ask("facts")).phase == "running"
        await client.aclose()


async def test_a_dead_runs_socket_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "control.sock"))
    left.close()
    with pytest.raises(DagtuiError, match="cannot be reached"):
        await ControlClient(tmp_path).ask("facts")
    async with served(tmp_path):
        client = ControlClient(tmp_path)
        assert (await client.ask("facts")).phase == "running"
        await client.aclose()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system names no open folders in /proc")
async def test_a_folder_far_down_is_reached_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["a folder with a long name"] * 6)
    folder.mkdir(parents=True)
    async with served(folder):
        client = ControlClient(folder)
        assert (await client.ask("facts")).phase == "running"
        await client.aclose()


async def test_several_may_steer_at_once_and_a_client_comes_back_after_a_break(tmp_path: Path) -> None:
    one, two = ControlClient(tmp_path), ControlClient(tmp_path)
    async with served(tmp_path) as (session, _):
        await asyncio.gather(*(client.ask("retune", target=n) for n in range(1, 6) for client in (one, two)))
        assert len(session.calls) == 11
    with pytest.raises(DagtuiError, match="cannot be reached"):
        await one.ask("facts")
    async with served(tmp_path):
        assert (await one.ask("facts")).target == 10
        await one.aclose()
        await two.aclose()
