"""The console as an aiohttp application."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from importlib import resources

from aiohttp import web

from voicebot.console.access import CALLER, FailedTokens, Role, identify, permit
from voicebot.console.calls import USED_KEYS, UsedKeys
from voicebot.console.events import BACKLOG, STREAMS, Backlog, Streams
from voicebot.console.openapi import document
from voicebot.console.problems import Handler, problem_middleware
from voicebot.console.routes import ROUTES, Route
from voicebot.console.services import SERVICES, ConsoleServices

_PAGE = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def create_application(
    services: ConsoleServices, *, monotonic: Callable[[], float] = time.monotonic
) -> web.Application:
    """Health, metrics, API, live events and the live page over the given services.

    The caller runs it, and may add routes of its own (a carrier's webhooks) before it does.
    """
    application = web.Application(
        middlewares=[_headers_middleware, problem_middleware], client_max_size=services.limits.max_body_bytes
    )
    application[SERVICES] = services
    application[BACKLOG] = Backlog(services.limits.event_backlog)
    application[STREAMS] = Streams()
    application[USED_KEYS] = UsedKeys()
    failures = FailedTokens(services.limits.failed_tokens_per_minute, monotonic)
    routes = tuple(_adapted(route, services) for route in ROUTES)
    for route in routes:
        application.router.add_route(route.method, route.path, _guarded(route, failures))
    _add_document(application, routes, services.version)
    _add_page(application)
    application.cleanup_ctx.append(_events)
    application.on_shutdown.append(_end_streams)
    return application


def _adapted(route: Route, services: ConsoleServices) -> Route:
    if route.path == "/metrics" and services.limits.metrics_need_token:
        return replace(route, roles=frozenset({Role.OPERATOR, Role.OFFICER}))
    return route


def _guarded(route: Route, failures: FailedTokens) -> Handler:
    """The handler behind the token check of its route: a route cannot be added without saying who may use it."""
    roles = route.roles
    if roles is None:
        return route.handler

    async def handle(request: web.Request) -> web.StreamResponse:
        who = await identify(request, request.app[SERVICES].store.tokens, failures)
        permit(who, roles)
        request[CALLER] = who
        return await route.handler(request)

    return handle


def _add_document(application: web.Application, routes: tuple[Route, ...], version: str) -> None:
    text = json.dumps(document(routes, version), ensure_ascii=False)

    async def show(request: web.Request) -> web.Response:
        return web.json_response(text=text)

    application.router.add_get("/api/v1/openapi.json", show)


def _add_page(application: web.Application) -> None:
    folder = resources.files("voicebot.console") / "page"
    for path, (name, kind) in _PAGE.items():
        application.router.add_get(path, _file((folder / name).read_text(encoding="utf-8"), kind))


def _file(text: str, kind: str) -> Handler:
    async def show(request: web.Request) -> web.Response:
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _POLICY}
        return web.Response(text=text, content_type=kind, charset="utf-8", headers=headers)

    return show


@web.middleware
async def _headers_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if not response.prepared:
        response.headers.update(_HEADERS)
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
    return response


async def _events(application: web.Application) -> AsyncIterator[None]:
    backlog = application[BACKLOG]
    backlog.follow(application[SERVICES].board)
    yield
    await backlog.close()


async def _end_streams(application: web.Application) -> None:
    await application[STREAMS].end()
