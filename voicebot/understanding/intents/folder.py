"""A model of the transformers family as a folder: its graph in ONNX, its tokenizer, and what its files say of itself.

The folder is what `save_pretrained` writes, with `model.onnx` (or `onnx/model.onnx`) beside it, as `optimum-cli export
onnx --model FOLDER OUT` makes it where a model is trained. Here torch is not needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_LONGEST = 64  # tokens; a telephone turn has some twenty
_PLAIN = ("tokenizer.json",)
_BY_NAME = ("tokenizer_config.json", "vocab.txt", "sentencepiece.bpe.model", "spiece.model", "vocab.json")


class EncoderError(ValueError):
    """A folder that cannot be used; the message says what is missing and how to mend it."""


class ModelFolder:
    """One model a process, on one thread: a turn is too short to gain from more."""

    def __init__(self, folder: Path) -> None:
        """Raises EncoderError where the graph or the tokenizer is missing or cannot be read."""
        self.folder = folder
        graph = next((path for path in (folder / "model.onnx", folder / "onnx" / "model.onnx") if path.exists()), None)
        if graph is None:
            raise EncoderError(
                f"{folder / 'model.onnx'}: missing; pull the encoder of the catalogue, or give a folder that has it "
                "(`optimum-cli export onnx --model FOLDER OUT` makes it from a transformers folder)"
            )
        self.config = _json(folder / "config.json")
        self._pieces = _tokenizer(folder)
        self._session = _session(graph)
        self._inputs = {given.name for given in self._session.get_inputs()}
        self.output = str(self._session.get_outputs()[0].name)
        """Name of the first output: `last_hidden_state` of an encoder, `logits` of a classifier."""
        digest = hashlib.sha256(graph.read_bytes())
        for name in (*_PLAIN, *_BY_NAME, "config.json"):
            if (folder / name).exists():
                digest.update((folder / name).read_bytes())
        self.mark = digest.hexdigest()[:16]
        """Names the model in the key of what was trained with it."""
        self.prompt = _prompt(folder, self.config)
        """What is written before a text, as the model was trained: `query: ` for the e5 family."""
        self.pools_first = bool(_json(folder / "1_Pooling" / "config.json").get("pooling_mode_cls_token"))
        """Whether the first token stands for the sentence, and not the mean of all (sentence-transformers' files)."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of a classification head in the order of its outputs; empty where the model has none."""
        named = self.config.get("id2label")
        if not isinstance(named, dict) or self.output != "logits":
            return ()
        return tuple(str(named[key]) for key in sorted(named, key=int))

    def run(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """The first output for a few texts, and the mask of their tokens: texts by tokens."""
        pieces = [self._pieces(f"{self.prompt}{text}") for text in texts]
        longest = max(len(piece) for piece in pieces)
        tokens = np.full((len(pieces), longest), int(self.config.get("pad_token_id") or 0), dtype=np.int64)
        mask = np.zeros((len(pieces), longest), dtype=np.int64)
        for row, piece in enumerate(pieces):
            tokens[row, : len(piece)] = piece
            mask[row, : len(piece)] = 1
        given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        found = self._session.run(None, {name: value for name, value in given.items() if name in self._inputs})
        return np.asarray(found[0], dtype=np.float32), mask.astype(np.float32)


def _session(graph: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as problem:
        raise EncoderError(f"{graph}: not a graph that ONNX Runtime can load ({problem}); export it again") from problem


def _tokenizer(folder: Path) -> Callable[[str], list[int]]:
    """The folder's tokenizer: `tokenizers` where its file is enough, `transformers` where only that can read it."""
    if (folder / "tokenizer.json").exists():
        from tokenizers import Tokenizer

        plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
        plain.enable_truncation(_LONGEST)
        plain.no_padding()
        return lambda text: list(plain.encode(text).ids)
    if not any((folder / name).exists() for name in _BY_NAME):
        raise EncoderError(f"{folder / 'tokenizer.json'}: missing; save the model's tokenizer beside its graph")
    from transformers import AutoTokenizer

    try:
        slow = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, ImportError) as problem:
        raise EncoderError(
            f"{folder}: transformers cannot read its tokenizer ({problem}); save it again with save_pretrained"
        ) from problem
    return lambda text: list(slow(text, truncation=True, max_length=_LONGEST)["input_ids"])


def _prompt(folder: Path, config: dict[str, Any]) -> str:
    told = _json(folder / "config_sentence_transformers.json")
    prompts, default = told.get("prompts") or {}, told.get("default_prompt_name")
    if default in prompts:
        return str(prompts[default])
    name = str(config.get("_name_or_path") or folder.name)
    return "query: " if "e5" in Path(name).name.lower() else ""


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise EncoderError(f"{path}: not readable as JSON ({problem}); save the model again") from problem
    return found if isinstance(found, dict) else {}
