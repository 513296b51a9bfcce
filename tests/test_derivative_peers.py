"""Derivatives of every kind on models of many kinds: their laws, and JAX's, CasADi's and SymPy's opinions.

The laws need no peer and hold at every level; a peer's tests are skipped where it is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from derivative_peers import MODELS, Model

Array = Any
VECTORS = [name for name, model in MODELS.items() if not model.is_scalar]
LEVELS = (0, 1, 2)
RELATIVE = 1e-10
STEP = 1e-4


@cache
def compiled(name: str, target: str, level: int) -> ModuleType:
    """`target` is "vector" or "scalar"."""
    model, ways = MODELS[name], "jvp,vjp,jacobian" if target == "vector" else "jvp,hvp,hessian"
    if target == "scalar" and not model.is_scalar:
        ways += ",gauss_newton"
    text = autodiffc.compile(getattr(model, target), level=level, emit=ways.split(","))
    return module_of(text, "model")


def near(found: Array, expected: Array, tolerance: float = RELATIVE) -> None:
    expected = np.asarray(expected)
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale)


def flat(arrays: Sequence[Array]) -> Array:
    return np.concatenate([np.ravel(a) for a in arrays])


def matrix(grads: Sequence[Array], value: Array) -> Array:
    """A Jacobian of arrays as one matrix."""
    return np.concatenate([np.reshape(g, (np.size(value), -1)) for g in grads], axis=1)


def directions(model: Model, given: Mapping[str, Array], seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=np.shape(given[n])) if np.shape(given[n]) else rng.normal() for n in model.wrt]


def dense(sparse: Any, shape: tuple[int, int]) -> Array:
    found = np.zeros(shape)
    found[sparse.rows, sparse.cols] = sparse.values
    assert len(set(zip(sparse.rows, sparse.cols))) == len(sparse.rows)
    return found


# --- laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", VECTORS)
def test_one_jacobian_in_all_its_forms(name: str, level: int) -> None:
    """Forward, reverse, dense and sparse: J v, uᵀ J, J."""
    model, m = MODELS[name], compiled(name, "vector", level)
    given = model.given()
    arguments, along = list(given.values()), directions(model, given, 1)
    value, grads = m.value_and_jacobian(*arguments)
    u = np.random.default_rng(2).normal(size=value.shape)
    J = matrix(grads, value)
    same, tangent = m.jvp(*arguments, *along)
    near(same, value)
    near(tangent, (J @ flat(along)).reshape(value.shape))
    same, back = m.vjp(*arguments)
    near(same, value)
    near(flat(back(u)), u.ravel() @ J)
    if hasattr(m, "sparse_jacobian"):
        near(dense(m.sparse_jacobian(*arguments), J.shape), J)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", MODELS)
def test_one_hessian_in_all_its_forms(name: str, level: int) -> None:
    model, m = MODELS[name], compiled(name, "scalar", level)
    given = model.given()
    arguments, along = list(given.values()), directions(model, given, 3)
    H = m.hessian(*arguments)
    near(H, H.T)
    near(flat(m.hvp(*arguments, *along)), H @ flat(along))
    _, slope = m.jvp(*arguments, *along)
    near(slope, flat(m.grad(*arguments)) @ flat(along))
    if hasattr(m, "sparse_hessian"):
        near(dense(m.sparse_hessian(*arguments), H.shape), H)
    if not model.is_scalar:
        r, grads = compiled(name, "vector", 1).value_and_jacobian(*arguments)
        J = matrix(grads, r)
        near(flat(m.gauss_newton(*arguments, *along)), J.T @ (J @ flat(along)))


@pytest.mark.parametrize("name", MODELS)
def test_products_are_differences_of_gradients(name: str) -> None:
    model, m = MODELS[name], compiled(name, "scalar", 1)
    given = model.given()
    along = directions(model, given, 4)

    def change(step: float) -> Array:
        ends = []
        for sign in (1, -1):
            moved = {n: given[n] + sign * step * v for n, v in zip(model.wrt, along)}
            ends.append(flat(m.grad(*{**given, **moved}.values())))
        return (ends[0] - ends[1]) / (2 * step)

    near(flat(m.hvp(*given.values(), *along)), (4 * change(STEP) - change(2 * STEP)) / 3, 1e-7)


# --- JAX -----------------------------------------------------------------------------------------


def reference(model: Model, given: Mapping[str, Array], result: str) -> Callable[[Array], Array]:
    """The model read by JAX, as a function of all params in one vector."""
    import jax.numpy as jnp
    from jax_reading import reading

    read = reading(getattr(model, "vector" if result == "y" else "scalar"), model.all_sizes, result)
    shapes = [np.shape(given[n]) for n in model.wrt]
    stops = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def f(theta: Array) -> Array:
        parts = [p.reshape(shape) for p, shape in zip(jnp.split(theta, stops), shapes)]
        return read({**given, **dict(zip(model.wrt, parts))})

    return f


@pytest.fixture
def jax() -> Any:
    return pytest.importorskip("jax", reason="JAX is not installed")


@pytest.mark.parametrize("name", VECTORS)
def test_jacobians_of_jax(jax: Any, name: str) -> None:
    """jvp, vjp, jacfwd and jacrev, the last two where they can trace the model."""
    model, m = MODELS[name], compiled(name, "vector", 1)
    given = model.given()
    f, along = reference(model, given, "y"), directions(model, given, 5)
    theta, arguments = flat([given[n] for n in model.wrt]), list(given.values())
    value, tangent = jax.jvp(f, (theta,), (flat(along),))
    same, found = m.jvp(*arguments, *along)
    near(same, value)
    near(found, tangent)
    u = np.random.default_rng(6).normal(size=value.shape)
    near(flat(m.vjp(*arguments)[1](u)), jax.vjp(f, theta)[1](u)[0])
    J = matrix(m.jacobian(*arguments), value)
    ways = (columns,) if "while" in model.text else (jax.jacfwd, jax.jacrev)
    for way in ways:
        near(J, np.reshape(way(f)(theta), J.shape))


def columns(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Column after column: for what asks its values, and so can't be traced for all of them."""
    import jax

    return lambda theta: np.stack([jax.jvp(f, (theta,), (e,))[1] for e in np.eye(len(theta))], axis=-1)


@pytest.mark.parametrize("name", MODELS)
def test_hessians_of_jax(jax: Any, name: str) -> None:
    """jax.hessian, and products as the jvp of grad."""
    model, m = MODELS[name], compiled(name, "scalar", 1)
    given = model.given()
    f, along = reference(model, given, "L"), directions(model, given, 7)
    theta, arguments = flat([given[n] for n in model.wrt]), list(given.values())
    gradient, product = jax.jvp(jax.grad(f), (theta,), (flat(along),))
    near(flat(m.grad(*arguments)), gradient)
    near(flat(m.hvp(*arguments, *along)), product)
    way = columns(jax.grad(f)) if "while" in model.text else jax.hessian(f)
    near(m.hessian(*arguments), way(theta))
