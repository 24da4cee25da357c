"""The app in a browser, through textual-serve, which asks nobody who they are: here a guard does that before it.

Each page that is opened is a process with an app of its own. Whoever has the token can do in it what its owner
can, so it is made anew for each start, kept in a cookie rather than in the address, and asked for each time.
"""

from __future__ import annotations

import hmac
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

from aiohttp import web

from dagtui.core.errors import ConfigError

LEAST_TOKEN = 16  # characters of a token of the user's own
_STOPPING = 5.0  # seconds for the apps to end
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is served: `url` is how a browser calls it, and whoever calls it otherwise is refused."""

    host: str
    port: int
    url: str
    token: str

    @property
    def invitation(self) -> str:
        """The address to open, once; the page it leads to does not have the token in its address."""
        return f"{self.url}/?token={self.token}"


def place(host: str, port: int, token: str | None, url: str | None) -> Place:
    """Where to serve.

    Raises:
        ConfigError: others could reach it, and there is no token of your own; or they could not know its address.
    """
    if not is_loopback(host):
        if not token:
            raise ConfigError(
                f"--host {host} can be reached by others: give a --token of {LEAST_TOKEN} characters or more"
                " (better in DAGTUI_TOKEN, which the list of processes does not show)."
            )
        if url is None and host in ("0.0.0.0", "::"):
            raise ConfigError(
                f"--host {host} is every address of this machine: say with --url which one is opened."
            )
    if token is not None and len(token) < LEAST_TOKEN:
        raise ConfigError(f"--token has {len(token)} characters, but {LEAST_TOKEN} is the least.")
    if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
        raise ConfigError(f"--url is {url!r}, but an address such as http://host:{port} is needed.")
    name = f"[{host}]" if ":" in host else host
    return Place(host, port, (url or f"http://{name}:{port}").rstrip("/"), token or secrets.token_urlsafe(24))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def guard(where: Place) -> Any:
    """A middleware that lets in only who has the token and calls the server by its own name."""
    cookie = f"dagtui-{where.port}"
    origin, netloc = _origin(where.url), urlsplit(where.url).netloc

    @web.middleware
    async def check(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if request.host != netloc:  # a name of somebody else's that leads here
            raise web.HTTPForbidden(text=f"This is {where.url}, not {request.host}: open it by that name.")
        came_from = request.headers.get("Origin")
        is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        if came_from != origin and (came_from is not None or is_socket):
            raise web.HTTPForbidden(text="Another page asks for this one: refused.")
        given = request.query.get("token")
        if given is not None and _same(given, where.token):
            response = web.HTTPSeeOther("/")
            response.set_cookie(
                cookie,
                where.token,
                httponly=True,
                samesite="Strict",
                secure=where.url.startswith("https"),
                path="/",
            )
            raise _private(response)
        if not _same(request.cookies.get(cookie, ""), where.token):
            raise web.HTTPForbidden(text="The token is missing or wrong: open the address that dagtui serve told.")
        response = await handler(request)
        return response if response.prepared else _private(response)

    return check


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def _private(response: Any) -> Any:
    """Nothing of it is to be kept, framed, or told to the pages that it loads from."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Frame-Options"] = "DENY"
    return response


async def application(where: Place, arguments: Sequence[str]) -> web.Application:
    """The server of `dagtui ARGUMENTS`.

    Raises:
        ConfigError: textual-serve is not installed.
    """
    command = shlex.join([sys.executable, "-m", "dagtui", *arguments])
    server = _server()(command, host=where.host, port=where.port, title="dagtui", public_url=where.url)
    app = cast(web.Application, await server._make_app())
    app.on_startup.clear()  # it would print its own banner
    app.middlewares.append(guard(where))
    return app


def _server() -> Any:
    try:
        return import_module("textual_serve.server").Server
    except ImportError:
        raise ConfigError("dagtui serve needs textual-serve: pip install 'dagtui[serve]'.") from None


def serve(where: Place, arguments: Sequence[str], begin: Callable[[], None]) -> None:
    """Serve until Ctrl+C; `begin` is called before that.

    Raises:
        ConfigError: textual-serve is not installed, or the port cannot be had.
    """
    _server()
    begin()
    try:
        web.run_app(
            application(where, arguments),
            host=where.host,
            port=where.port,
            access_log=None,  # it would write down the token
            print=lambda *_: None,
            shutdown_timeout=_STOPPING,
        )
    except OSError as error:
        raise ConfigError(f"{where.host}:{where.port} cannot be served on: {error.strerror or error}.") from None
