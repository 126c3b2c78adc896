#!/usr/bin/env python
"""Draw the pictures of ``docs/gallery`` anew; with ``--check``, only say which of them would change."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import pullback as pb
from pullback import nn

GALLERY = Path(__file__).parent.parent / "docs" / "gallery"


def lecture() -> Any:
    """The graph that every lecture on back-propagation begins with."""
    return pb.expression("d = 2*b; e = a + d; L = c*e").forward(a=3, b=1, c=-2).backward()


def network() -> Any:
    """Two inputs, two hidden ReLU units, a sigmoid output, binary cross-entropy: number by number."""
    graph = pb.expression("""
        z11 = w11*x1 + w12*x2 + b11
        z12 = w21*x1 + w22*x2 + b12
        a11 = relu(z11)
        a12 = relu(z12)
        z2 = v1*a11 + v2*a12 + b2
        a2 = sigmoid(z2)
        L = -(y*log(a2) + (1 - y)*log(1 - a2))
    """)
    values = {"x1": 1.0, "x2": -0.5, "w11": 0.4, "w12": 0.8, "w21": 0.3, "w22": -0.6, "b11": 0.1, "b12": -0.2,
              "v1": 0.7, "v2": -1.1, "b2": 0.05, "y": 1.0}  # fmt: skip
    return graph.forward(**values).backward()


class Attention(nn.Module):
    """Causal self-attention with several heads."""

    def __init__(self, width: int, heads: int, rng: np.random.Generator) -> None:
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, rng=rng, init="glorot")
        self.out = nn.Linear(width, width, rng=rng, init="glorot")

    def forward(self, x: Any) -> Any:
        """Let each token look at those before it; x of shape (batch, tokens, width)."""
        batch, tokens, width = x.shape
        parts = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).transpose(2, 0, 3, 1, 4)
        q, k, v = parts[0], parts[1], parts[2]
        scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(width // self.heads)
        future = np.triu(np.full((tokens, tokens), -1e9, np.float32), 1)
        mixed = nn.softmax(scores + future) @ v
        return self.out(mixed.transpose(0, 2, 1, 3).reshape(batch, tokens, width))


def layer_norm(x: Any, scale: Any, shift: Any) -> Any:
    """Give each row mean 0 and variance 1, then a scale and a shift of its own."""
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred * centred).mean(-1, keepdims=True)
    return centred / np.sqrt(variance + 1e-5) * scale + shift


class Norm(nn.Module):
    """Layer normalisation."""

    def __init__(self, width: int) -> None:
        self.scale = pb.Parameter(np.ones(width, np.float32))
        self.shift = pb.Parameter(np.zeros(width, np.float32))

    def forward(self, x: Any) -> Any:
        """Normalise the last axis."""
        return layer_norm(x, self.scale, self.shift)


class Block(nn.Module):
    """Attention and a small network, each beside a connection that leaves them out."""

    def __init__(self, width: int, heads: int, rng: np.random.Generator) -> None:
        self.norm1 = Norm(width)
        self.attention = Attention(width, heads, rng)
        self.norm2 = Norm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width, rng=rng), nn.ReLU(), nn.Linear(4 * width, width, rng=rng))

    def forward(self, x: Any) -> Any:
        """Of shape (batch, tokens, width) in and out."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """A transformer that predicts the next token."""

    def __init__(self, vocabulary: int, tokens: int, width: int, layers: int, heads: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.embedding = pb.Parameter(rng.normal(0, 0.1, (vocabulary, width)).astype(np.float32))
        self.position = pb.Parameter(rng.normal(0, 0.1, (tokens, width)).astype(np.float32))
        self.blocks = [Block(width, heads, rng) for _ in range(layers)]
        self.norm = Norm(width)

    def forward(self, ids: Any) -> Any:
        """The logits of the next token at each place; ids of shape (batch, tokens)."""
        x = self.embedding[ids] + self.position
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.embedding.T


def gpt() -> Any:
    """A small GPT and its loss."""
    model = GPT(vocabulary=11, tokens=8, width=16, layers=4, heads=2)
    text = np.random.default_rng(1).integers(0, 11, (2, 9))
    graph = pb.trace(lambda: nn.cross_entropy_with_logits(model(text[:, :-1]).reshape(-1, 11), text[:, 1:].ravel()))
    return graph.forward().backward()


PICTURES: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "lecture": (lecture, (".json",)),
    "network": (network, (".json",)),
    "gpt": (gpt, (".json",)),
}
"""What is drawn, and in which formats."""


def main() -> int:
    """Draw, or compare; the number of files that would change."""
    check = "--check" in sys.argv[1:]
    changed = 0
    GALLERY.mkdir(exist_ok=True)
    for name, (make, endings) in PICTURES.items():
        run = make()
        for ending in endings:
            path = GALLERY / f"{name}{ending}"
            before = path.read_bytes() if path.exists() else b""
            target = path.with_stem(f".{name}") if check else path
            run.save(target)
            if target.read_bytes() != before:
                changed += 1
                print(f"{'would change' if check else 'drew'} {path.name}")
            if check:
                target.unlink()
    return changed if check else 0


if __name__ == "__main__":
    sys.exit(main())
