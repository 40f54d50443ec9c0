"""The six layers of the small transformer while it is trained; `knowledge.transformer` runs them without torch."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

Floats = NDArray[np.float32]

DIMENSION, LAYERS, HEADS = 384, 6, 12
POSITIONS = 128
EPSILON = 1e-12  # of the layer norms, as in BERT


class Layer(nn.Module):
    """One BERT layer."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(DIMENSION, 3 * DIMENSION)
        self.out = nn.Linear(DIMENSION, DIMENSION)
        self.norm1 = nn.LayerNorm(DIMENSION, EPSILON)
        self.up = nn.Linear(DIMENSION, 4 * DIMENSION)
        self.down = nn.Linear(4 * DIMENSION, DIMENSION)
        self.norm2 = nn.LayerNorm(DIMENSION, EPSILON)

    def forward(self, rows: torch.Tensor, bar: torch.Tensor | None = None) -> torch.Tensor:
        """Shape (texts, length, dimension) in and out; `bar` is added to every head's scores."""
        texts, length, _ = rows.shape
        parts = self.qkv(rows).view(texts, length, 3, HEADS, DIMENSION // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        # Written out: the fused attention's backward pass is ten times slower in bf16 on CPU.
        scores = query @ key.transpose(-1, -2) * (DIMENSION // HEADS) ** -0.5
        shares = torch.softmax(scores if bar is None else scores + bar, dim=-1)
        mixed = (shares @ value).transpose(1, 2).reshape(texts, length, DIMENSION)
        rows = self.norm1(rows + self.out(mixed))
        return torch.as_tensor(self.norm2(rows + self.down(functional.gelu(self.up(rows)))))


class Body(nn.Module):
    """From input rows to one row a text: positions, layers, mean."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.zeros(POSITIONS, DIMENSION))
        self.norm = nn.LayerNorm(DIMENSION, EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    @classmethod
    def of_teacher(cls, weights: dict[str, Floats]) -> Self:
        """The body that starts as the teacher's, from its tensors by their own names."""
        body = cls()
        tensors = {name: torch.from_numpy(rows.copy()) for name, rows in weights.items()}
        kinds = tensors["embeddings.token_type_embeddings.weight"][0]
        state = {"positions": tensors["embeddings.position_embeddings.weight"][:POSITIONS] + kinds}
        for part in ("weight", "bias"):
            state[f"norm.{part}"] = tensors[f"embeddings.LayerNorm.{part}"]
            for number in range(LAYERS):
                theirs, ours = f"encoder.layer.{number}", f"layers.{number}"
                state[f"{ours}.qkv.{part}"] = torch.cat(
                    [tensors[f"{theirs}.attention.self.{name}.{part}"] for name in ("query", "key", "value")]
                )
                state[f"{ours}.out.{part}"] = tensors[f"{theirs}.attention.output.dense.{part}"]
                state[f"{ours}.norm1.{part}"] = tensors[f"{theirs}.attention.output.LayerNorm.{part}"]
                state[f"{ours}.up.{part}"] = tensors[f"{theirs}.intermediate.dense.{part}"]
                state[f"{ours}.down.{part}"] = tensors[f"{theirs}.output.dense.{part}"]
                state[f"{ours}.norm2.{part}"] = tensors[f"{theirs}.output.LayerNorm.{part}"]
        body.load_state_dict(state)
        return body

    def forward(self, inputs: torch.Tensor, filled: torch.Tensor | None = None) -> torch.Tensor:
        """Input rows of shape (texts, length, dimension) to normalised rows of shape (texts, dimension).

        `filled`, shape (texts, length), tells pieces from padding; texts of one length need none.
        """
        rows = self.norm(inputs + self.positions[: inputs.shape[1]])
        bar = None if filled is None else ((~filled) * -1e4).to(rows.dtype)[:, None, None, :]
        for layer in self.layers:
            rows = layer(rows, bar)
        found = rows.float()
        mean = found.mean(dim=1) if filled is None else (found * filled[:, :, None]).sum(dim=1)
        return functional.normalize(mean, dim=1)


class HalfCopy:
    """A bf16 copy of a body for the arithmetic; the fp32 one keeps the weights and gets the gradients."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.half = Body()
        self.half.load_state_dict(body.state_dict())
        self.half.bfloat16()

    def refresh(self) -> None:
        """Bring the copy up to date with the fp32 weights."""
        with torch.no_grad():
            for full, half in zip(self.body.parameters(), self.half.parameters(), strict=True):
                half.copy_(full)
                half.grad = None

    def hand_over_gradients(self) -> None:
        """Give the copy's gradients to the fp32 weights."""
        for full, half in zip(self.body.parameters(), self.half.parameters(), strict=True):
            full.grad = None if half.grad is None else half.grad.float()
