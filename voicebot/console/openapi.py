"""The OpenAPI 3.1 document, made from the table of routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from voicebot.console.access import Role
from voicebot.console.problems import CONTENT_TYPE as PROBLEM
from voicebot.console.routes import Route
from voicebot.console.schemas import ProblemAnswer

_IN_PATH = re.compile(r"{(\w+)}")
_REF = "#/components/schemas/{model}"


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """Paths, bodies, answers and problems of every route."""
    models = {ProblemAnswer} | {model for route in routes for model in _models(route)}
    ordered = sorted(models, key=lambda model: model.__name__)
    inputs = {route.body for route in routes if route.body} | {route.query for route in routes if route.query}
    _, schemas = models_json_schema(
        [(model, "validation" if model in inputs else "serialization") for model in ordered], ref_template=_REF
    )
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "voicebot",
            "version": version,
            "description": "Places and watches calls, takes cases, hands callers to agents.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _models(route: Route) -> set[type[BaseModel]]:
    found = {answer for answer in route.answers.values() if isinstance(answer, type)}
    return found | {model for model in (route.body, route.query) if model}


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{getattr(route.handler, '__name__', '')}",
        "summary": route.summary,
        "responses": _responses(route),
    }
    if route.roles is not None:
        operation["security"] = [{"token": []}]
        names = ", ".join(sorted(role.value for role in route.roles | {Role.ADMIN}))
        operation["description"] = f"Roles: {names}."
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(route.body)}}}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in _IN_PATH.findall(route.path):
        words = route.choices.get(name)
        schema = {"type": "string", "enum": list(words)} if words else {"type": "string"}
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    if route.query is not None:
        for name, schema in route.query.model_json_schema().get("properties", {}).items():
            found.append({"name": name, "in": "query", "required": False, "schema": schema})
    found += [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in route.headers.items()
    ]
    return found


def _responses(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, answer in route.answers.items():
        response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if isinstance(answer, str):
            response["content"] = {answer: {"schema": {"type": "string"}}}
        elif answer is not None:
            response["content"] = {"application/json": {"schema": _ref(answer)}}
        found[str(status)] = response
    access = (401, 403, 429) if route.roles is not None else ()
    for status in sorted({*route.problems, *access} - set(route.answers)):
        content = {PROBLEM: {"schema": _ref(ProblemAnswer)}}
        found[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    return found


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
