"""Functions on request whatever the model's names are: none of theirs takes the place of another's."""

from __future__ import annotations

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of

EVERY = ("jvp", "vjp", "hvp", "jacobian", "hessian", "gauss_newton")
OWN = [
    "P", "k", "seeds", "value", "products", "colouring", "colours", "sparse", "rows", "cols", "values", "taken",
    "Sparse", "Colouring", "jacobian", "hessian", "hess", "jvp", "forward", "outputs", "cache", "J_w", "w_dot", "w_dots",
    "v_w", "v_ws", "d_y_dot", "y_dot", "eye", "np", "len", "shape", "indices", "w_indices", "N_2", "self", "lambda",
]  # fmt: skip


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("name", OWN)
def test_a_param_of_a_name_of_the_modules(name: str, level: int) -> None:
    text = f"dim N\nparam w, {name}: real[N]\noutput y = softmax(w * exp({name}))\ngrad y wrt w, {name}\n"
    module = module_of(autodiffc.compile(text, level=level, emit=("jvp", "vjp", "jacobian")), "names")
    w, other, v = np.array([0.5, -1.0]), np.array([0.3, 0.2]), np.array([1.0, -2.0])
    J_w, J_other = module.jacobian(w, other)
    _, tangent = module.jvp(w, other, v, 2 * v)
    h = 1e-6
    moved = [module.predict(w + s * h * v, other + 2 * s * h * v).y for s in (1, -1)]
    np.testing.assert_allclose(tangent, (moved[0] - moved[1]) / (2 * h), rtol=1e-8)
    np.testing.assert_allclose(J_w @ v + J_other @ (2 * v), tangent, rtol=1e-13)


@pytest.mark.parametrize("name", [name for name in OWN if name != "lambda"])
def test_a_target_of_a_name_of_the_modules(name: str) -> None:
    text = f"dim N\nparam w: real[N]\noutput {name} = w**3\ngrad {name} wrt w\n"
    module = module_of(autodiffc.compile(text, emit=("jvp", "vjp", "jacobian", "gauss_newton")), "names")
    w, v = np.array([0.5, -1.0]), np.array([1.0, -2.0])
    slope = 3 * w**2
    np.testing.assert_allclose(module.jacobian(w).w, np.diag(slope), rtol=1e-14)
    np.testing.assert_allclose(module.sparse_jacobian(w).values, slope, rtol=1e-14)
    np.testing.assert_allclose(module.jvp(w, v)[1], slope * v, rtol=1e-14)
    np.testing.assert_allclose(module.vjp(w)[1](v).w, slope * v, rtol=1e-14)
    np.testing.assert_allclose(module.gauss_newton(w, v).w, slope**2 * v, rtol=1e-14)


@pytest.mark.parametrize("name", OWN)
def test_a_dim_of_a_name_of_the_modules(name: str) -> None:
    text = f"dim {name}\nparam w: real[{name}]\nparam s: real\nloss L = sum(exp(s * w)) + s**3\n"
    module = module_of(autodiffc.compile(text, emit=("hvp", "hessian")), "names")
    w, s = np.array([0.5, -1.0]), 0.7
    H = module.hessian(w, s)
    expected = np.zeros((3, 3))
    expected[:2, :2] = np.diag(s * s * np.exp(s * w))
    expected[:2, 2] = expected[2, :2] = (1 + s * w) * np.exp(s * w)
    expected[2, 2] = (w * w * np.exp(s * w)).sum() + 6 * s
    np.testing.assert_allclose(H, expected, rtol=1e-13, atol=1e-15)
    found = module.sparse_hessian(w, s)
    dense = np.zeros((3, 3))
    dense[found.rows, found.cols] = found.values
    np.testing.assert_allclose(dense, expected, rtol=1e-13, atol=1e-15)
    v = (np.array([1.0, 2.0]), -1.0)
    product = module.hvp(w, s, *v)
    np.testing.assert_allclose([*product.w, product.s], expected @ [1.0, 2.0, -1.0], rtol=1e-13)


BRANCHES = """\
dim T, N, M
dim K = 3
input word: int[T] in range(N)
input parent: int[T] in range(T)
input n: int in range(T + 1)
input flag: bool
input sizes: bool[T, N, M]
input d_x: real
param cache: real[N]
param np: real[M]
def f1(a2: real):
    h4 = (a2 + a2)
    for t3 in range(T - 1, 0, -2):
        v5 = slogdet((0.3 * sin((0.5 * full((N, M,), 0.3) @ full((M, N,), 0.3))) / N + eye(N)))[1]
        h4 += 0.2 * sin(((1.5 + sin((silu(h4)))) ** tanh(sum(0.4 * v5 for i6 in range(1, T)))))
    h8 = ((1.5 + sin(h4)) ** tanh(h4))
    var s9: real[N, N]
    for t7 in range(N):
        v10 = h8
        h8 = tanh(sum(0.4 * (h8 - v10) for i11 in range(1, N)) + 0.5 * h8)
        s9[t7] = sin((arcsinh((0.5 * broadcast_to(h4, (N, T,)) @ full((T,), 0.3)))))
    return (binary_cross_entropy_with_logits((where(h8 > h8 + 0.1, h8, 0.3 * h8)), sigmoid((h4 if h8 > 0.5 else h4))))
if (tanh(np[-1]) ** 2 - tanh(np[0]) ** 2) > 0.5:
    v15 = (maximum((cumprod(0.4 + sigmoid((cache if -0.9 < np[0] < 0.8 else cache)), axis=0)), f1((hypot(cache[0] + 0.1, 1 + np[-1]))) - 0.1))
    v14 = stack(((huber(full((K,), 0.3), v15[-1], delta=0.4)), (0.5 * broadcast_to(d_x, (T,)) @ (zeros(T, K) + d_x))), axis=1)[:, 1]
elif N > 2:
    v16 = (roll((cumsum(tanh((broadcast_to(d_x, (M, M,)) if n >= 2 else (zeros(M, M) + d_x))), axis=-1)), 1, axis=0))
    v14 = solve((tanh(broadcast_to(d_x, (K, K,))) @ tanh(broadcast_to(d_x, (K, K,))).T / K + 1.5 * eye(K)), sum(0.4 * broadcast_to(d_x, (K,)) for i17 in range(1, M)))
else:
    v14 = (0.5 * (0.5 * cache @ (zeros(N, K) + d_x)))
loss L = sum(sin(0.3 + v14) * (0.4 + tanh(v14)))
grad L wrt d_x, cache, np
"""


def test_what_one_branch_alone_keeps_is_no_array() -> None:
    """Rows that some steps of a loop don't have are a list, which no step reads as a whole."""
    module = module_of(autodiffc.compile(BRANCHES, level=2, emit=("hvp", "hessian")), "branches")
    rng = np.random.default_rng(0)
    T, N, M = 4, 3, 2
    inputs = rng.integers(0, N, T), rng.integers(0, T, T), 2, True, np.zeros((T, N, M), bool)
    for first in (0.0, 2.0):
        at = 0.4, rng.uniform(0.2, 1.0, N), np.array([first, 0.3])
        v = 0.7, rng.normal(size=N), rng.normal(size=M)
        product = module.hvp(*inputs, *at, *v)
        flat = np.concatenate([np.ravel(x) for x in v])
        expected = np.concatenate([np.ravel(x) for x in product])
        np.testing.assert_allclose(module.hessian(*inputs, *at) @ flat, expected, rtol=1e-8, atol=1e-10)


def test_directions_in_chunks() -> None:
    """Of a large target, each colour's column is computed by itself."""
    text = "dim N\nparam x: real[N]\noutput y = x[1:] * x[:-1]**2\ngrad y wrt x\n"
    module = module_of(autodiffc.compile(text, emit=("jacobian",)), "long")
    x = np.random.default_rng(0).normal(size=270_000)
    rows, cols, values = module.sparse_jacobian(x)
    assert len(rows) == 2 * (len(x) - 1)
    np.testing.assert_allclose(values[cols == rows], 2 * x[1:] * x[:-1], rtol=1e-15)
    np.testing.assert_allclose(values[cols == rows + 1], x[:-1] ** 2, rtol=1e-15)


def test_all_directions_see_the_same_masks() -> None:
    text = "dim N\nparam x, w: real[N]\noutput y = dropout(x * w, 0.5) + x\ngrad y wrt x, w\n"
    module = module_of(autodiffc.compile(text, emit=("jvp", "jacobian")), "dropped")
    rng = np.random.default_rng
    x, w, v = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]), np.array([1.0, -1.0, 2.0])
    J_x, J_w = module.jacobian(x, w, rng(1))
    _, tangent = module.jvp(x, w, v, 2 * v, rng(1))
    np.testing.assert_allclose(J_x @ v + J_w @ (2 * v), tangent, rtol=1e-14)
    assert 0 < np.count_nonzero(np.diag(J_w)) < 3
