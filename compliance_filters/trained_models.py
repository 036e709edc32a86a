"""Where trained meaning models are kept: in the package for the shipped wording, in the user's cache for any other.

A model is found under the hash of the wording it learnt from, so a changed word means a new model and never an old one.
"""

from __future__ import annotations

import logging
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compliance_filters.meaning import FORMAT, MeaningModel, train

if TYPE_CHECKING:
    from compliance_filters.guard import PhraseGuard
    from compliance_filters.pack import RulePack

_log = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent / "trained"
"""Models of the shipped wording, in the wheel. `voicebot guard train` makes them."""


def cache() -> Path:
    """Folder of the models trained on this machine: `$XDG_CACHE_HOME/voicebot/guard`, or under `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "voicebot" / "guard"


def file_name(pack: RulePack) -> str:
    """Name of the file that holds the model of a pack's wording."""
    return f"meaning-{pack.wording_hash[:16]}-{FORMAT}.npz"


def read(path: Path) -> MeaningModel:
    """Raises OSError, ValueError, KeyError or BadZipFile for what is no model."""
    with np.load(path, allow_pickle=False) as kept:
        return MeaningModel.unpacked(kept)


def write(model: MeaningModel, path: Path) -> None:
    """Whole or not at all: a reader never sees half a file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.npz")
    # The arrays' own name for keyword arguments would let one of them be called "file".
    np.savez_compressed(draft, **model.packed())  # type: ignore[arg-type]
    draft.replace(path)


def model_for(pack: RulePack, guard: PhraseGuard) -> MeaningModel:
    """The trained model of a pack: shipped, cached, or trained now and cached."""
    name = file_name(pack)
    for path in (SHIPPED / name, cache() / name):
        if path.exists():
            try:
                return read(path)
            except (OSError, ValueError, KeyError, zipfile.BadZipFile):
                _log.warning("meaning model unreadable, training again", extra={"path": str(path)})
    model = train(pack, guard)
    try:
        write(model, cache() / name)
    except OSError:
        # A read-only home costs a few seconds at the next start and nothing else.
        _log.warning("meaning model not cached, it will be trained at every start", extra={"path": str(cache() / name)})
    return model
