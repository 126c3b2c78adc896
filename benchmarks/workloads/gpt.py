"""A training step of a small GPT on characters: four blocks of causal attention and a feed-forward part, AdamW.

[Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, with the norm first, as GPT-2 has it]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.workloads import Work
from benchmarks.workloads.training import Training

TITLE = "Training step, GPT (4 layers, width 128, 4 heads), 12x64 tokens, AdamW, float32"
LAYERS, WIDTH, HEADS, BATCH, LENGTH, WORDS = 4, 128, 4, 12, 64, 65
_TOKENS = BATCH * LENGTH
# Each weight of a product is used in one forward and two backward; the scores of attention and their use likewise.
WORK = Work(flops=3 * _TOKENS * (2 * (LAYERS * 12 * WIDTH**2 + WIDTH * WORDS) + LAYERS * 4 * LENGTH * WIDTH))

_generator = np.random.default_rng(0)


def _weights() -> dict[str, Any]:
    def normal(*shape: int) -> Any:
        return 0.02 * _generator.normal(size=shape)

    found = {"tokens": normal(WORDS, WIDTH), "places": normal(LENGTH, WIDTH), "head": normal(WORDS, WIDTH)}
    for layer in range(LAYERS):
        shapes = {
            "attend": (3 * WIDTH, WIDTH),
            "join": (WIDTH, WIDTH),
            "up": (4 * WIDTH, WIDTH),
            "down": (WIDTH, 4 * WIDTH),
        }
        for name, shape in shapes.items():
            found[f"{layer}.{name}"] = normal(*shape)
            found[f"{layer}.{name}.bias"] = np.zeros(shape[0])
    for norm in [f"{layer}.norm{i}" for layer in range(LAYERS) for i in (1, 2)] + ["norm"]:
        found[norm], found[f"{norm}.bias"] = np.ones(WIDTH), np.zeros(WIDTH)
    return found


_data = _generator.integers(0, WORDS, (BATCH, LENGTH + 1))
_step = Training(_weights(), (_data[:, :-1].copy(), _data[:, 1:].copy()), rate=1e-3, adam=True)
_LATER = np.triu(np.ones((LENGTH, LENGTH), bool), 1)


@dataclass(frozen=True)
class _Library:
    """What the contestants have each their own of."""

    linear: Any
    norm: Any
    gelu: Any
    attention: Any  # of queries, keys and values (batch, heads, length, width), each word looking back only
    permute: Any
    cross_entropy: Any


def _network(library: _Library, w: Any, tokens: Any, targets: Any) -> Any:
    def linear(x: Any, name: str) -> Any:
        return library.linear(x, w[name], w[f"{name}.bias"])

    def norm(x: Any, name: str) -> Any:
        return library.norm(x, w[name], w[f"{name}.bias"])

    def heads(x: Any) -> Any:
        return library.permute(x.reshape(BATCH, LENGTH, HEADS, WIDTH // HEADS))

    x = w["tokens"][tokens] + w["places"]
    for layer in range(LAYERS):
        mixed = linear(norm(x, f"{layer}.norm1"), f"{layer}.attend")
        q, k, v = (heads(mixed[..., i * WIDTH : (i + 1) * WIDTH]) for i in range(3))
        seen = library.permute(library.attention(q, k, v)).reshape(BATCH, LENGTH, WIDTH)
        x = x + linear(seen, f"{layer}.join")
        x = x + linear(library.gelu(linear(norm(x, f"{layer}.norm2"), f"{layer}.up")), f"{layer}.down")
    logits = library.linear(norm(x, "norm"), w["head"], None)
    return library.cross_entropy(logits.reshape(_TOKENS, WORDS), targets.reshape(_TOKENS))


def _pullback(pb: Any, w: Any, tokens: Any, targets: Any) -> Any:
    def linear(x: Any, weight: Any, bias: Any) -> Any:
        return x @ weight.T if bias is None else x @ weight.T + bias

    def norm(x: Any, weight: Any, bias: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * weight + bias

    def attention(q: Any, k: Any, v: Any) -> Any:
        scores = q @ k.swapaxes(-1, -2) * (WIDTH // HEADS) ** -0.5
        return pb.nn.softmax(np.where(_LATER, -np.inf, scores)) @ v

    library = _Library(linear, norm, pb.nn.gelu, attention, lambda x: x.swapaxes(1, 2), pb.nn.cross_entropy_with_logits)
    return _network(library, w, tokens, targets)


def _torch(torch: Any, w: Any, tokens: Any, targets: Any) -> Any:
    f = torch.nn.functional
    library = _Library(
        f.linear,
        lambda x, weight, bias: f.layer_norm(x, (WIDTH,), weight, bias),
        f.gelu,
        lambda q, k, v: f.scaled_dot_product_attention(q, k, v, is_causal=True),
        lambda x: x.transpose(1, 2),
        f.cross_entropy,
    )
    return _network(library, w, tokens, targets)


def _jax(jax: Any, w: Any, tokens: Any, targets: Any) -> Any:
    numpy = jax.numpy

    def linear(x: Any, weight: Any, bias: Any) -> Any:
        return x @ weight.T if bias is None else x @ weight.T + bias

    def norm(x: Any, weight: Any, bias: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred * jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * weight + bias

    def attention(q: Any, k: Any, v: Any) -> Any:
        scores = q @ k.swapaxes(-1, -2) * (WIDTH // HEADS) ** -0.5
        return jax.nn.softmax(numpy.where(_LATER, -numpy.inf, scores)) @ v

    def cross_entropy(logits: Any, labels: Any) -> Any:
        return -numpy.mean(numpy.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1))

    def gelu(x: Any) -> Any:
        return jax.nn.gelu(x, approximate=False)

    library = _Library(linear, norm, gelu, attention, lambda x: x.swapaxes(1, 2), cross_entropy)
    return _network(library, w, tokens, targets)


pullback, torch, jax = _step.pullback(_pullback), _step.torch(_torch), _step.jax(_jax)
