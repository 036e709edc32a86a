"""The files of the browser's telephone, and the headers under which they are served."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiohttp import web

_FOLDER: Final = Path(__file__).parent / "browser_phone"
_TYPES: Final = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_HEADERS: Final = {
    # Nothing from elsewhere runs on a page that holds a token and the microphone.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def page_routes(prefix: str) -> list[web.RouteDef]:
    """`{prefix}/` and the scripts it loads."""

    def serve(name: str) -> web.RouteDef:
        path = _FOLDER / name
        body, content_type = path.read_text("utf-8"), _TYPES[path.suffix]

        async def answer(request: web.Request) -> web.Response:
            return web.Response(text=body, content_type=content_type, headers=_HEADERS)

        return web.get(f"{prefix}/{'' if name == 'index.html' else name}", answer)

    return [serve(path.name) for path in sorted(_FOLDER.iterdir())]
