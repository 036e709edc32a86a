"""A whole campaign over simulated SIP answers, killed in the middle, and judged from two independent records.

    python -m benchmarks.campaign --cases 2000 --database sqlite|postgresql --workers N --kills 3

Real: the engine as `voicebot serve` composes it, its SIP carrier and media, dialog, guard, recorder, store, contact
policy, durable queue, and a clock that runs at the wall's pace and jumps over the hours in which nobody may be called.
Simulated: the telephone network and its people (benchmarks/campaign/far_end.py), and speech, which travels as tones in
place of models, so that tens of calls fit into two cores. Ends with 1 when an invariant is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.campaign.check import Check
from benchmarks.campaign.run import Options, Run
from benchmarks.machine import PACKAGES, describe
from tests.postgresql import private_cluster


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=30)
    parser.add_argument("--rate", type=float, default=8.0, help="calls a second, all workers together")
    parser.add_argument("--days", type=float, default=3, help="days of the campaign's clock")
    parser.add_argument("--folder", type=Path, help="where everything is left; a temporary folder without it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.database == "sqlite" and options.workers > 1:
        parser.error("the embedded database is for one worker; use --database postgresql")
    console = Console(stderr=True)
    machine = describe((*PACKAGES, "dbos", "sqlalchemy", "asyncpg"))
    with ExitStack() as opened:
        folder = options.folder or Path(opened.enter_context(tempfile.TemporaryDirectory()))
        database = None
        if options.database == "postgresql":
            database = asyncio.run(opened.enter_context(private_cluster()).empty())
        run = Run(
            Options(
                options.cases,
                database,
                options.workers,
                options.kills,
                options.concurrency,
                options.rate,
                options.days,
                folder.resolve(),
            ),
            lambda said: console.print(said, highlight=False, markup=False),
        )
        record = asyncio.run(run.make())
        check = Check(record)
        verdicts = check.verdicts()
    right, talked = check.understood()
    broken = [verdict for verdict in verdicts if verdict.broken]
    if options.json:
        result = {
            "machine": machine,
            "wall_seconds": round(record.wall_seconds),
            "verdicts": [{"name": v.name, "counted": v.counted, "broken": list(v.broken)} for v in verdicts],
            "talked": {"right": right, "of": talked, "by_role": {k: dict(v) for k, v in check.conversations.items()}},
        }
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
        return 1 if broken else 0
    out = Console()
    out.print(machine)
    title = f"{options.cases} cases, {options.database}, {options.workers} worker(s), {options.kills} kills"
    table = Table("invariant", "counted", "holds", title=f"{title}: {record.wall_seconds / 60:.1f} min")
    for verdict in verdicts:
        table.add_row(verdict.name, verdict.counted, "yes" if not verdict.broken else f"NO: {len(verdict.broken)}")
    out.print(table)
    for verdict in broken:
        for said in verdict.broken[:10]:
            out.print(f"{verdict.name}: {said}", highlight=False, markup=False)
    out.print(f"{right} of {talked} conversations ended as their person wanted.", highlight=False)
    for role, ends in sorted(check.conversations.items()):
        out.print(f"  {role}: {dict(ends.most_common())}", highlight=False, markup=False)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
