"""The interface in a browser, by textual-serve; pages of other sites do not get in.

A browser lets any page open a web socket to any address, this machine's own too. What is served here reads logs and takes
keys, so a connection must come from the page that was served: same host in ``Host`` and ``Origin``.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from rich.console import Console
from textual_serve.server import Server

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class GuardedServer(Server):
    """Refuses requests that are not for the address served, and sockets opened by other pages."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: web.Handler) -> web.StreamResponse:  # type: ignore[name-defined]
        if not is_ours(request.host, request.headers.get("Origin"), self.host, self.port):
            raise web.HTTPForbidden(text="not from here")
        response: web.StreamResponse = await handler(request)
        return response

    async def on_startup(self, app: web.Application) -> None:
        """Say where, on stderr: stdout is for data."""
        self.console.print(f"serving on {self.public_url}; Ctrl+C ends it", highlight=False, markup=False)


def is_ours(asked: str, origin: str | None, host: str, port: int) -> bool:
    """Whether a request may be answered.

    Args:
        asked: The ``Host`` header. A name that was made to point here (DNS rebinding) is not the one served.
        origin: The ``Origin`` header: the page that asks; None for a page opened by hand.
        host: Address served; any name is right for one that is not the loopback's.
        port: Port served.
    """
    named = {f"{name}:{port}" for name in ({*LOOPBACK, host} if host in LOOPBACK or host == "::1" else {host})}
    if host in LOOPBACK and asked not in named | {name.rsplit(":", 1)[0] for name in named}:
        return False
    return origin is None or urlsplit(origin).netloc == asked


def serve(command: str, host: str, port: int) -> None:
    """Serve the command until interrupted."""
    shown = f"[{host}]" if ":" in host else host
    server = GuardedServer(command, host=host, port=port, title="reconstruct", public_url=f"http://{shown}:{port}")
    server.console = Console(stderr=True)
    server.serve()
