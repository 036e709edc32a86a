"""How many calls this machine carries at once: sipp callers that really speak, until frames come late.

    python -m benchmarks.calls --levels 2 4 8 16 --seconds 30

Each level starts that many sipp calls, which play recorded Mandarin speech at the inbound line. The engine runs in this
process with everything on: recorder, voice activity, recognition, dialog, guard, synthesis. A level passes while the
95th percentile of the media ticker's lateness stays under 20 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe, quantile
from telephony.g711 import encode_ulaw
from telephony.sip_carrier import SipCarrier
from voicebot.call.board import TimelineEntry
from voicebot.demo.checks import response_times
from voicebot.demo.stage import DemoOptions, stage
from voicebot.demo.telephones import free_port
from voicebot.demo.terminal import LiveTerminal
from voicebot.speech.protocols import SpeechRequest

SPEECH = ("您好，我想问一下。", "我上个月失业了，现在没有收入。", "能不能帮我分期还款？", "好的，我明白了，谢谢您。")
PAUSE_SECONDS = 4.0
LATE_SECONDS = 0.020

CALLER = Path(__file__).parents[2] / "tests" / "telephony" / "sipp" / "uac.xml"
"""An ordinary sipp caller; here it talks until its time is up or the engine says goodbye."""

UNTIL_EITHER_ENDS = """<recv request="BYE" timeout="{milliseconds}" ontimeout="1"/>
  <send next="2"><![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0


]]></send>
  <label id="1"/>"""


def scenario(seconds: float, target: Path) -> None:
    """Writes the caller's scenario."""
    text = CALLER.read_text(encoding="utf-8")
    waits = UNTIL_EITHER_ENDS.format(milliseconds=int(seconds * 1000))
    changed = text.replace('<pause milliseconds="1500"/>', waits).replace("tone.ulaw", "caller.ulaw")
    changed = changed.replace("</scenario>", '  <label id="2"/>\n</scenario>')
    if waits not in changed or "caller.ulaw" not in changed:
        raise SystemExit(f"{CALLER} has changed: it no longer pauses or plays where this benchmark expects it")
    target.write_text(changed, encoding="utf-8")


async def speech(worker: Any, target: Path) -> None:
    """A caller's µ-law audio: sentences with pauses, looped by sipp."""
    voice = await worker.speech.synthesiser("zh-CN")
    audio = bytearray()
    for text in SPEECH:
        async for piece in voice.speak(SpeechRequest(text=text)):
            audio += piece
        audio += bytes(int(PAUSE_SECONDS * 8000) * 2)
    await asyncio.to_thread(target.write_bytes, encode_ulaw(bytes(audio)))


async def level(found: Any, calls: int, seconds: float, folder: Path) -> dict[str, Any]:
    carrier = found.worker.carriers["sip"]
    assert isinstance(carrier, SipCarrier)
    entries: list[TimelineEntry] = []
    found.watchers.append(entries.append)
    carrier.lateness.clear()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    began, cpu = time.monotonic(), usage.ru_utime + usage.ru_stime
    scenario(seconds, folder / "caller.xml")
    process = await asyncio.create_subprocess_exec(
        "sipp", "-sf", str(folder / "caller.xml"), f"127.0.0.1:{found.worker.settings.sip.port}",
        "-s", "4000000000", "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", str(free_port()),
        "-mp", str(free_port(span=4 * calls + 40)),
        "-m", str(calls), "-l", str(calls), "-r", str(min(calls, 5)),
        "-nostdin", "-timeout", f"{int(seconds) + 60}s", "-timeout_error",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, cwd=folder,
    )  # fmt: skip
    _, errors = await process.communicate()
    if process.returncode:
        sys.stderr.write(errors.decode(errors="replace")[-2000:])
    passed = time.monotonic() - began
    usage = resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.wait_for(found.worker.engine.idle.wait(), 60)
    found.watchers.clear()
    late = list(carrier.lateness)
    responses = response_times(entries)
    return {
        "calls": calls,
        "sipp_exit": process.returncode,
        "lateness_ms": {f"p{int(q * 100)}": round(quantile(late, q) * 1000, 1) for q in (0.5, 0.95, 0.99)},
        "ticks": len(late),
        "cores": round((usage.ru_utime + usage.ru_stime - cpu) / passed, 2),
        "memory_mib": usage.ru_maxrss // 1024,
        "turns": sum(entry.kind == "turn.heard" for entry in entries),
        "response_ms": {
            "n": len(responses),
            "p50": round(quantile(responses, 0.5) * 1000) if responses else None,
            "p95": round(quantile(responses, 0.95) * 1000) if responses else None,
        },
    }


async def measure(levels: list[int], seconds: float, folder: Path) -> list[dict[str, Any]]:
    results = []
    async with stage(DemoOptions(folder, max_calls=100), LiveTerminal(Console(quiet=True))) as found:
        await speech(found.worker, folder / "caller.ulaw")
        for calls in levels:
            results.append(await level(found, calls, seconds, folder))
            sys.stderr.write(f"{results[-1]}\n")
            if results[-1]["lateness_ms"]["p95"] > LATE_SECONDS * 1000 or results[-1]["sipp_exit"]:
                break
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", type=int, nargs="+", default=[1, 2, 4, 6, 8, 12, 16])
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    machine = describe()
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(measure(options.levels, options.seconds, Path(folder)))
    if options.json:
        sys.stdout.write(json.dumps({"machine": machine, "seconds": options.seconds, "levels": results}) + "\n")
        return
    console = Console()
    console.print(machine)
    table = Table(title=f"concurrent calls, {options.seconds:.0f} s each; lateness of the media ticker, ms")
    for heading in ("calls", "p50", "p95", "p99", "cores", "MiB", "turns", "response p50", "response p95", "sipp"):
        table.add_column(heading, justify="right")
    for found in results:
        late, response = found["lateness_ms"], found["response_ms"]
        table.add_row(
            str(found["calls"]), str(late["p50"]), str(late["p95"]), str(late["p99"]), str(found["cores"]),
            str(found["memory_mib"]), str(found["turns"]), str(response["p50"]), str(response["p95"]),
            "ok" if found["sipp_exit"] == 0 else f"exit {found['sipp_exit']}",
        )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    main()
