"""Errors of the API as RFC 9457 problem details: what is wrong, where, and how to mend it."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from voicebot.store.errors import StoreRefused, StoreUnavailable

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT_TYPE = "application/problem+json"

_TITLES = {
    400: "The request cannot be read",
    401: "A valid token is needed",
    403: "This token may not do that",
    404: "There is no such thing here",
    405: "This method is not offered here",
    409: "This cannot be done now",
    413: "The request is too large",
    415: "Only JSON is understood",
    422: "The request contains mistakes",
    429: "Too many attempts",
    500: "The engine made a mistake",
    503: "The engine cannot do this now",
}


class Problem(Exception):
    """A request that cannot be served."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        remedy: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`kind` is a stable word for programs, `detail` and `remedy` are for people."""
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.remedy = remedy
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def response(self, path: str) -> web.Response:
        body: dict[str, Any] = {
            "type": f"urn:voicebot:problem:{self.kind}",
            "title": _TITLES.get(self.status, "The request failed"),
            "status": self.status,
            "detail": self.detail,
            "instance": path,
            "remedy": self.remedy,
        }
        if self.errors:
            body["errors"] = [dict(error) for error in self.errors]
        text = json.dumps(body, ensure_ascii=False)
        return web.Response(text=text, status=self.status, headers=self.headers, content_type=CONTENT_TYPE)


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns whatever goes wrong into a problem document; a traceback goes to the log and never to the client."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _of_http(error, request).response(request.path)
    except Exception as error:
        return _of_error(error, request).response(request.path)


def _of_error(error: Exception, request: web.Request) -> Problem:
    match error:
        case Problem():
            return error
        case StoreRefused():
            return Problem(422, "refused", str(error), "Change what the detail names; nothing was stored.")
        case StoreUnavailable():
            log.warning("the store is unavailable", extra={"path": request.path})
            remedy = "Try again shortly; /readyz says what is wrong."
            return Problem(503, "store-unavailable", str(error), remedy, headers={"Retry-After": "5"})
    log.error("a request failed", exc_info=error, extra={"path": request.path, "method": request.method})
    remedy = "Try again; if it fails again, look into the engine's log at this time."
    return Problem(500, "fault", "The engine could not finish the request.", remedy)


def _of_http(error: web.HTTPException, request: web.Request) -> Problem:
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Problem(413, "too-large", error.text or error.reason, "Send less, or raise http.max_body_bytes.")
    if isinstance(error, web.HTTPNotFound):
        return Problem(404, "not-found", f"There is nothing at {request.path}.", "See /api/v1/openapi.json.")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        remedy = f"Offered here: {allowed}."
        detail = f"{request.method} is not offered at {request.path}."
        return Problem(405, "method-not-allowed", detail, remedy, headers={"Allow": allowed})
    return Problem(error.status, "bad-request", error.reason, "See /api/v1/openapi.json.")
