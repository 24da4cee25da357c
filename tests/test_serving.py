"""The app in a browser: only for who has the token, only by its own name, never for another page."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSServerHandshakeError, web
from click.testing import CliRunner

from dagtui.cli import cli
from dagtui.core.errors import ConfigError
from dagtui.serving import Place, application, place

TOKEN = "a-token-of-enough-characters"


@asynccontextmanager
async def served(*arguments: str) -> AsyncIterator[Place]:
    pytest.importorskip("textual_serve")
    runner = web.AppRunner(web.Application())
    await runner.setup()
    probe = web.TCPSite(runner, "127.0.0.1", 0)
    await probe.start()
    port: int = runner.addresses[0][1]
    await runner.cleanup()
    where = place("127.0.0.1", port, TOKEN, None)
    runner = web.AppRunner(await application(where, arguments), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, where.host, port).start()
    try:
        yield where
    finally:
        await runner.cleanup()


def client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def test_without_the_token_there_is_nothing_to_be_had() -> None:
    async with served() as where, client() as browser:
        for path in (
            "/",
            "/?token=wrong",
            "/?token=",
            "/ws",
            "/static/js/textual.js",
            "/download/x",
            f"/?Token={TOKEN}",
        ):
            async with browser.get(where.url + path) as answer:
                assert answer.status == 403, path
                assert TOKEN not in await answer.text()
        async with browser.get(where.url, cookies={f"dagtui-{where.port}": "é" * 20}) as answer:
            assert answer.status == 403


async def test_the_invitation_leads_to_the_page_which_does_not_have_the_token_in_its_address() -> None:
    async with served() as where, client() as browser:
        async with browser.get(where.invitation) as answer:
            assert answer.status == 200
            assert "token" not in str(answer.url)
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            page = await answer.text()
        assert TOKEN not in page
        assert f"ws://127.0.0.1:{where.port}/ws" in page
        cookie = next(iter(browser.cookie_jar))
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        async with browser.get(f"{where.url}/static/js/textual.js") as answer:
            assert answer.status == 200


async def test_another_page_and_another_name_are_refused_even_with_the_cookie() -> None:
    async with served() as where, client() as browser:
        await (await browser.get(where.invitation)).text()
        for headers in (
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": f"http://localhost:{where.port}"},
            {"Origin": f"http://127.0.0.1:{where.port + 1}"},
            {},
        ):
            with pytest.raises(WSServerHandshakeError) as caught:
                await browser.ws_connect(f"{where.url}/ws", headers=headers)
            assert caught.value.status == 403, headers
        async with browser.get(where.url, headers={"Host": f"evil.example:{where.port}"}) as answer:
            assert answer.status == 403
        async with browser.get(where.url, headers={"Origin": "http://evil.example"}) as answer:
            assert answer.status == 403


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app of a page runs, with a file of a record."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DAGTUI_GATEWAY", "demo")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("id,subject,body\n1,a,b\n")
    return tmp_path


@pytest.fixture
def apps(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """The processes of the pages."""
    started: list[Process] = []
    start = asyncio.create_subprocess_shell

    async def recorded(command: str, **options: Any) -> Process:
        started.append(await start(command, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_shell", recorded)
    return started


@asynccontextmanager
async def page(where: Place, browser: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """The socket of a page, once it shows where to start."""
    await (await browser.get(where.invitation)).text()
    address = f"{where.url}/ws?width=100&height=30"
    async with browser.ws_connect(address, headers={"Origin": where.url}) as socket:
        yield socket


async def seen(socket: aiohttp.ClientWebSocketResponse, *words: bytes) -> bytes:
    """What came until all of `words` had come."""
    shown = b""
    async with asyncio.timeout(20):
        async for message in socket:
            shown += message.data if isinstance(message.data, bytes) else b""
            if all(word in shown for word in words):
                return shown
    raise AssertionError(shown)


async def test_the_app_comes_through_the_socket_of_its_own_page_and_ends_with_it(
    home: Path, apps: list[Process]
) -> None:
    async with served("a.csv") as where, client() as browser:
        async with page(where, browser) as socket:
            shown = await seen(socket, b"a.csv", b"Start")
        assert b"\x1b]2;" not in shown
        async with asyncio.timeout(20):
            assert [await app.wait() for app in apps] == [0]


async def test_a_page_that_vanishes_while_much_is_shown_ends_its_app_all_the_same(
    home: Path, apps: list[Process]
) -> None:
    async with served("demo", "--scenario", "tight") as where, client() as browser:
        async with page(where, browser) as socket:
            await seen(socket, b"in flight")
            assert browser.connector is not None
            await browser.connector.close()  # without a word
        async with asyncio.timeout(20):
            await asyncio.gather(*(app.wait() for app in apps))
    assert len(apps) == 1


@pytest.mark.parametrize(
    ("host", "token", "url", "told"),
    [
        ("0.0.0.0", None, None, "give a --token of 16"),
        ("192.168.1.2", None, "http://x:1", "give a --token of 16"),
        ("example.com", None, None, "give a --token of 16"),
        ("0.0.0.0", TOKEN, None, "say with --url"),
        ("127.0.0.1", "short", None, "--token has 5 characters"),
        ("127.0.0.1", None, "ftp://x", "--url is"),
        ("127.0.0.1", None, "nonsense", "--url is"),
    ],
)
def test_what_would_be_open_to_others_is_refused(host: str, token: str | None, url: str | None, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        place(host, 8000, token, url)


def test_a_token_is_new_each_time_and_hard_to_guess() -> None:
    one, other = place("127.0.0.1", 8000, None, None), place("::1", 8000, None, None)
    assert one.token != other.token
    assert len(one.token) >= 32
    assert other.invitation.startswith("http://[::1]:8000/?token=")
    assert place("0.0.0.0", 80, TOKEN, "https://runs.example/").url == "https://runs.example"


def test_without_textual_serve_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("dagtui.serving.import_module", missing)
    done = CliRunner().invoke(cli, ["serve", "a.csv"])
    assert done.exit_code == 2
    assert done.stderr.strip() == "dagtui: dagtui serve needs textual-serve: pip install 'dagtui[serve]'."
