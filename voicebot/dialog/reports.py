"""Findings as other programs read them: JSON of the evaluation contract, SARIF 2.1.0, GitHub annotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from voicebot.dialog.places import Finding, Severity

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(findings: Sequence[Finding], locale: str) -> dict[str, Any]:
    return {
        "findings": [
            {
                "rule": item.rule,
                "severity": item.severity.value,
                "file": item.place.file,
                "line": item.place.line,
                "column": item.place.column,
                "message": item.message[locale],
                "remedy": item.remedy[locale],
                "path": list(item.path),
            }
            for item in findings
        ]
    }


def as_sarif(findings: Sequence[Finding], locale: str) -> dict[str, Any]:
    return {
        "$schema": SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "voicebot flow check",
                        "rules": [{"id": rule} for rule in sorted({item.rule for item in findings})],
                    }
                },
                "results": [
                    {
                        "ruleId": item.rule,
                        "level": item.severity.value,
                        "message": {"text": "\n".join([f"{item.message[locale]} {item.remedy[locale]}", *item.path])},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": item.place.file},
                                    "region": {
                                        "startLine": max(item.place.line, 1),
                                        "startColumn": max(item.place.column, 1),
                                    },
                                }
                            }
                        ],
                    }
                    for item in findings
                ],
            }
        ],
    }


def as_github(findings: Sequence[Finding], locale: str) -> str:
    """Workflow commands, one a line."""
    return "\n".join(
        f"::{'error' if item.severity is Severity.ERROR else 'warning'} file={item.place.file},line={item.place.line},"
        f"col={item.place.column},title={item.rule}::{_escaped(f'{item.message[locale]} {item.remedy[locale]}')}"
        for item in findings
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
