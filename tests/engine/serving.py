"""One worker as a process of its own, as `voicebot serve` runs it but for the speech models: python serving.py FILE."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from tests.engine.people import PitchSpeech
from voicebot.app import serve
from voicebot.settings import load_settings
from voicebot.store.records import ContactHistory, Permission


def permit(history: ContactHistory) -> Permission:
    """Everything at every hour: what may be dialled is not what these tests are about."""
    return Permission(True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)d %(name)s %(levelname)s %(message)s")
    # It talks slowly and hears nothing, so that a call goes on until somebody ends it.
    speech = PitchSpeech(deaf=True, character_seconds=0.15)
    asyncio.run(serve(load_settings(Path(sys.argv[1])), speech=speech, permit=permit))
