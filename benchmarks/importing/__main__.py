"""How long a table of invented cases takes to come in, and how much memory: the first time, and again.

    python -m benchmarks.importing --rows 10000 100000 1000000

Every size runs in a process of its own, so that its peak of memory is its own. The database is an embedded one in a
fresh folder unless `--database` names another.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks.machine import describe
from recordings.cipher import KeyRing
from voicebot.campaign.importing import ImportReport, import_cases
from voicebot.store import Store

HEADER = "合同号,姓名,称呼,证件后四位,手机号,机构,应还金额,到期日,风险等级,发薪日,年龄\n"


def write_table(file: Path, rows: int) -> None:
    """Invented cases; every thousandth row has a mistake."""
    with file.open("w", encoding="utf-8") as out:
        out.write(HEADER)
        for n in range(rows):
            number = "12" if n % 1000 == 999 else f"138{n:08d}"
            out.write(
                f"c-{n},王小样,女士,{n % 10000:04d},{number},示例银行,{100 + n % 9000}.50,2026-10-{1 + n % 28:02d},"
                f"{'ABC'[n % 3]},{1 + n % 28},{20 + n % 60}\n"
            )


async def measure(rows: int, database: str | None) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "cases.csv"
        write_table(file, rows)
        url = database or f"sqlite:///{folder}/store.db"
        start_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with await Store.open(url, KeyRing.generate(), migrate=True) as store:
            first_seconds, first = await _timed(file, store, folder)
            again_seconds, again = await _timed(file, store, folder)
        assert again.added == again.changed == 0, "the second import changed something"
        return {
            "rows": rows,
            "loaded": first.loaded,
            "rejected": first.rejected,
            "first_seconds": round(first_seconds, 1),
            "first_rows_a_second": round(rows / first_seconds),
            "again_seconds": round(again_seconds, 1),
            "again_unchanged": again.unchanged,
            "memory_before_mib": round(start_kib / 1024),
            "memory_peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


async def _timed(file: Path, store: Store, folder: Path) -> tuple[float, ImportReport]:
    began = time.perf_counter()
    report = await import_cases(file, store.cases, rejects=folder / "rejected.csv")
    return time.perf_counter() - began, report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--database")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    out = Console()
    if options.one:
        out.print(json.dumps(asyncio.run(measure(options.rows[0], options.database))), soft_wrap=True, highlight=False)
        return
    results = []
    for rows in options.rows:
        command = [sys.executable, "-m", "benchmarks.importing", "--one", "--rows", str(rows)]
        if options.database:
            command += ["--database", options.database]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        results.append(json.loads(done.stdout))
        Console(stderr=True).print(results[-1])
    out.print_json(data={"machine": describe(), "results": results})


if __name__ == "__main__":
    main()
