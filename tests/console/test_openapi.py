"""The OpenAPI document describes exactly what is served, and what is served fits the document."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest

from voicebot.console.openapi import document
from voicebot.console.routes import ROUTES

Console = Any
PAGE = {"/", "/page.css", "/page.js", "/api/v1/openapi.json"}


async def test_the_document_names_every_route_and_no_other(console: Console) -> None:
    spec = await (await console.client.get("/api/v1/openapi.json")).json()
    documented = {(method.upper(), path) for path, item in spec["paths"].items() for method in item}
    served = {
        (route.method, route.resource.canonical)
        for route in console.client.app.router.routes()
        if route.method != "HEAD" and route.resource.canonical not in PAGE
    }
    assert documented == served
    assert spec["openapi"] == "3.1.0"
    assert spec["info"]["version"] == "1.2.3"


def test_every_reference_leads_somewhere_and_every_operation_has_its_own_name() -> None:
    spec = document(ROUTES, "1")
    names: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                assert value["$ref"].removeprefix("#/components/schemas/") in spec["components"]["schemas"]
            if "operationId" in value:
                names.append(value["operationId"])
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(spec)
    assert len(names) == len(set(names)) == len(ROUTES)


@pytest.mark.parametrize(
    "path",
    [
        "/healthz", "/readyz", "/api/v1/me", "/api/v1/calls", "/api/v1/calls/old", "/api/v1/calls/old/timeline",
        "/api/v1/cases", "/api/v1/cases/case-1", "/api/v1/cases/case-1/payments", "/api/v1/policy/halt",
        "/api/v1/agents", "/api/v1/agents/a1/state", "/api/v1/handoffs",
        "/api/v1/handoffs/h1", "/api/v1/audit", "/api/v1/calls/none", "/api/v1/cases?limit=x",
        "/api/v1/webhooks/deliveries", "/api/v1/webhooks/deliveries?state=x",
    ],
)  # fmt: skip
async def test_answers_fit_their_schemas(console: Console, path: str) -> None:
    console.ring("fresh")
    console.happen("old", "turn.heard", text="喂")
    await console.store.audit.append("test", "act", "thing:1")
    spec = document(ROUTES, "1")
    response = await console.client.get(path, headers=console.auth("admin"))
    bare = path.partition("?")[0]
    template = next(route.path for route in ROUTES if route.method == "GET" and _fits(route.path, bare))
    described = spec["paths"][template]["get"]["responses"][str(response.status)]
    schema = described["content"][response.content_type]["schema"]
    jsonschema.validate(
        await response.json(content_type=None),
        {**schema, "components": spec["components"]},
        format_checker=jsonschema.FormatChecker(),
    )


def test_parts_of_a_path_are_told_with_the_words_that_may_stand_there() -> None:
    spec = document(ROUTES, "1")
    (table, *_) = spec["paths"]["/api/v1/exports/{table}"]["get"]["parameters"]
    words = ["attempts", "calls", "dispositions", "promises", "messages"]
    assert table == {"name": "table", "in": "path", "required": True, "schema": {"type": "string", "enum": words}}
    for path, item in spec["paths"].items():
        for operation in item.values():
            told = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
            assert told == set(re.findall(r"{(\w+)}", path))


def _fits(template: str, path: str) -> bool:
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(a in ("{id}", b) for a, b in zip(wanted, given, strict=True))
