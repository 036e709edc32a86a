"""Training on a library from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import scripts_library
from voicebot.understanding.dialect import load_dialects
from voicebot.understanding.intents.encoder import Encoder
from voicebot.understanding.intents.examples import load_examples
from voicebot.understanding.intents.training import train_report
from voicebot.understanding.normalise import Normaliser


def train_library(
    *, library: Path | None = None, encoder: Path | None = None, folder: Path | None = None
) -> dict[str, Any]:
    """Trains on a library and keeps the model in `folder` (the cache when None). Raises ValueError on one that is
    unusable."""
    library = library or Path(scripts_library.__file__).parent
    normaliser = Normaliser(load_dialects(library))
    return train_report(normaliser, load_examples(library), None if encoder is None else Encoder(encoder), folder)
