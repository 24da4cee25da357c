"""The simulator's HTTP server, on aiohttp's low-level server: a router would cost a fifth of its speed."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import struct
from collections.abc import Sequence
from dataclasses import asdict

from aiohttp import web

from dagtui.simulator.bound import bound
from dagtui.simulator.knobs import KnobError, Knobs, read_changes
from dagtui.simulator.ledger import Ledger
from dagtui.simulator.provider import Outcome, Provider
from dagtui.simulator.scenarios import SCENARIOS, Step, UnknownScenarioError
from dagtui.simulator.wire import Shape

LARGEST_BODY = 32 * 1024 * 1024
"""Bytes of the largest request, as at Anthropic."""

_ROUTES: dict[str, Shape] = {"/v1/messages": "messages", "/v1/chat/completions": "chat"}
_BACKLOG = 4096
_CLOSE_BY_RESET = struct.pack("ii", 1, 0)
_SHUTDOWN_S = 0.05


class PortError(Exception):
    """The simulator cannot listen on the port; the text is one sentence for the user."""


class RunningSimulator:
    """A simulator that listens, until `stop` is awaited."""

    def __init__(self, provider: Provider, server: _Server, runner: web.ServerRunner, url: str) -> None:
        self.url = url
        """Where it listens, such as "http://127.0.0.1:8787"."""
        self._provider = provider
        self._server = server
        self._runner = runner

    @property
    def ledger(self) -> Ledger:
        """What was received and answered so far."""
        return self._provider.ledger

    @property
    def knobs(self) -> Knobs:
        """How the knobs stand."""
        return self._provider.knobs

    def turn(self, **changes: object) -> Knobs:
        """Turn knobs at once, as PATCH /sim/knobs does; raises KnobError."""
        return self._provider.turn(changes)

    async def stop(self) -> None:
        """Cut all connections and free the port."""
        await self._server.cancel()
        await self._runner.cleanup()
        self._provider.stop()


async def start(
    knobs: Knobs | None = None,
    seed: int = 0,
    port: int = 0,
    host: str = "127.0.0.1",
    steps: Sequence[Step] = (),
    scenario: str = "",
) -> RunningSimulator:
    """Start a simulator on the running loop; port 0 takes a free one. Raises PortError.

    `steps` turn its knobs by themselves, from the first call on; `scenario` is what they are called, if anything.
    """
    listening = _listen(host, port)
    provider = Provider(knobs or Knobs(), seed, steps=steps, scenario=scenario)
    server = _Server(provider)
    runner = web.ServerRunner(web.Server(server.handle, access_log=None), shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    await web.SockSite(runner, listening, backlog=_BACKLOG).start()
    shown = f"[{host}]" if ":" in host else host
    return RunningSimulator(provider, server, runner, f"http://{shown}:{listening.getsockname()[1]}")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OverflowError as error:
        raise PortError(f"There is no port {port}: choose one from 1 to 65535, or 0 for a free one.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sentence = f"Port {port} on {host} is in use: choose another with --port, or --port 0 for a free one."
        else:
            reason = (error.strerror or str(error)).lower()
            sentence = f"The simulator cannot listen on {host} port {port}: {reason}; choose another with --port."
        raise PortError(sentence) from error


class _Server:
    """Takes requests from the sockets to the provider and its answers back."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._under_way: dict[asyncio.Task[object], asyncio.Transport] = {}
        provider.when_down = self.cut_all

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        shape = _ROUTES.get(request.path)
        if shape is None:
            return await self._control(request)
        if request.method != "POST":
            return _sentence(405, f"{request.path} takes POST, not {request.method}.")
        task, transport = asyncio.current_task(), request.transport
        if task is None or transport is None:
            return web.Response()
        self._under_way[task] = transport
        try:
            return await self._call(shape, request, transport)
        finally:
            del self._under_way[task]

    def cut_all(self) -> None:
        """Cut the connections of all calls that are under way."""
        for transport in self._under_way.values():
            _cut(transport)

    async def cancel(self) -> None:
        """End all calls that are under way."""
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _call(
        self, shape: Shape, request: web.BaseRequest, transport: asyncio.Transport
    ) -> web.StreamResponse:
        arrival = self._provider.ledger.arrive()
        try:
            body = await _read(request)
        except BaseException:
            self._provider.ledger.end(arrival, trace_id="", metadata=None, status=0)
            raise
        if body is None:
            self._provider.ledger.end(arrival, trace_id="", metadata=None, status=413)
            return _sentence(413, f"The request is larger than {LARGEST_BODY // 2**20} MB.")
        outcome = await self._provider.respond(shape, request.headers, body, arrival, transport.is_closing)
        if outcome.cut is not None:
            return await _play_cut(request, transport, outcome)
        headers = {"content-type": "application/json", **outcome.headers}
        return web.Response(status=outcome.status, body=outcome.body, headers=headers)

    async def _control(self, request: web.BaseRequest) -> web.StreamResponse:
        """The simulator's own routes."""
        ledger = self._provider.ledger
        match request.method, request.path:
            case "GET", "/":
                return web.Response(text="dagtui simulator")
            case "GET", "/sim/knobs":
                return _json(200, self._provider.knobs.model_dump())
            case "PATCH", "/sim/knobs":
                try:
                    changes = read_changes(await _read(request) or b"")
                    turned = self._provider.turn(changes).model_dump()
                    self._provider.turned = True
                    return _json(200, turned)
                except KnobError as error:
                    return _sentence(400, str(error))
            case "GET", "/sim/state":
                return _json(200, self._provider.state())
            case "GET", "/sim/scenarios":
                return _json(200, [{"name": one.name, "title": one.title} for one in SCENARIOS.values()])
            case "POST", "/sim/scenario":
                try:
                    self._provider.play(str(read_changes(await _read(request) or b"").get("name", "")))
                except (KnobError, UnknownScenarioError) as error:
                    return _sentence(400, str(error))
                self._provider.turned = True
                return _json(200, self._provider.state())
            case "GET", "/sim/ledger":
                return _json(200, ledger.report(with_entries=request.query.get("entries") != "0"))
            case "GET", "/sim/bound":
                return await self._bound(request.query.get("concurrency"))
            case "DELETE", "/sim/ledger":
                self._provider.reset()
                return web.Response(status=204)
            case _:
                return _sentence(404, f"The simulator has no {request.method} {request.path}.")

    async def _bound(self, slots: str | None) -> web.Response:
        """The bound of what the ledger holds; in a thread, so that a long run does not stop the calls."""
        if slots is not None and not (slots.isascii() and slots.isdigit() and int(slots) > 0):
            return _sentence(400, "concurrency must be a whole number of at least 1.")
        ledger, concurrency = self._provider.ledger, None if slots is None else int(slots)
        found = await asyncio.to_thread(bound, ledger.entries, tuple(ledger.knob_changes), concurrency)
        return _json(200, asdict(found))


async def _read(request: web.BaseRequest) -> bytes | None:
    """The body, or None when it is too large."""
    if (request.content_length or 0) > LARGEST_BODY:
        return None
    chunks: list[bytes] = []
    size = 0
    while not request.content.at_eof():
        chunk = await request.content.readany()
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST_BODY:
            return None
    return b"".join(chunks)


async def _play_cut(
    request: web.BaseRequest, transport: asyncio.Transport, outcome: Outcome
) -> web.StreamResponse:
    """End the connection: at once, or in the middle of the answer."""
    if outcome.cut == "headers" and not transport.is_closing():
        response = web.StreamResponse(headers={"content-type": "application/json", **outcome.headers})
        response.content_length = len(outcome.body)
        await response.prepare(request)
        await response.write(outcome.body[: len(outcome.body) // 2])
        transport.abort()
        return response
    _cut(transport)
    return web.Response()


def _cut(transport: asyncio.Transport) -> None:
    """Close a connection as a machine that fails does: with a reset instead of a farewell."""
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None and not transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_BY_RESET)
    transport.abort()


def _json(status: int, value: object) -> web.Response:
    return web.Response(status=status, body=json.dumps(value).encode(), content_type="application/json")


def _sentence(status: int, message: str) -> web.Response:
    return _json(status, {"error": {"message": message}})
