"""A transformers folder by configuration: its tokenizer, its graph in ONNX and its head are loaded; torch is not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from transformers import BertConfig, BertTokenizer

from voicebot.understanding import Context, Understander, load_understander
from voicebot.understanding.intents.classifier import Classifier
from voicebot.understanding.intents.encoder import Encoder
from voicebot.understanding.intents.folder import EncoderError, ModelFolder

SENTENCES = {
    "ask_human": ["我要转人工", "找个真人来", "叫你们经理来", "人工客服在吗"],
    "promise_to_pay": ["明天还两千", "周五一定还", "月底还清", "后天转给你"],
    "suspect_scam": ["你是骗子吧", "这是诈骗电话", "我不信你", "别想骗我"],
}
"""A tiny corpus on which a bag of characters is fine-tuned: enough to see that labels and logits arrive."""


def write_folder(folder: Path, labels: dict[int, str], head: bool = True) -> Path:
    """A transformers folder as `save_pretrained` and an export leave it, with a slow tokenizer: no tokenizer.json."""
    signs = sorted({sign for texts in SENTENCES.values() for text in texts for sign in text})
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *signs]
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(str(folder))
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    (folder / "tokenizer.json").unlink(missing_ok=True)
    BertConfig(vocab_size=len(words), id2label=labels).save_pretrained(str(folder))
    onnx.save(_graph(_fine_tuned(words, labels), head), str(folder / "model.onnx"))
    return folder


def _fine_tuned(words: list[str], labels: dict[int, str]) -> np.ndarray:
    """Weights of tokens by labels: how much likelier a character is under a label, learned by counting."""
    weights = np.zeros((len(words), len(labels)), dtype=np.float32)
    for label, texts in zip(range(len(labels)), SENTENCES.values(), strict=True):
        for sign in "".join(texts):
            weights[words.index(sign), label] += 1.0
    found = np.log((weights + 0.1) / (weights + 0.1).sum(0)) - np.log((weights + 0.1).mean(1, keepdims=True) + 0.1)
    found[:5] = 0.0
    return np.asarray(found - found.mean(1, keepdims=True), dtype=np.float32)


def _graph(weights: np.ndarray, head: bool) -> onnx.ModelProto:
    """Token states are rows of the weights; with a head they are summed to logits."""
    nodes = [helper.make_node("Gather", ["weights", "input_ids"], ["states" if head else "last_hidden_state"])]
    constants = [numpy_helper.from_array(weights, "weights")]
    name, shape = "last_hidden_state", ["batch", "length", weights.shape[1]]
    if head:
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
            helper.make_node("Mul", ["states", "wide"], ["kept"]),
            helper.make_node("ReduceSum", ["kept", "first"], ["logits"], keepdims=0),
        ]
        constants += [numpy_helper.from_array(np.array([2]), "last"), numpy_helper.from_array(np.array([1]), "first")]
        name, shape = "logits", ["batch", weights.shape[1]]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(given, TensorProto.INT64, ["batch", "length"]) for given in _INPUTS],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


_INPUTS = ("input_ids", "attention_mask")
LABELS = dict(enumerate(SENTENCES))


def test_a_classifier_of_intents_is_loaded_with_its_own_tokenizer(tmp_path: Path) -> None:
    classifier = Classifier(write_folder(tmp_path / "tuned", LABELS))
    found = classifier.probabilities(["给我找个人工", "月底还", "骗子"])
    assert [classifier.labels[place] for place in found.argmax(1)] == ["ask_human", "promise_to_pay", "suspect_scam"]
    assert np.allclose(found.sum(1), 1.0, atol=1e-5)
    assert "torch" not in sys.modules


def test_its_word_counts_in_the_engine(engine: Understander, tmp_path: Path, asking: Callable[..., Context]) -> None:
    tuned = load_understander(encoder=write_folder(tmp_path / "tuned", LABELS))
    assert tuned.layers[-1] == "classifier"
    text = "清找周"
    before, after = engine.scores(text), tuned.scores(text)
    raised = max(LABELS.values(), key=lambda label: after[label] - before[label])
    told = Classifier(tmp_path / "tuned").probabilities([text])[0]
    assert raised == LABELS[int(told.argmax())]
    assert sum(after.values()) == pytest.approx(1.0, abs=1e-3)
    assert tuned.understand("给我转人工", asking()).intents[0].id == "ask_human"


def test_an_encoder_without_a_head_gives_vectors_of_length_one(tmp_path: Path) -> None:
    encoder = Encoder(write_folder(tmp_path / "bare", LABELS, head=False))
    vectors = encoder.vectors(["转人工", "还两千"])
    assert vectors.shape == (2, len(LABELS))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_the_prompt_and_the_pooling_are_read_from_the_folder(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "bare", LABELS, head=False)
    assert ModelFolder(folder).prompt == ""
    told = {"prompts": {"query": "查询："}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(told), encoding="utf-8")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}), encoding="utf-8")
    told_by_folder = ModelFolder(folder)
    assert (told_by_folder.prompt, told_by_folder.pools_first) == ("查询：", True)


def test_labels_that_are_no_intents_are_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tuned", {0: "ask_human", 1: "LABEL_1", 2: "suspect_scam"})
    with pytest.raises(EncoderError, match=r"LABEL_1.*id2label"):
        Classifier(folder)


def test_a_folder_without_graph_or_tokenizer_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EncoderError, match=r"model\.onnx.*missing"):
        Encoder(tmp_path / "empty")
    folder = write_folder(tmp_path / "tuned", LABELS)
    for name in ("vocab.txt", "tokenizer_config.json"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(EncoderError, match=r"tokenizer\.json.*missing"):
        ModelFolder(folder)
