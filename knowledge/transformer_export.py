"""Writing the trained transformer as files that need no torch: int8 input rows and an int8 ONNX graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from knowledge.transformer import BODY_FILE, CONFIG_FILE, INPUT, OUTPUT, PIECES_FILE, ROWS_FILE, SCALES_FILE

Floats = NDArray[np.float32]

OPSET, MICROSOFT = 17, "com.microsoft"
IR_VERSION = 10
STEPS = 63  # each way from zero


class Graph:
    """Nodes and constants of an ONNX graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, kind: str, inputs: list[str], name: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, domain=domain, **attributes))
        return name

    def linear(self, rows: str, weights: Mapping[str, Floats], name: str) -> str:
        """Rows times int8 weights, one scale a column, plus bias; the rows are quantised as they come."""
        matrix, scales = quantise_columns(weights[f"{name}.weight"].T)
        inputs = [
            rows,
            self.constant(f"{name}.weight", matrix),
            self.constant(f"{name}.scale", scales),
            self.constant(f"{name}.zero", np.zeros(matrix.shape[1], dtype=np.int8)),
            self.constant(f"{name}.bias", weights[f"{name}.bias"]),
        ]
        return self.add("DynamicQuantizeMatMul", inputs, name, MICROSOFT)

    def skip_norm(self, rows: str, skip: str, weights: Mapping[str, Floats], name: str) -> str:
        """The layer norm of rows + skip."""
        parts = [self.constant(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias")]
        return self.add("SkipLayerNormalization", [rows, skip, *parts], name, MICROSOFT, epsilon=1e-12)


def quantise_columns(matrix: Floats) -> tuple[NDArray[np.int8], Floats]:
    """A matrix in whole steps of one scale a column.

    Seven bits, because processors without VNNI add products of pairs in 16 bits, where eight would overflow.
    """
    scales = np.maximum(np.abs(matrix).max(axis=0) / STEPS, 1e-9).astype(np.float32)
    return np.clip(np.rint(matrix / scales), -STEPS, STEPS).astype(np.int8), scales


def body_model(weights: Mapping[str, Floats], layers: int, heads: int) -> onnx.ModelProto:
    """The graph from input rows of one text, shape (1, length, dimension), to its mean row, shape (1, dimension)."""
    graph = Graph()
    dimension = weights["positions"].shape[1]
    size = graph.add("Shape", [INPUT], "size", start=1, end=2)
    graph.constant("begin", np.array([0], dtype=np.int64))
    graph.constant("axis", np.array([1], dtype=np.int64))
    graph.constant("positions", weights["positions"][None])
    places = graph.add("Slice", ["positions", "begin", size, "axis"], "places")
    rows = graph.skip_norm(INPUT, places, weights, "norm")
    graph.constant("thirds", np.full(3, dimension, dtype=np.int64))
    for number in range(layers):
        name = f"layers.{number}"
        joined = graph.linear(rows, weights, f"{name}.qkv")
        parts = [f"{name}.{part}" for part in ("query", "key", "value")]
        graph.nodes.append(helper.make_node("Split", [joined, "thirds"], parts, name=f"{name}.split", axis=-1))
        mixed = graph.add("MultiHeadAttention", parts, f"{name}.mixed", MICROSOFT, num_heads=heads)
        rows = graph.skip_norm(graph.linear(mixed, weights, f"{name}.out"), rows, weights, f"{name}.norm1")
        wide = graph.add("Gelu", [graph.linear(rows, weights, f"{name}.up")], f"{name}.gelu", MICROSOFT)
        rows = graph.skip_norm(graph.linear(wide, weights, f"{name}.down"), rows, weights, f"{name}.norm2")
    graph.add("ReduceMean", [rows], OUTPUT, axes=[1], keepdims=0)
    ends = (INPUT, [1, "length", dimension]), (OUTPUT, [1, dimension])
    given, made = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ends)
    return helper.make_model(
        helper.make_graph(graph.nodes, "chengda-transformer", [given], [made], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)],
        ir_version=IR_VERSION,
    )


def save_transformer(
    out: Path, units: tuple[str, ...], table: Floats, body: onnx.ModelProto, config: dict[str, Any]
) -> None:
    """Write the folder that TransformerEncoder.load reads."""
    scales = np.maximum(np.abs(table).max(axis=1) / 127, 1e-6).astype(np.float16)
    rows = np.clip(np.rint(table / scales.astype(np.float32)[:, None]), -127, 127).astype(np.int8)
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / ROWS_FILE, rows)
    np.save(out / SCALES_FILE, scales)
    (out / PIECES_FILE).write_text("".join(f"{unit}\n" for unit in units), encoding="utf-8")
    onnx.save(body, out / BODY_FILE)
    save_config(out, config)


def save_config(out: Path, config: dict[str, Any]) -> None:
    """Write the folder's configuration."""
    (out / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
