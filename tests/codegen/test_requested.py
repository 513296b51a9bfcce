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
