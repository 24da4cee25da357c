"""The gateway client: one attempt through a Portkey gateway, hosted, open-source or simulated.

The seam to the network is an httpx transport, called without httpx's client on top: a client would keep a
provider's cookies and costs more than all the rest of an attempt. Our own transport is handed the bytes directly.
"""

from __future__ import annotations

import asyncio
import json
from typing import Literal, NoReturn, TypeAlias

import httpx

from dagtui.core.errors import Billed, ConfigError, ErrorKind, GatewayError
from dagtui.core.model import ProviderChoice, Request, Response
from dagtui.core.settings import GatewaySettings
from dagtui.core.text import one_line
from dagtui.io import portkey_request as outgoing
from dagtui.io.classifier import MOST_LOST, failure, redacted
from dagtui.io.connection import Answer
from dagtui.io.portkey_answer import answered, stop_reason_of, text_of, usage_of
from dagtui.io.portkey_headers import Reader, named
from dagtui.io.transport import PooledTransport, ThroughHttpx, Wire

GatewayFlavour: TypeAlias = Literal["simulator", "open-source", "hosted", "unknown"]

PROBE_S = 10.0
"""Seconds a gateway has to say what it is."""

_GREETINGS: dict[str, GatewayFlavour] = {
    "dagtui simulator": "simulator",
    "ai gateway says hey!": "open-source",
}
_REMEMBERED_CHOICES = 64
_LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")


class Portkey:
    """Sends attempts to one gateway; fulfils `core.ports.Gateway`.

    `transport` stands in for the network in tests. `run_id` names the run in the gateway's log. How long an
    attempt may take is for the caller to say, by cancelling; the gateway goes on all the same, and so does
    the provider's bill.

    Raises:
        ConfigError: the settings cannot be sent as headers.
    """

    def __init__(
        self, settings: GatewaySettings, transport: httpx.AsyncBaseTransport | None = None, run_id: str = ""
    ) -> None:
        outgoing.check_room(settings)
        self._settings = settings
        self._run_id = run_id
        self._wire = _wire(transport)
        self._root = root_of(settings.base_url)
        try:
            self._host = httpx.URL(self._root).netloc.decode("ascii")
        except httpx.InvalidURL as error:
            raise ConfigError(f"The gateway's address {self._root!r} cannot be used: {error}.") from error
        self._urls = {route: f"{self._root}/v1{route}" for route in outgoing.ROUTES}
        self._metadata = outgoing.metadata_of(settings, run_id)
        self._secrets = outgoing.secrets_of(settings)
        self._reader = Reader()
        self._plans: dict[int, outgoing.Plan] = {}
        self.flavour: GatewayFlavour | None = None
        """What the last probe found."""

    async def complete(self, request: Request, attempt: int) -> Response:
        """Send one attempt of `request`; `attempt` counts from 1.

        Raises:
            GatewayError: the attempt failed; its kind says how.
        """
        plan = self._plan(request.choice)
        content = outgoing.body_for(plan, request)
        lines = outgoing.lines_for(plan, request, attempt, len(content), self._run_id, self._metadata)
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            status, headers, body = await self._wire.exchange(
                "POST", self._urls[plan.route], lines, content, self._settings.connect_timeout
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._fail(error)
        answer = answered(status, body)
        if answer is None:
            raise failure(status, named(headers), body, plan.asked, elapsed=loop.time() - started)
        told = self._reader.read(headers)
        model = answer.get("model")
        return Response(
            text=text_of(answer),
            usage=usage_of(answer, told.provider or plan.asked.provider),
            model=model if isinstance(model, str) and model else plan.choice.model,
            stop_reason=stop_reason_of(answer),
            status=status,
            request_id=told.request_id,
            gateway_retries=told.gateway_retries,
            limits=told.limits,
        )

    async def probe(self) -> GatewayFlavour:
        """Ask what stands at the base URL. No key is sent, and nothing is spent.

        Raises:
            GatewayError: nothing answers there.
        """
        self.flavour = await self._probe()
        return self.flavour

    async def _probe(self) -> GatewayFlavour:
        try:
            async with asyncio.timeout(PROBE_S):
                body = (await self._get("/")).body
                greeting = body[:200].decode("utf-8", "replace").lower()
                for words, flavour in _GREETINGS.items():
                    if words in greeting:
                        return flavour
                status, _, body = await self._get("/v1/health")
        except TimeoutError as error:
            message = f"{self._root} takes connections but does not answer. Is it a Portkey gateway?"
            raise GatewayError(ErrorKind.TIMEOUT, message) from error
        return "hosted" if status == 200 and _is_healthy(body) else "unknown"

    async def aclose(self) -> None:
        """Close the connections. Nothing can be sent afterwards."""
        await self._wire.aclose()

    async def _get(self, path: str) -> Answer:
        lines = f"host: {self._host}\r\n".encode("ascii")
        try:
            return await self._wire.exchange(
                "GET", f"{self._root}{path}", lines, b"", self._settings.connect_timeout
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._fail(error)

    def _plan(self, choice: ProviderChoice) -> outgoing.Plan:
        # By identity: a choice cannot be hashed, and the plan keeps it alive, so its id stays its own.
        plan = self._plans.get(id(choice))
        if plan is None:
            if len(self._plans) >= _REMEMBERED_CHOICES:
                self._plans.clear()
            plan = self._plans[id(choice)] = outgoing.plan_for(choice, self._settings, self._root, self._host)
        return plan

    def _fail(self, error: httpx.HTTPError | httpx.InvalidURL) -> NoReturn:
        """Say what kind of failure it was that no answer came."""
        reason = one_line(redacted(str(error), self._secrets), 160) or type(error).__name__
        kind, billed, message = self._verdict(error, reason)
        most = MOST_LOST if kind is ErrorKind.INVALID_RESPONSE else None
        raise GatewayError(kind, message, billed=billed, lost=billed == "maybe", most_attempts=most) from error

    def _verdict(self, error: httpx.HTTPError | httpx.InvalidURL, reason: str) -> tuple[ErrorKind, Billed, str]:
        match error:
            case httpx.ConnectError() | httpx.ConnectTimeout():
                return ErrorKind.CONNECTION, "no", f"No gateway answers at {self._root} ({reason}). {self._hint()}"
            case httpx.ProxyError():
                advice = "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY."
                return ErrorKind.CONNECTION, "no", f"{self._root} is asked through a proxy: {reason}; {advice}"
            case httpx.WriteError():
                return ErrorKind.CONNECTION, "no", f"Nothing could be sent to {self._root}: {reason}."
            case httpx.UnsupportedProtocol() | httpx.InvalidURL():
                return ErrorKind.CONFIG, "no", f"The gateway's address {self._root} cannot be used: {reason}."
            case httpx.LocalProtocolError():
                return ErrorKind.BAD_REQUEST, "no", f"The request cannot be sent: {reason}."
            case httpx.RemoteProtocolError():
                return ErrorKind.INVALID_RESPONSE, "maybe", f"{self._root} gave no valid answer: {reason}."
            case httpx.ReadTimeout():
                return ErrorKind.TIMEOUT, "maybe", f"{self._root} fell silent: {reason}."
            case _:
                return ErrorKind.CONNECTION, "maybe", f"The connection to {self._root} broke: {reason}."

    def _hint(self) -> str:
        if self._settings.name == "demo":
            return "The demo has stopped; start dagtui again."
        if httpx.URL(self._root).host in _LOOPBACK:
            return 'Start one with "npx @portkey-ai/gateway", or use --gateway demo.'
        return "Check the address and your network, or use --gateway demo."


def _wire(transport: httpx.AsyncBaseTransport | None) -> Wire:
    if transport is None or isinstance(transport, PooledTransport):
        return transport or PooledTransport()
    return ThroughHttpx(transport)


def root_of(base_url: str) -> str:
    """The gateway's address without `/v1`, which users give or leave out."""
    return base_url.strip().rstrip("/").removesuffix("/v1").rstrip("/")


def _is_healthy(body: bytes) -> bool:
    try:
        return json.loads(body).get("status") == "success"
    except (ValueError, AttributeError, RecursionError):
        return False
