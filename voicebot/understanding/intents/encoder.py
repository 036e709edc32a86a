"""A transformers sentence encoder on ONNX Runtime: what a sentence means, whatever its words. Optional; no torch."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
DEFAULT_NAME = "multilingual-e5-small"
WEIGHTS = "e5-small-q4.bin"
"""The 4-bit weights, as a package ships them."""
_log = logging.getLogger(__name__)
_LONGEST = 64  # tokens; a telephone turn has some twenty
_BATCH = 32


class EncoderError(ValueError):
    """An encoder folder that cannot be used; the message says what is missing and how to mend it."""


class Encoder:
    """One model a process, on one thread: a turn is too short to gain from more."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds `model.onnx` (input_ids and attention_mask in, last_hidden_state first out) and
        `tokenizer.json`."""
        import onnxruntime
        from tokenizers import Tokenizer

        model, words = folder / "model.onnx", folder / "tokenizer.json"
        for needed in (model, words):
            if not needed.exists():
                raise EncoderError(
                    f"{needed}: missing; pull the encoder of the catalogue, or give a folder that has it"
                )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._inputs = {given.name for given in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_file(str(words))
        self._tokenizer.enable_truncation(_LONGEST)
        self._tokenizer.no_padding()
        digest = hashlib.sha256(model.read_bytes())
        digest.update(words.read_bytes())
        self.mark = digest.hexdigest()[:16]
        """Names the model in the key of what was trained with it."""

    def vector(self, text: str) -> Floats:
        """The sentence as one vector of length one."""
        row: Floats = self.vectors([text])[0]
        return row

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Sentences as rows of length one, in the order given; sentences of like length are run together."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        rows: dict[int, Floats] = {}
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            for place, row in zip(places, self._run([texts[place] for place in places]), strict=True):
                rows[place] = row
        return np.stack([rows[place] for place in range(len(texts))])

    def _run(self, texts: Sequence[str]) -> Floats:
        pieces = [self._tokenizer.encode(f"query: {text}").ids for text in texts]
        longest = max(len(piece) for piece in pieces)
        tokens = np.ones((len(pieces), longest), dtype=np.int64)
        mask = np.zeros((len(pieces), longest), dtype=np.int64)
        for row, piece in enumerate(pieces):
            tokens[row, : len(piece)] = piece
            mask[row, : len(piece)] = 1
        given = {"input_ids": tokens, "attention_mask": mask}
        if "token_type_ids" in self._inputs:
            given["token_type_ids"] = np.zeros_like(tokens)
        states = self._session.run(None, given)[0]
        share = mask[:, :, None].astype(np.float32)
        mean = (states * share).sum(1) / share.sum(1)
        return np.asarray(mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def installed_encoder() -> Path | None:
    """The pulled default encoder, None when it was not pulled: `$VOICEBOT_MODELS`, or the user's data directory.

    Where the pulled model is the 4-bit weights, the graph is made from them once, beside the trained models.
    """
    named = os.environ.get("VOICEBOT_MODELS")
    models = Path(named) if named else Path.home() / ".local" / "share" / "voicebot" / "models"
    folder = models / DEFAULT_NAME
    if (folder / "model.onnx").exists() and (folder / "tokenizer.json").exists():
        return folder
    weights, tokenizer = folder / WEIGHTS, folder / "tokenizer.json"
    if not (weights.exists() and tokenizer.exists()):
        return None
    cached = os.environ.get("VOICEBOT_CACHE")
    made = (Path(cached) if cached else Path.home() / ".cache" / "voicebot") / "encoders" / DEFAULT_NAME
    if not (made / "model.onnx").exists():
        from voicebot.understanding.intents.e5_graph import WeightsError, build

        try:
            build(weights, tokenizer, made)
        except (ImportError, OSError, WeightsError) as problem:
            _log.warning("the sentence encoder could not be made", extra={"path": str(weights), "reason": str(problem)})
            return None
    return made
