"""Networks: modules, layers, activations and losses.

>>> import numpy as np
>>> import pullback as pb
>>> from pullback import nn
>>> model = nn.Sequential(nn.Linear(2, 16, rng=0), nn.ReLU(), nn.Linear(16, 1, rng=1))
>>> model
Sequential · 65 parameters
├── 0: Linear(2, 16)  48
├── 1: ReLU
└── 2: Linear(16, 1)  17
>>> loss = nn.mse(model(np.ones((4, 2), np.float32)), np.zeros((4, 1), np.float32))
>>> loss.backward()
>>> model[0].weight.grad.shape
(16, 2)
"""

from pullback.core.parameter import Parameter
from pullback.nn.activations import ELU, GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Tanh
from pullback.nn.convolution import AvgPool1d, AvgPool2d, Conv1d, Conv2d, Flatten, MaxPool1d, MaxPool2d
from pullback.nn.dropout import Dropout
from pullback.nn.embedding import Embedding
from pullback.nn.initializers import generator, glorot_uniform, he_uniform, set_seed
from pullback.nn.layers import Linear, Sequential, Standardize
from pullback.nn.module import Module
from pullback.nn.normalization import LayerNorm
from pullback.ops.activations import elu, gelu, hard_tanh, leaky_relu, selu, silu
from pullback.ops.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    cross_entropy_with_logits,
    huber,
    mae,
    mse,
)
from pullback.ops.pointwise.hyperbolic import tanh
from pullback.ops.pointwise.special.logistic import log_sigmoid, relu, sigmoid, softplus
from pullback.ops.softmax import log_softmax, softmax
from pullback.ops.window.functions import (
    avg_pool1d,
    avg_pool2d,
    conv1d,
    conv2d,
    conv_transpose1d,
    conv_transpose2d,
    max_pool1d,
    max_pool2d,
)

__all__ = [
    "ELU",
    "GELU",
    "AvgPool1d",
    "AvgPool2d",
    "Conv1d",
    "Conv2d",
    "Flatten",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Standardize",
    "Tanh",
    "avg_pool1d",
    "avg_pool2d",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cross_entropy",
    "cross_entropy_with_logits",
    "elu",
    "gelu",
    "generator",
    "glorot_uniform",
    "hard_tanh",
    "he_uniform",
    "huber",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "mae",
    "max_pool1d",
    "max_pool2d",
    "mse",
    "relu",
    "selu",
    "set_seed",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]  # fmt: skip
