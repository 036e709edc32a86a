"""What the documentation promises of the API, the metrics and the commands exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voicebot.cli import app
from voicebot.console import EngineMetrics
from voicebot.console.access import Role
from voicebot.console.routes import ROUTES

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / name for name in ("api.md", "operator.md", "agent.md", "configuration.md", "webhooks.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_route_that_is_mentioned_is_served(page: Path) -> None:
    served = {f"{route.method} {re.sub('{[^}]*}', '*', route.path)}" for route in ROUTES}
    served.add("GET /api/v1/openapi.json")
    mentioned = re.findall(r"`(GET|POST|PUT|DELETE) (/[^`\s?]*)", page.read_text(encoding="utf-8"))
    for method, path in mentioned:
        assert f"{method} {re.sub('{[^}]*}|ID', '*', path)}" in served


def test_every_metric_that_is_mentioned_is_counted() -> None:
    families = {family.name for family in EngineMetrics().registry.collect()}
    mentioned = set(re.findall(r"`(voicebot_[a-z_]+)", (DOCS / "operator.md").read_text(encoding="utf-8")))
    assert len(mentioned) > 8
    assert {name.removesuffix("_total") for name in mentioned} <= families


def test_every_role_is_explained() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    assert all(f"| {role.value} |" in page for role in Role)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_shown_exists(page: Path) -> None:
    shown = re.findall(r"(?:\$ |&& |`)voicebot ([a-z-]+)(?: ([a-z-]+))?", page.read_text(encoding="utf-8"))
    assert shown
    groups = {group.name: group for group in app.registered_groups}
    for group, command in set(shown):
        arguments = [group, command, "--help"] if group in groups and command else [group, "--help"]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"{page.name}: voicebot {group} {command}"
