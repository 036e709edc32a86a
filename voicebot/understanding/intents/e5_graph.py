"""Makes an ONNX encoder out of the 4-bit weights of multilingual-e5-small, with the rows of Chinese and English only.

The weights file ("E5S1") holds a small header, the vocabulary, and tensors either as 32-bit floats or in blocks of 32
four-bit numbers with a 16-bit scale. The graph is a BERT encoder of the lowest layers, with the matrices in 8-bit
integers, a scale a column, so that a telephone turn takes a few milliseconds on one core. Needs the `onnx` package
when a model is made, and never when it is run.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_MAGIC = b"E5S1"
_BLOCK = 32
LAYERS = 6
"""Layers that are kept, half of them all: the other half costs as much time again and tells intents no better."""


class WeightsError(ValueError):
    """A weights file that is not one, or a tokenizer that does not fit it."""


@dataclass(frozen=True)
class Weights:
    """The weights file, tensors read when asked for."""

    data: memoryview
    hidden: int
    layers: int
    heads: int
    inner: int
    epsilon: float
    tensors: dict[str, tuple[int, int]] = field(repr=False)
    """Name to offset and size in bytes."""

    def floats(self, name: str) -> Floats:
        offset, size = self._place(name)
        return np.frombuffer(self.data, np.float32, size // 4, offset).copy()

    def four_bit(self, name: str, rows: int, columns: int) -> Floats:
        offset, _ = self._place(name)
        blocks = rows * columns // _BLOCK
        raw = np.frombuffer(self.data, np.uint8, blocks * 18, offset).reshape(blocks, 18)
        scale = raw[:, :2].copy().view(np.float16).astype(np.float32)
        packed = raw[:, 2:]
        low, high = (packed & 15).astype(np.int8) - 8, (packed >> 4).astype(np.int8) - 8
        return np.asarray(np.concatenate([low, high], 1).astype(np.float32) * scale, dtype=np.float32).reshape(
            rows, columns
        )

    def _place(self, name: str) -> tuple[int, int]:
        if name not in self.tensors:
            raise WeightsError(f"the weights hold no tensor {name!r}")
        return self.tensors[name]


def read_weights(path: Path) -> Weights:
    """Reads header and directory. Raises WeightsError on another kind of file."""
    data = memoryview(path.read_bytes())
    if bytes(data[:4]) != _MAGIC:
        raise WeightsError(f"{path}: not a file of 4-bit e5 weights")
    place = 8

    def take(form: str) -> tuple[int | float, ...]:
        nonlocal place
        values = struct.unpack_from("<" + form, data, place)
        place += struct.calcsize("<" + form)
        return values

    hidden, layers, heads, inner, _, _, _ = (int(value) for value in take("7i"))
    epsilon = float(take("f")[0])
    take("i")
    pieces = int(take("5i")[0])
    blob = int(take("Q")[0])
    place += (pieces + 1) * 4 + pieces * 4 + blob
    _, normaliser = take("iI")
    place += int(normaliser)
    tensors: dict[str, tuple[int, int]] = {}
    for _ in range(int(take("i")[0])):
        length = int(take("H")[0])
        name = bytes(data[place : place + length]).decode()
        place += length + 1
        _, offset, size = take("IQQ")
        tensors[name] = (int(offset), int(size))
    return Weights(data, hidden, layers, heads, inner, epsilon, tensors)


def prune_tokenizer(source: Path) -> tuple[str, list[int]]:
    """The tokenizer with the pieces of Chinese, Latin letters, digits and punctuation, and the rows they had before."""
    data = json.loads(source.read_text(encoding="utf-8"))
    vocabulary = data["model"]["vocab"]
    kept = [place for place, (piece, _) in enumerate(vocabulary) if place < 4 or _useful(piece)]
    last = len(vocabulary) - 1
    if kept[-1] != last:
        kept.append(last)
    place_of = {old: new for new, old in enumerate(kept)}
    data["model"]["vocab"] = [vocabulary[old] for old in kept]
    data["model"]["unk_id"] = place_of[data["model"]["unk_id"]]
    for added in data.get("added_tokens", []):
        added["id"] = place_of[added["id"]]
    special = (data.get("post_processor") or {}).get("special_tokens") or {}
    for entry in special.values():
        entry["ids"] = [place_of[old] for old in entry["ids"]]
    return json.dumps(data, ensure_ascii=False), kept


def _useful(piece: str) -> bool:
    body = piece.replace("▁", "")
    return all("一" <= sign <= "鿿" or sign.isascii() or sign in "，。？！、：；“”‘’（）…—《》·￥" for sign in body)


def build(weights_file: Path, tokenizer_file: Path, folder: Path) -> Path:
    """Writes `model.onnx` and `tokenizer.json` into `folder`; gives the model's path."""
    import onnx

    weights = read_weights(weights_file)
    tokenizer, kept = prune_tokenizer(tokenizer_file)
    model = _Graph(replace(weights, layers=min(LAYERS, weights.layers)), kept).model()
    onnx.checker.check_model(model)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "model.onnx"
    partial = folder / "model.onnx.partial"
    partial.write_bytes(model.SerializeToString())
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    partial.replace(target)
    return target


class _Graph:
    """The encoder as ONNX nodes, built from the bottom up."""

    def __init__(self, weights: Weights, kept: list[int]) -> None:
        self._weights = weights
        self._kept = kept
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def model(self) -> Any:
        from onnx import TensorProto, helper

        state, bias = self._embed()
        for layer in range(self._weights.layers):
            state = self._layer(layer, state, bias)
        self._node("Identity", [state], "last_hidden_state")
        shape = ["batch", "length"]
        graph = helper.make_graph(
            self._nodes,
            "e5",
            [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")],
            [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*shape, self._weights.hidden])],
            self._constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _constant(self, name: str, value: Any) -> str:
        from onnx import numpy_helper

        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _matrix(self, name: str, state: str, parts: list[str], rows: int, columns: int) -> str:
        """state times the parts' matrices side by side, in 8-bit integers, one scale a column, plus their biases."""
        from onnx import helper

        held = self._weights
        matrix = np.concatenate([held.four_bit(f"{part}.w", rows, columns) for part in parts]).T
        bias = np.concatenate([held.floats(f"{part}.b") for part in parts])
        scale = np.maximum(np.abs(matrix).max(0), 1e-8) / 127.0
        whole = np.clip(np.round(matrix / scale), -127, 127).astype(np.int8)
        kept = self._constant(f"{name}.q", whole)
        zero = self._constant(f"{name}.zero", np.zeros((), dtype=np.int8))
        inputs = [f"{name}.in", f"{name}.in_scale", f"{name}.in_zero"]
        self._nodes.append(helper.make_node("DynamicQuantizeLinear", [state], inputs))
        product = self._node("MatMulInteger", [inputs[0], kept, inputs[2], zero], f"{name}.product")
        grown = self._node("Cast", [product], f"{name}.float", to=1)
        factor = self._node(
            "Mul", [inputs[1], self._constant(f"{name}.scale", scale.astype(np.float32))], f"{name}.factor"
        )
        scaled = self._node("Mul", [grown, factor], f"{name}.scaled")
        return self._node("Add", [scaled, self._constant(f"{name}.bias", bias)], f"{name}.out")

    def _normed(self, name: str, state: str) -> str:
        held = self._weights
        inputs = [
            state,
            self._constant(f"{name}.scale", held.floats(f"{name}.w")),
            self._constant(f"{name}.shift", held.floats(f"{name}.b")),
        ]
        return self._node("LayerNormalization", inputs, f"{name}.out", axis=-1, epsilon=held.epsilon)

    def _embed(self) -> tuple[str, str]:
        held = self._weights
        rows = held.tensors["emb.word"][1] // 18 * _BLOCK // held.hidden
        if max(self._kept) >= rows:
            raise WeightsError("the tokenizer has more pieces than the weights have rows; take both of the same model")
        words = held.four_bit("emb.word", rows, held.hidden)[self._kept]
        scale = np.maximum(np.abs(words).max(1, keepdims=True), 1e-8) / 127.0
        whole = np.clip(np.round(words / scale), -127, 127).astype(np.int8)
        picked = self._node("Gather", [self._constant("words", whole), "input_ids"], "picked")
        scales = self._node(
            "Gather", [self._constant("word_scales", scale.astype(np.float32)), "input_ids"], "picked_scales"
        )
        word = self._node("Mul", [self._node("Cast", [picked], "picked_float", to=1), scales], "word")
        places = held.floats("emb.pos").reshape(-1, held.hidden) + held.floats("emb.type").reshape(-1, held.hidden)[0]
        length = self._node(
            "Gather", [self._node("Shape", ["input_ids"], "shape"), self._constant("second", np.array([1]))], "length"
        )
        zero = self._constant("zero", np.array([0]))
        spots = self._node(
            "Slice", [self._constant("places", places), zero, length, self._constant("axis", np.array([0]))], "spots"
        )
        state = self._normed("emb.ln", self._node("Add", [word, spots], "embedded"))
        mask = self._node("Cast", ["attention_mask"], "mask_float", to=1)
        off = self._node("Sub", [self._constant("one", np.float32(1.0)), mask], "off")
        heavy = self._node("Mul", [off, self._constant("heavy", np.float32(-1e9))], "heavy_off")
        bias = self._node("Unsqueeze", [heavy, self._constant("axes", np.array([1, 2]))], "mask_bias")
        return state, bias

    def _layer(self, layer: int, state: str, bias: str) -> str:
        from onnx import helper

        held, name = self._weights, f"l{layer}"
        size = held.hidden // held.heads
        split = self._constant(f"{name}.split", np.array([0, 0, held.heads, size]))
        joint = self._matrix(f"{name}.qkv", state, [f"{name}.{part}" for part in "qkv"], held.hidden, held.hidden)
        flat = [f"{name}.{part}.flat" for part in "qkv"]
        self._nodes.append(helper.make_node("Split", [joint], flat, axis=-1, num_outputs=3))
        parts = {}
        for part, given in zip("qkv", flat, strict=True):
            headed = self._node("Reshape", [given, split], f"{name}.{part}.heads")
            order = [0, 2, 3, 1] if part == "k" else [0, 2, 1, 3]
            parts[part] = self._node("Transpose", [headed], f"{name}.{part}.turned", perm=order)
        score = self._node("MatMul", [parts["q"], parts["k"]], f"{name}.score")
        root = self._constant(f"{name}.root", np.float32(size**-0.5))
        masked = self._node("Add", [self._node("Mul", [score, root], f"{name}.rooted"), bias], f"{name}.masked")
        share = self._node("Softmax", [masked], f"{name}.share", axis=-1)
        mixed = self._node("MatMul", [share, parts["v"]], f"{name}.mixed")
        back = self._node("Transpose", [mixed], f"{name}.back", perm=[0, 2, 1, 3])
        joined = self._node(
            "Reshape", [back, self._constant(f"{name}.join", np.array([0, 0, held.hidden]))], f"{name}.joined"
        )
        attended = self._matrix(f"{name}.ao", joined, [f"{name}.ao"], held.hidden, held.hidden)
        state = self._normed(f"{name}.aln", self._node("Add", [state, attended], f"{name}.after_attention"))
        inner = self._matrix(f"{name}.fi", state, [f"{name}.fi"], held.inner, held.hidden)
        bent = self._node("Gelu", [inner], f"{name}.bent")
        outer = self._matrix(f"{name}.fo", bent, [f"{name}.fo"], held.hidden, held.inner)
        return self._normed(f"{name}.oln", self._node("Add", [state, outer], f"{name}.after_inner"))
