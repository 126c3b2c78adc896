"""Networks."""

from pullback.nn.initializers import generator, glorot_uniform, he_uniform, set_seed
from pullback.nn.layers import Linear, Sequential, Standardize
from pullback.nn.module import Module
from pullback.ops.pointwise.special.logistic import relu, sigmoid
