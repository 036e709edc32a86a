"""One worker of the simulated campaign: python -m benchmarks.campaign.worker SETTINGS CLOCK READY.

The whole engine as `voicebot serve` composes it, with two things in place of others: the clock that all processes
share, and speech that travels as tones. It says that it is ready by making the file READY, and drains on SIGTERM.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import signal
import sys
from pathlib import Path

from benchmarks.campaign.clock import SharedClock
from benchmarks.campaign.sound import TonedSpeech
from voicebot.app import assemble, campaigns, running
from voicebot.campaign.durable import DurableWork
from voicebot.settings import load_settings


async def work(settings_file: Path, clock_file: Path, ready: Path) -> None:
    settings = load_settings(settings_file)
    worker = await assemble(settings, clock=SharedClock(clock_file), speech=TonedSpeech())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(worker):
        async with campaigns(worker, DurableWork(settings.database, settings.worker.id)):
            await asyncio.to_thread(ready.touch)
            await stop.wait()
        await worker.drain()


if __name__ == "__main__":
    faulthandler.enable()
    logging.basicConfig(level=logging.WARNING, format="%(relativeCreated)d %(name)s %(levelname)s %(message)s")
    asyncio.run(work(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
