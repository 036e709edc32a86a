"""Reading requests: what does not fit is explained field by field."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from voicebot.console.problems import Problem

Model = TypeVar("Model", bound=BaseModel)


async def read_body(request: web.Request, model: type[Model]) -> Model:
    """The JSON body as `model`. Raises Problem 400, 413, 415 or 422."""
    if request.content_type != "application/json":
        raise Problem(
            415,
            "not-json",
            f"The body is {request.content_type}.",
            "Send JSON, with the header Content-Type: application/json.",
        )
    raw = await request.read()
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise _unreadable(f"The body is not UTF-8: {error.reason} at byte {error.start}.") from error
    except json.JSONDecodeError as error:
        raise _unreadable(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(f"The body is not JSON that can be used: {error}.") from error
    return _validate(model, value, "body")


def read_query(request: web.Request, model: type[Model]) -> Model:
    """The query as `model`. Raises Problem 422; a parameter given twice is a mistake."""
    repeated = sorted({name for name in request.query if len(request.query.getall(name)) > 1})
    if repeated:
        errors = [
            {"where": f"query.{name}", "what": "given more than once", "remedy": "Give it once."} for name in repeated
        ]
        raise Problem(422, "invalid", "The query contains mistakes.", "See `errors`.", errors=errors)
    return _validate(model, dict(request.query), "query")


def _validate(model: type[Model], value: Any, place: str) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        errors = [
            {
                "where": ".".join([place, *(str(part) for part in detail["loc"])]),
                "what": detail["msg"],
                "remedy": _remedy(model, detail["loc"], detail["type"]),
            }
            for detail in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise Problem(422, "invalid", f"The {place} contains mistakes.", "See `errors`.", errors=errors) from error


def _remedy(model: type[BaseModel], location: tuple[int | str, ...], kind: str) -> str:
    if kind == "extra_forbidden":
        return f"Leave it out. Known: {', '.join(model.model_fields)}."
    info = model.model_fields.get(str(location[0])) if location else None
    if info is not None and info.description:
        return " ".join(info.description.split())
    return "See /api/v1/openapi.json."


def _unreadable(detail: str) -> Problem:
    return Problem(400, "unreadable", detail, "Send one JSON object in UTF-8.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
