"""Derivatives of every kind on models of many kinds: their laws, and JAX's, CasADi's and SymPy's opinions.

The laws need no peer: each model keeps them at -O1 and at another level; a peer's tests are skipped where it is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from inspect import signature
from itertools import product
from types import ModuleType
from typing import Any, NamedTuple

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from derivative_peers import MODELS, Model

Array = Any
VECTORS = [name for name, model in MODELS.items() if not model.is_scalar]
LEVELS = (0, 1, 2)
EVERY = list(product(MODELS, (1,))) + [(name, (0, 2)[k % 2]) for k, name in enumerate(MODELS)]
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


@pytest.mark.parametrize(("name", "level"), [(name, level) for name, level in EVERY if name in VECTORS])
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


@pytest.mark.parametrize(("name", "level"), EVERY)
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
def jax() -> Iterator[Any]:
    """As one program for each model, little optimised: compiling takes longest."""
    found = pytest.importorskip("jax", reason="JAX is not installed")
    found.config.update("jax_disable_most_optimizations", True)
    yield found
    found.config.update("jax_disable_most_optimizations", False)


@pytest.mark.parametrize("name", VECTORS)
def test_jacobians_of_jax(jax: Any, name: str) -> None:
    """jvp, vjp, jacfwd and jacrev, the last two where they can trace the model."""
    model, m = MODELS[name], compiled(name, "vector", 1)
    given = model.given()
    f, along = reference(model, given, "y"), directions(model, given, 5)
    theta, arguments = flat([given[n] for n in model.wrt]), list(given.values())
    value, tangent = m.jvp(*arguments, *along)
    u = np.random.default_rng(6).normal(size=value.shape)

    def every(theta: Array, v: Array, u: Array) -> tuple[Array, ...]:
        y, back = jax.vjp(f, theta)
        return y, jax.jvp(f, (theta,), (v,))[1], back(u)[0], jax.jacfwd(f)(theta), jax.jacrev(f)(theta)

    expected = jax.jit(every)(theta, flat(along), u)
    J = m.jacobian(*arguments)
    near(value, expected[0])
    near(tangent, expected[1])
    near(flat(m.vjp(*arguments)[1](u)), expected[2])
    for columns in expected[3:]:
        near(matrix(J, value), np.reshape(columns, (value.size, -1)))


def untraced(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
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
    traced = "while" not in model.text

    def every(theta: Array, v: Array) -> tuple[Array, ...]:
        hessian = jax.hessian(f) if traced else untraced(jax.grad(f))
        return *jax.jvp(jax.grad(f), (theta,), (v,)), hessian(theta)

    gradient, product, H = (jax.jit(every) if traced else every)(theta, flat(along))
    near(flat(m.grad(*arguments)), gradient)
    near(flat(m.hvp(*arguments, *along)), product)
    near(m.hessian(*arguments), H)


# --- CasADi --------------------------------------------------------------------------------------

# Models in whose pattern CasADi sees more: what loops do to an array from step to step, triangles of sums,
# differences of an element and itself. By how many elements, of the Jacobian and of the Hessian.
COARSER = {
    "running products": (8, 0), "filter": (1, 0), "heat": (32, 0), "bodies": (12, 0), "bars": (2, 0),
    "counts": (28, 107), "forces of bars": (20, 10),
}  # fmt: skip
# Elements and colours of the Jacobian and of the Hessian as CasADi 3.8 has them (columns or rows, stars).
STRUCTURE = {
    "perceptron": ((540, 30), (1450, 30)), "word vectors": ((36, 6), (180, 9)), "bilinear": ((120, 4), (1170, 24)),
    "Bratu": ((46, 4), (79, 6)), "poisson": ((128, 7), (284, 11)), "Burgers": ((56, 6), (99, 7)),
    "camera": ((90, 9), (279, 12)), "Broyden's band": ((28, 3), (44, 5)), "great circle": ((15, 3), (41, 3)),
    "minimal surface": (None, (91, 6)), "springs": (None, (76, 6)), "chained valleys": (None, (25, 3)),
    "arrowhead": (None, (25, 2)),
}  # fmt: skip


class Structure(NamedTuple):
    """A pattern as places, and its colours; `by_rows` says of what."""

    places: set[tuple[int, int]]
    colours: int
    by_rows: bool


def structure(name: str, way: str) -> Structure | None:
    """What the module says of a "jacobian" or "hessian"; None where it has a dense one alone."""
    model, m = MODELS[name], compiled(name, "vector" if way == "jacobian" else "scalar", 1)
    colouring = getattr(m, f"{way}_colouring", None)
    if colouring is None:
        return None
    known = {**model.given(), **model.all_sizes}
    found = colouring(**{n: known[n] for n in signature(colouring).parameters})
    height = int(np.max(found.rows, initial=-1)) + 1
    width = sum(np.size(known[n]) for n in model.wrt)
    by_rows = way == "jacobian" and len(found.colours) != width and len(found.colours) >= height
    places = set(zip(found.rows.tolist(), found.cols.tolist()))
    return Structure(places, int(found.colours.max(initial=-1)) + 1, by_rows)


@pytest.mark.parametrize("name", STRUCTURE)
def test_elements_and_colours(name: str) -> None:
    for way, known in zip(("jacobian", "hessian"), STRUCTURE[name]):
        if known is not None:
            found = structure(name, way)
            assert found is not None
            assert len(found.places) == known[0]
            assert found.colours <= known[1]


@pytest.mark.parametrize("name", [*STRUCTURE, *COARSER, "lost phases", "enzyme"])
@pytest.mark.filterwarnings("ignore")
def test_patterns_of_casadi(name: str) -> None:
    """Each element that CasADi has is there, none else, and no more colours are needed."""
    pytest.importorskip("casadi", reason="CasADi is not installed")
    from casadi_reading import hessian, jacobian

    ways = {"hessian": hessian} if MODELS[name].is_scalar else {"jacobian": jacobian, "hessian": hessian}
    for way, reading in ways.items():
        sparsity = reading(MODELS[name])
        expected, found = set(zip(*sparsity.get_triplet())), structure(name, way)
        more = COARSER.get(name, (0, 0))[way == "hessian"]
        if found is None:
            assert len(expected) + more == sparsity.numel()
            continue
        assert expected <= found.places
        assert len(found.places) <= len(expected) + more
        if more == 0:
            sides = sparsity.T.uni_coloring() if found.by_rows else sparsity.uni_coloring()
            assert found.colours <= (sides if way == "jacobian" else sparsity.star_coloring()).size2()


# --- SymPy ---------------------------------------------------------------------------------------

SCALARS = [
    "exp(-a * b) * sin(b * c) / (1 + a**2)",
    "log(a + b * c) - c**b + sqrt(a * b * c)",
    "tanh(a * b - c)**3 + cosh(a) / sinh(b + c)",
    "(a * b + b * c + c * a)**2 / (a + b + c)**3",
    "erf(a - b) * exp(c * a)",
    "lgamma(a + b) - lgamma(a) - lgamma(b) + c * digamma(a * c)",
    "arctan2(a, b) * log1p(c) + arcsin(a * b * c / 4)",
    "(1 - a)**2 + 100 * (b - a**2)**2 + c**4",
    "log(1 + exp(a * b)) - log(exp(a) + exp(b) + exp(c))",
    "a**b**c + cbrt(a + c)",
]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("text", SCALARS)
def test_hessians_of_sympy(text: str, level: int) -> None:
    """Formulas, evaluated in 30 digits."""
    import sympy

    names = {
        "lgamma": sympy.loggamma,
        "arctan2": sympy.atan2,
        "arcsin": sympy.asin,
        "log1p": lambda x: sympy.log(1 + x),
    }
    symbols = sympy.symbols("a b c", positive=True)
    formula = eval(text, {**vars(sympy), **names}, dict(zip("abc", symbols)))
    source = f"param a, b, c: real > 0\noutput y = {text}\ngrad y wrt a, b, c\n"
    m = module_of(autodiffc.compile(source, level=level, emit=["hessian", "hvp", "jvp"]), "model")
    for point in np.random.default_rng(8).uniform(0.5, 1.5, (3, 3)):
        at, v = dict(zip(symbols, map(sympy.Float, point))), np.array([0.3, -1.1, 0.7])
        expected = np.array(sympy.hessian(formula, symbols).evalf(30, subs=at).tolist(), float)
        slopes = np.array([formula.diff(s).evalf(30, subs=at) for s in symbols], float)
        near(m.hessian(*point), expected, 1e-12)
        near(m.hvp(*point, *v), expected @ v, 1e-12)
        near(m.jvp(*point, *v)[1], slopes @ v, 1e-12)
