"""`voicebot demo`: the engine and real telephones on this machine, three calls in spoken Mandarin."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer


def command(
    output: Annotated[
        Path | None, typer.Option(help="Folder for data, logs and audio; a new one under demo-output by default.")
    ] = None,
    listen: Annotated[bool, typer.Option("--listen", help="Leave the audio of both sides as WAV.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Keep the engine up after the calls, until Ctrl-C.")] = False,
) -> None:
    """Holds three real calls over SIP and RTP: a reminder that ends in a promise, a relative who learns nothing, and a
    caller in difficulty who is handed to a human. Exits 1 when anything did not come true."""
    from voicebot.cli._logging import set_up_logging
    from voicebot.cli._terminal import fail, out
    from voicebot.demo.stage import DemoFailed, DemoOptions, perform, stage
    from voicebot.demo.telephones import TelephoneFailed
    from voicebot.demo.terminal import CallReport, LiveTerminal
    from voicebot.speech.catalogue import CatalogueError
    from voicebot.store.errors import StoreUnavailable

    set_up_logging("warning", "text")
    folder = (output or Path("demo-output") / datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")).resolve()
    terminal = LiveTerminal(out)

    async def run() -> list[CallReport]:
        async with stage(DemoOptions(folder, listen), terminal) as found:
            reports = await perform(found, terminal)
            terminal.summary(reports)
            if listen:
                terminal.say(f"录音：{folder / 'audio'}")
            if serve:
                terminal.say(f"引擎在 {found.url} 上，管理口令：{found.token}。按 Ctrl-C 结束。", "bold")
                await asyncio.Event().wait()
            return reports

    try:
        reports = asyncio.run(run())
    except KeyboardInterrupt:
        return
    except (DemoFailed, TelephoneFailed, CatalogueError, StoreUnavailable, OSError, TimeoutError) as error:
        raise fail(
            f"演示没有完成 / the demo did not finish: {error or type(error).__name__}", f"日志：{folder}"
        ) from None
    if not all(check.ok for report in reports for check in report.checks):
        raise typer.Exit(1)
