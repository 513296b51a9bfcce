"""Models made of linear algebra: the multivariate normal, a Kalman filter; against SciPy and the joint density."""

from __future__ import annotations

from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from scipy import stats


@pytest.mark.parametrize("shape", [(4,), (7, 4), (0, 4)], ids=str)
def test_the_density_of_a_multivariate_normal(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, mu = rng.normal(size=shape), rng.normal(size=4)
    covariance = np.cov(rng.normal(size=(4, 30)))
    factor = np.linalg.cholesky(covariance)
    expected = stats.multivariate_normal.logpdf(x, mu, covariance)
    residual = np.linalg.solve(covariance, (x - mu).T)
    dims, type_ = ("N", "real[N]") if len(shape) == 1 else ("M, N", "real[M, N]")
    for name, matrix in (("multi_normal_cholesky", factor), ("multi_normal", covariance)):
        text = (
            f"from stats import {name}\ndim {dims}\ninput x: {type_}\ninput mu: real[N]\ninput S: real[N, N]\n"
            f"output f = {name}(x, mu, S)\ngrad f wrt x, mu, S\n"
        )
        m = module_of(autodiffc.compile(text), "model")
        outputs, cache = m.forward(x, mu, matrix)
        np.testing.assert_allclose(outputs.f, np.reshape(expected, shape[:-1]), rtol=1e-12)
        grads = m.backward(cache, np.ones(shape[:-1]) if len(shape) > 1 else 1.0)
        np.testing.assert_allclose(grads.x, -residual.T, rtol=1e-11)
        np.testing.assert_allclose(grads.mu, residual.T.reshape(-1, 4).sum(0), rtol=1e-10, atol=1e-13)
    rows = residual.T.reshape(-1, 4)
    slopes = 0.5 * (rows.T @ rows - len(rows) * np.linalg.inv(covariance))  # by the covariance
    np.testing.assert_allclose(grads.S, slopes, rtol=1e-10, atol=1e-12)


KALMAN = """
# The likelihood of a linear Gaussian state-space model by the Kalman filter.
dim T, S, M
input y: real[T, M]
param A: real[S, S]
param C: real[M, S]
param log_q, log_r: real
m = zeros(S)
P = eye(S)
L = 0.0
for t in range(T):
    m = A @ m
    P = A @ P @ A.T + exp(log_q) * eye(S)
    V = C @ P @ C.T + exp(log_r) * eye(M)
    F = cholesky(V)
    r = y[t] - C @ m
    e = solve_triangular(F, r, lower=true)
    L += -0.5 * e @ e - sum(log(diag(F)))
    G = solve(V, C @ P)
    m = m + G.T @ r
    P = P - G.T @ C @ P
loss nll = 0.5 * T * M * log(2 * pi) - L
"""


def test_a_filter_that_factorises_at_every_step() -> None:
    m = module_of(autodiffc.compile(KALMAN), "model")
    rng = np.random.default_rng(5)
    y, A, C = rng.normal(size=(5, 2)), 0.5 * rng.normal(size=(3, 3)), rng.normal(size=(2, 3))
    q, r = -0.3, -1.0
    value, grads = m.value_and_grad(y, A, C, q, r)
    assert value == pytest.approx(joint_likelihood(y, A, C, q, r), rel=1e-12)
    for name, x, h in (("A", A, rng.normal(size=A.shape)), ("C", C, rng.normal(size=C.shape))):
        ends = ({"A": A, "C": C, name: x + s * 1e-5 * h} for s in (1.0, -1.0))
        up, down = (joint_likelihood(y, **end, q=q, r=r) for end in ends)
        assert np.sum(getattr(grads, name) * h) == pytest.approx((up - down) / 2e-5, rel=1e-7)


def joint_likelihood(y: Any, A: Any, C: Any, q: float, r: float) -> float:
    """All observations as one normal vector."""
    steps, size = len(y), len(A)
    P, states = np.eye(size), []
    for _ in range(steps):
        P = A @ P @ A.T + np.exp(q) * np.eye(size)
        states.append(P)
    blocks = [[np.zeros((0, 0))] * steps for _ in range(steps)]
    for s, t in np.ndindex(steps, steps):
        move = np.linalg.matrix_power(A, abs(t - s))
        cross = states[s] @ move.T if s <= t else move @ states[t]
        blocks[s][t] = C @ cross @ C.T + (s == t) * np.exp(r) * np.eye(len(C))
    return -float(stats.multivariate_normal.logpdf(y.ravel(), np.zeros(y.size), np.block(blocks)))
