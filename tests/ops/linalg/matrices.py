"""Matrices for tests: real and complex, Hermitian, with given eigenvalues or singular values."""

import numpy as np

DTYPES = (float, complex)


def draw(dtype, *shape, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=shape)
    return x + 1j * generator.normal(size=shape) if dtype is complex else x


def adjoint(x):
    return x.conj().swapaxes(-1, -2) if isinstance(x, np.ndarray) else x.conj().mT


def hermitian(x):
    return (x + adjoint(x)) / 2


def unitary(dtype, n, seed=0):
    return np.linalg.qr(draw(dtype, n, n, seed=seed))[0]


def with_eigenvalues(dtype, values, seed=0):
    q = unitary(dtype, len(values), seed)
    return hermitian((q * np.asarray(values)) @ adjoint(q))


def with_singular_values(dtype, values, rows, columns, seed=0):
    n = len(values)
    left, right = unitary(dtype, rows, seed)[:, :n], unitary(dtype, columns, seed + 1)[:, :n]
    return (left * np.asarray(values)) @ adjoint(right)


def inner(a, b):
    """Re<a, b>."""
    return np.sum(np.real(np.conj(a) * b))
