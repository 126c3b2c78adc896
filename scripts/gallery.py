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


def perceptron() -> Any:
    """Two dense layers and a squared error, each module in a frame of its own."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 3, rng=rng), nn.ReLU(), nn.Linear(3, 1, rng=rng))
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    exclusive_or = np.array([[0], [1], [1], [0]], np.float32)
    return pb.trace(lambda x: ((model(x) - exclusive_or) ** 2).mean(), x).forward(x).backward()


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


class Block(nn.Module):
    """Attention and a small network, each beside a connection that leaves them out."""

    def __init__(self, width: int, heads: int, rng: np.random.Generator) -> None:
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads, rng)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width, rng=rng), nn.ReLU(), nn.Linear(4 * width, width, rng=rng))

    def forward(self, x: Any) -> Any:
        """Of shape (batch, tokens, width) in and out."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """A transformer that predicts the next token."""

    def __init__(self, vocabulary: int, tokens: int, width: int, layers: int, heads: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.embedding = nn.Embedding(vocabulary, width, rng=rng)
        self.position = pb.Parameter(rng.normal(0, 0.1, (tokens, width)).astype(np.float32))
        self.blocks = [Block(width, heads, rng) for _ in range(layers)]
        self.norm = nn.LayerNorm(width)

    def forward(self, ids: Any) -> Any:
        """The logits of the next token at each place; ids of shape (batch, tokens)."""
        x = self.embedding(ids) + self.position
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.embedding.weight.T


def gpt(layers: int = 12) -> Any:
    """A small GPT and its loss, folded: twelve blocks are one shape."""
    model = GPT(vocabulary=11, tokens=8, width=16, layers=layers, heads=2)
    text = np.random.default_rng(1).integers(0, 11, (2, 9))

    def loss() -> Any:
        return nn.cross_entropy_with_logits(model(text[:, :-1]).reshape(-1, 11), text[:, 1:].ravel())

    return pb.trace(loss).forward().backward()


def convnet() -> Any:
    """Two convolutions, each with ReLU and pooling, and a dense layer, for images of digits."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding="same", rng=rng), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding="same", rng=rng), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 10, rng=rng),
    )  # fmt: skip
    images = rng.normal(size=(4, 1, 8, 8)).astype(np.float32)
    labels = np.array([3, 1, 4, 1])
    graph = pb.trace(lambda images: nn.cross_entropy_with_logits(model(images), labels), images)
    return graph.forward(images).backward()


def recurrent() -> Any:
    """A recurrent network of one unit, as a loop: what it computes in each step is in a frame."""
    w, u, b = (pb.Parameter(np.float64(value), name=name) for name, value in (("w", 0.9), ("u", -0.4), ("b", 0.1)))

    def cell(h: Any, x: Any) -> Any:
        z = w * h + u * x + b
        new = np.tanh(z)
        return new, None

    def loss(xs: Any) -> Any:
        last, _ = pb.scan(cell, 0.0, xs)
        return (last - 0.5) ** 2

    xs = np.array([1.0, -2.0, 0.5, 1.5])
    return pb.trace(loss, xs).forward(xs).backward()


def nan_hunt() -> Any:
    """A softmax written as in a formula: where its numbers stop being finite."""
    z = np.array([1.0, 2.0, 800.0])

    def loss(z: Any) -> Any:
        e = np.exp(z)
        total = e.sum()
        p = e / total
        return -np.log(p[1])

    return pb.trace(loss, z).forward(z).backward()


PICTURES: dict[str, Callable[[], Any]] = {
    "lecture.svg": lecture,
    "lecture.json": lecture,
    "network.svg": network,
    "network.json": network,
    "perceptron.svg": perceptron,
    "convnet.svg": convnet,
    "gpt.svg": gpt,
    "gpt-backward.svg": lambda: gpt().graph.backward(),
    "gpt.json": lambda: gpt(3),
    "recurrent.svg": recurrent,
    "nan.svg": nan_hunt,
}
"""What is drawn, by the name of its file."""


def main() -> int:
    """Draw, or compare; the number of files that would change."""
    check = "--check" in sys.argv[1:]
    changed = 0
    GALLERY.mkdir(exist_ok=True)
    for name, make in PICTURES.items():
        path = GALLERY / name
        before = path.read_bytes() if path.exists() else b""
        target = path.with_stem(f".{path.stem}") if check else path
        make().save(target)
        if target.read_bytes() != before:
            changed += 1
            print(f"{'would change' if check else 'drew'} {name}")
        if check:
            target.unlink()
    return changed if check else 0


if __name__ == "__main__":
    sys.exit(main())
