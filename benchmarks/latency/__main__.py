"""From the caller's last sound to the bot's first, by stage, over real SIP with the embedded engines.

    python -m benchmarks.latency --calls 10

Holds the demo's first call again and again. Every turn gives one sample of each stage:
endpoint (silence until the turn counts as over), recognition (what the words took beyond that silence), understanding,
first audio (guard and synthesis of the first line), and the whole response as the caller hears it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe, quantile
from voicebot.call.board import TimelineEntry
from voicebot.demo import cast
from voicebot.demo.stage import DemoOptions, stage
from voicebot.demo.terminal import LiveTerminal
from voicebot.store.records import Permission

STAGES = ("endpoint", "recognition", "understanding", "first_audio", "response")


def samples(entries: list[TimelineEntry]) -> dict[str, list[float]]:
    """Seconds by stage, one of each a turn that the bot answered."""
    found: dict[str, list[float]] = defaultdict(list)
    synthesised = {e.data["number"]: e.data["seconds"] for e in entries if e.kind == "line.synthesised"}
    for entry in entries:
        if entry.kind == "turn.heard":
            for name in ("endpoint", "recognition", "understanding"):
                found[name].append(entry.data[f"{name}_seconds"])
        elif entry.kind == "line.started" and "response_seconds" in entry.data:
            found["response"].append(entry.data["response_seconds"])
            if entry.data["number"] in synthesised:
                found["first_audio"].append(synthesised[entry.data["number"]])
    return found


async def measure(calls: int, folder: Path) -> dict[str, list[float]]:
    quiet = LiveTerminal(Console(quiet=True))
    gathered: dict[str, list[float]] = defaultdict(list)
    async with stage(DemoOptions(folder, permit=lambda history: Permission(True)), quiet) as found:
        for number in range(calls):
            case = replace(cast.PROMISER.case, id=f"bench-{number}", external_id=f"BENCH-{number}")
            await found.worker.store.cases.add(case)
            record = await found.outbound(replace(cast.PROMISER, case=case, key=f"bench-{number}"))
            for name, values in samples(list(record.entries)).items():
                gathered[name] += values
            sys.stderr.write(f"call {number + 1} of {calls}: {record.call.disposition}\n")
    return gathered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    machine = describe()
    with tempfile.TemporaryDirectory() as folder:
        gathered = asyncio.run(measure(options.calls, Path(folder)))
    result = {
        name: {
            "n": len(gathered[name]),
            "min": min(gathered[name], default=0.0),
            "p50": quantile(gathered[name], 0.5),
            "p95": quantile(gathered[name], 0.95),
            "max": max(gathered[name], default=0.0),
        }
        for name in STAGES
    }
    if options.json:
        sys.stdout.write(json.dumps({"machine": machine, "calls": options.calls, "seconds": result}) + "\n")
        return
    console = Console()
    console.print(machine)
    table = Table(title=f"{options.calls} calls, milliseconds")
    for heading in ("stage", "n", "min", "p50", "p95", "max"):
        table.add_column(heading, justify="right")
    for name, values in result.items():
        table.add_row(name, str(values["n"]), *(f"{values[key] * 1000:.0f}" for key in ("min", "p50", "p95", "max")))
    console.print(table)


if __name__ == "__main__":
    main()
