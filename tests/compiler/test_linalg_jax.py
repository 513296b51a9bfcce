"""Linear algebra against JAX: values and gradients, at every broadcasting of stacks of matrices.

matmul, solve and solve_triangular for all pairs of batch shapes; det, inv, logdet, cholesky on stacks; einsum's
subscripts with ellipses, repeated letters, implicit results.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, product
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
jnp = jax.numpy

LEVELS = (0, 1, 2)
BATCHES = ((), (2,), (1,), (3, 1), (3, 2))
EINSUMS = """
ij,jk (2,3) (3,4) | ba (2,3) | ii (3,3) | ii->i (3,3) | ij-> (2,3) | i,i (3) (3) | i,j (2) (3) | ... (2,3) | ...-> ()
...ij,...jk->...ik (2,3,4) (2,4,5) | ...ij,...jk (2,3,4) (4,5) | ...ij,...jk->...ik (2,1,3,4) (5,4,6)
...ij,jk->ik... (2,3,4) (4,5) | i...,i...->... (3,2,4) (3,2,4) | ...i,...i (2,1,3) (2,4,3) | i...->... (3,2)
...ii->...i (2,3,3) | ...ii (2,3,3) | i...i (3,2,3) | ijk,jkl->il (2,3,4) (3,4,5) | ijk,ljk->il (2,3,4) (5,3,4)
bijk,bjkl->bil (2,2,3,4) (2,3,4,5) | ij,ik,il->jkl (3,2) (3,4) (3,5) | ij,jk,kl,lm->im (2,3) (3,4) (4,2) (2,3)
a,ab,abc->abc (2) (2,3) (2,3,4) | ij,ij,ij-> (2,3) (2,3) (2,3) | iij,jk->k (3,3,2) (2,4) | iijj->ij (3,3,2,2)
iijj (3,3,2,2) | ij,kl-> (2,3) (3,4) | ab,cd->ad (2,3) (3,4) | abcd,cd->ab (2,3,4,5) (4,5)
ab,abcd->cd (2,3) (2,3,4,5) | bhqd,bhkd->bhqk (2,3,4,5) (2,3,6,5) | bqhd,bkhd->bhqk (2,4,3,5) (2,6,3,5)
bi,bi->b (2,3) (2,3) | bi,bj->bij (2,3) (2,4) | , () () | ,i () (3) | i,->i (3) () | ij,jk->ik (0,3) (3,4)
ij,jk->ik (2,0) (0,4) | ii->i (0,0) | ij,ij->i (1,1) (1,1) | ii,ii->i (3,3) (3,3) | ii,ij,jj-> (3,3) (3,2) (2,2)
abc,cd,def->abef (2,3,4) (4,2) (2,3,2) | Ab,bA->A (2,3) (3,2) | ijij->ij (2,3,2,3) | i,i,i->i (3) (3) (3)
ij,ji-> (2,3) (3,2) | a...b,b...c->a...c (2,3,4) (4,3,5)
"""


def module(text: str, arrays: list[Any], level: int) -> ModuleType:
    names = [f"x{k}" for k in range(len(arrays))]
    types = [f"real[{', '.join(map(str, a.shape))}]" if a.ndim else "real" for a in arrays]
    lines = [f"input {name}: {type_}" for name, type_ in zip(names, types)]
    lines += [f"output y = {text}", f"grad y wrt {', '.join(names)}"]
    return module_of(autodiffc.compile("\n".join(lines) + "\n", level=level), "model")


def compare(
    text: str, arrays: list[Any], function: Callable[..., Any], levels: tuple[int, ...] = (1,)
) -> None:
    """The value and the adjoint at a random cotangent."""
    expected, adjoint = jax.vjp(function, *map(jnp.asarray, arrays))
    g = np.random.default_rng(7).normal(size=expected.shape)
    references = adjoint(jnp.asarray(g))
    for level in levels:
        m = module(text, arrays, level)
        outputs, cache = m.forward(*arrays)
        assert np.shape(outputs.y) == expected.shape
        np.testing.assert_allclose(outputs.y, expected, rtol=1e-11, atol=1e-12)
        for found, reference in zip(m.backward(cache, g if g.ndim else float(g)), references):
            assert np.shape(found) == reference.shape
            np.testing.assert_allclose(found, reference, rtol=1e-10, atol=1e-11)


def normal(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def regular(*shape: int) -> Any:
    return normal(*shape) + 4.0 * np.eye(shape[-1])


def definite(*shape: int) -> Any:
    return normal(*shape) @ normal(*shape).swapaxes(-1, -2) + np.eye(shape[-1])


def compatible() -> list[tuple[Any, Any]]:
    pairs = product(BATCHES, BATCHES)
    return [(a, b) for a, b in pairs if all(m == n or 1 in (m, n) for m, n in zip(a[::-1], b[::-1]))]


PAIRS = pytest.mark.parametrize(("a", "b"), compatible(), ids=str)


@PAIRS
def test_products_of_stacks(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    compare("x0 @ x1", [normal(*a, 4, 5), normal(*b, 5, 3)], jnp.matmul)


@pytest.mark.parametrize("a", BATCHES, ids=str)
def test_products_with_vectors_and_of_size_0_and_1(a: tuple[int, ...]) -> None:
    compare("x0 @ x1", [normal(5), normal(*a, 5, 3)], jnp.matmul)
    compare("x0 @ x1", [normal(*a, 4, 5), normal(5)], jnp.matmul)
    compare("x0 @ x1", [normal(*a, 1, 5), normal(5, 1)], jnp.matmul)
    compare("x0 @ x1", [normal(*a, 3, 0), normal(0, 2)], jnp.matmul)


@PAIRS
def test_equations(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    compare("solve(x0, x1)", [regular(*a, 4, 4), normal(*b, 4, 3)], jnp.linalg.solve)


def substitution(lower: bool, trans: int, unit: bool) -> Callable[[Any, Any], Any]:
    def solution(T: Any, B: Any) -> Any:
        batch = jnp.broadcast_shapes(T.shape[:-2], B.shape[:-2])
        T, B = (jnp.broadcast_to(x, batch + x.shape[-2:]) for x in (T, B))
        return jax.scipy.linalg.solve_triangular(T, B, trans=trans, lower=lower, unit_diagonal=unit)

    return solution


@pytest.mark.parametrize(
    ("pair", "options"), [*zip(compatible(), cycle(product((False, True), (0, 1), (False, True))))], ids=str
)
def test_triangular_equations(pair: tuple[Any, Any], options: tuple[bool, int, bool]) -> None:
    lower, trans, unit = options
    keywords = f"lower={str(lower).lower()}, trans={trans}, unit_diagonal={str(unit).lower()}"
    arrays = [regular(*pair[0], 4, 4), normal(*pair[1], 4, 3)]
    compare(f"solve_triangular(x0, x1, {keywords})", arrays, substitution(lower, trans, unit))


@pytest.mark.parametrize("a", BATCHES, ids=str)
def test_a_vector_on_the_right(a: tuple[int, ...]) -> None:
    def column(b: Any, batch: tuple[int, ...]) -> Any:
        return jnp.broadcast_to(b[:, None], (*batch, 4, 1))

    arrays = [regular(*a, 4, 4), normal(4)]
    compare("solve(x0, x1)", arrays, lambda A, b: jnp.linalg.solve(A, column(b, a))[..., 0])
    triangular = substitution(True, 0, False)
    text = "solve_triangular(x0, x1, lower=true)"
    compare(text, arrays, lambda T, b: triangular(T, column(b, a))[..., 0])


def symmetric(A: Any) -> Any:
    return (A + jnp.swapaxes(A, -1, -2)) / 2


@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 3), (2, 3, 3), (2, 1, 4, 4), (0, 3, 3), (16, 1, 1), (5, 7, 7)], ids=str
)
def test_functions_of_a_matrix(shape: tuple[int, ...]) -> None:
    compare("det(x0)", [regular(*shape)], jnp.linalg.det, LEVELS)
    compare("inv(x0)", [regular(*shape)], jnp.linalg.inv, LEVELS)
    compare("logdet(x0)", [definite(*shape)], lambda A: jnp.linalg.slogdet(A)[1], LEVELS)
    compare("cholesky(x0)", [definite(*shape)], lambda A: jnp.linalg.cholesky(symmetric(A)), LEVELS)


@pytest.mark.parametrize("text", EINSUMS.replace("\n", " | ").strip(" |").split(" | "))
def test_einsum(text: str) -> None:
    spec, *shapes = text.strip().split(" ")
    arrays = [normal(*(int(n) for n in shape.strip("()").split(",") if n)) for shape in shapes]
    operands = ", ".join(f"x{k}" for k in range(len(arrays)))
    compare(f'einsum("{spec}", {operands})', arrays, lambda *xs: jnp.einsum(spec, *xs))
