"""``reconstruct serve``: who is let in, and what is run for them."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from reconstruct.cli.parser import parse
from reconstruct.cli.serve import browse_arguments, is_loopback
from reconstruct.errors import UsageError


def test_the_command_line_is_handed_on() -> None:
    given = [
        "--timezone=+01:00",
        "--format=a*=combined",
        "--exclude=old",
        "--store=s.duckdb",
        "--workers=2",
        "--no-cache",
    ]
    arguments = parse(["serve", "logs", *given, "--where=outcome:failed"])
    said = browse_arguments(arguments)
    again = parse(said)
    wanted = {name: value for name, value in vars(arguments).items() if name not in ("run", "host", "port")}
    assert {name: value for name, value in vars(again).items() if name != "run"} == wanted
    assert said[-2:] == ["--", "logs"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("log.example", False)],
)
def test_only_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "textual_serve.server", None)
    monkeypatch.delitem(__import__("sys").modules, "reconstruct.tui.web", raising=False)
    arguments = parse(["serve", "."])
    with pytest.raises(UsageError) as caught:
        arguments.run(arguments)
    assert "reconstruct[web]" in caught.value.hint


@pytest.mark.parametrize(
    ("asked", "origin", "host", "expected"),
    [
        ("127.0.0.1:8000", None, "127.0.0.1", True),
        ("localhost:8000", "http://localhost:8000", "127.0.0.1", True),
        ("127.0.0.1:8000", "http://evil.example", "127.0.0.1", False),
        ("127.0.0.1:8000", "http://localhost:3000", "127.0.0.1", False),
        ("evil.example:8000", "http://evil.example:8000", "127.0.0.1", False),
        ("logs.internal:8000", "http://logs.internal:8000", "0.0.0.0", True),
        ("logs.internal:8000", "http://evil.example", "0.0.0.0", False),
        ("127.0.0.1:8000", "null", "127.0.0.1", False),
    ],
)
def test_pages_of_other_sites_are_kept_out(asked: str, origin: str | None, host: str, expected: bool) -> None:
    pytest.importorskip("textual_serve")
    from reconstruct.tui.web import is_ours

    assert is_ours(asked, origin, host, 8000) is expected


def test_it_answers_itself_and_nobody_else(tmp_path: Path) -> None:
    pytest.importorskip("textual_serve")
    from aiohttp.test_utils import TestClient, TestServer

    from reconstruct.tui.web import GuardedServer

    async def ask() -> list[int]:
        server = GuardedServer("true", host="127.0.0.1", port=8000)
        async with TestClient(TestServer(await server._make_app())) as client:
            tries = [
                {"Host": "localhost:8000"},
                {"Host": "evil.example"},
                {"Host": "localhost:8000", "Origin": "http://evil.example"},
            ]
            return [(await client.get("/", headers=headers)).status for headers in tries]

    assert asyncio.run(ask()) == [200, 403, 403]


PATIENCE_S = 60
LINE = '192.0.2.7 - - [02/Mar/2026:10:00:0{} +0000] "GET /page/{} HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"\n'


def test_what_a_browser_connects_to_is_the_interface_and_its_keys_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("textual_serve")
    from aiohttp import ClientWebSocketResponse
    from aiohttp.test_utils import TestClient, TestServer

    from reconstruct.tui.web import GuardedServer

    log = tmp_path / "shop.log"
    log.write_text("".join(LINE.format(n, n) for n in range(5)), "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(tmp_path / "cache"))

    processes: list[asyncio.subprocess.Process] = []
    begin = asyncio.create_subprocess_shell

    async def begin_and_remember(command: str, **more: Any) -> asyncio.subprocess.Process:
        processes.append(await begin(command, **more))
        return processes[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_shell", begin_and_remember)

    async def wait_for(socket: ClientWebSocketResponse, words: str) -> None:
        seen = b""
        async with asyncio.timeout(PATIENCE_S):
            while words.encode() not in seen:
                message = await socket.receive()
                seen += message.data if isinstance(message.data, bytes) else b""

    async def browse() -> None:
        server = GuardedServer(shlex.join([sys.executable, "-m", "reconstruct", "browse", "--", str(log)]), port=8000)
        async with TestClient(TestServer(await server._make_app())) as client:
            headers = {"Host": "localhost:8000", "Origin": "http://localhost:8000"}
            async with client.ws_connect("/ws?width=100&height=30", headers=headers) as socket:
                await wait_for(socket, "▸")
                await socket.send_json(["stdin", "5"])
                await wait_for(socket, "shop.log")
                await socket.send_json(["stdin", "\x11"])  # ^q
        for process in processes:  # the loop must not end before their pipes do
            await process.communicate()

    asyncio.run(browse())
