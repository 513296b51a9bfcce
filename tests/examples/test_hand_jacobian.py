"""ADBench's hand: its Jacobian by the pose, and by the pose and the barycentric coordinates of each point.

    m = derive("adbench/hand_complicated", "jacobian", more="grad error wrt u, theta")
    m.jacobian_colouring(N=N)                   # 2 colours for u, whose part is block diagonal, up to 26 for theta

The reference J has the rows of each point's three errors; its first two columns are by that point's own
coordinates. Upstream's own numbers are those of the two small files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from adbench_data import SIMPLE, hand_case
from numpy.typing import NDArray

Derive = Callable[..., ModuleType]
Cases = Callable[[str], Path]
LEVELS = (0, 1, 2)
COMPLICATED = "test_complicated"
ALONE, JOINTLY = "grad error wrt theta", "grad error wrt u, theta"
ROUNDING = 1e-15  # of the largest number of J; those of the reference are below 1
Array = NDArray[Any]


def close(found: Any, expected: Any) -> None:
    error = np.abs(np.asarray(found) - expected).max()
    assert error <= ROUNDING * np.abs(expected).max(), error


def upstream(index: Callable[[str], Any], name: str) -> Any:
    expected: dict[str, Any] = index("adbench/upstream_expected.json")
    return expected.get(f"hand_{name}")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", SIMPLE)
def test_by_the_pose(
    derive: Derive, cases: Cases, index: Callable[[str], Any], name: str, level: int
) -> None:
    _, arguments, reference = hand_case(cases, name)
    m = derive("adbench/hand", "jacobian", "jvp", more=ALONE, level=level)
    error, grads = m.value_and_jacobian(*arguments)
    J = grads.theta.reshape(-1, 26)
    close(error.ravel(), reference["err"])
    close(J, reference["J"])
    if upstream(index, name):
        close(J, np.array(upstream(index, name)["J"]))
    v = np.random.default_rng(0).normal(size=26)
    np.testing.assert_allclose(m.jvp(*arguments, v)[1].ravel(), J @ v, rtol=0, atol=1e-14)
    fit = m.residuals(*arguments[:-1])
    assert (fit.jac(arguments[-1]) == J).all()


def full_of(J: Array) -> Array:
    """The Jacobian by u and theta, from the reference's: own columns of u for each point."""
    N = len(J) // 3
    full = np.zeros((3 * N, 2 * N + 26))
    full[:, 2 * N :] = J[:, 2:]
    for i in range(N):
        full[3 * i : 3 * i + 3, 2 * i : 2 * i + 2] = J[3 * i : 3 * i + 3, :2]
    return full


@pytest.mark.parametrize("level", LEVELS)
def test_by_pose_and_points(derive: Derive, cases: Cases, index: Callable[[str], Any], level: int) -> None:
    _, arguments, reference = hand_case(cases, COMPLICATED)
    m = derive("adbench/hand_complicated", "jacobian", more=JOINTLY, level=level)
    close(full_of(np.array(upstream(index, COMPLICATED)["J"])), full_of(reference["J"]))
    expected = full_of(reference["J"])
    error, grads = m.value_and_jacobian(*arguments)
    close(error.ravel(), reference["err"])
    N = len(error)
    close(np.concatenate([grads.u.reshape(3 * N, -1), grads.theta.reshape(3 * N, -1)], axis=1), expected)
    close(m.jacobian_csr(*arguments).toarray(), expected)


def many(arguments: tuple[Any, ...], N: int) -> tuple[Any, ...]:
    """N points of the mesh, seen where they are not."""
    rng = np.random.default_rng(N)
    *rest, _, _, _, theta = arguments
    return *rest, rng.integers(0, len(rest[-1]), N), rng.normal(size=(N, 3)), rng.uniform(size=(N, 2)), theta


@pytest.mark.parametrize("level", LEVELS)
def test_many_points(derive: Derive, cases: Cases, level: int) -> None:
    """However many points there are, no more colours than u and theta have numbers; Jv and Jᵀe by it and without."""
    N = 50
    arguments = many(hand_case(cases, COMPLICATED)[1], N)
    m = derive("adbench/hand_complicated", "jacobian", "jvp", "vjp", more=JOINTLY, level=level)
    colouring = m.jacobian_colouring(N=N)
    colours = colouring.colours.max() + 1
    assert 26 <= colours <= 28  # an error is moved by one of the three translations alone, if that is seen
    error, sparse = m.value_and_sparse_jacobian(*arguments, colouring=colouring)
    assert len(sparse.values) == 3 * N * colours
    J = np.zeros((3 * N, 2 * N + 26))
    J[sparse.rows, sparse.cols] = sparse.values
    back = m.vjp(*arguments)[1](error)
    transposed = np.concatenate([back.u.ravel(), back.theta])
    np.testing.assert_allclose(J.T @ error.ravel(), transposed, rtol=0, atol=1e-13 * np.abs(transposed).max())
    rng = np.random.default_rng(level)
    d_u, d_theta = rng.normal(size=(N, 2)), rng.normal(size=26)
    tangent = m.jvp(*arguments, d_u, d_theta)[1].ravel()
    np.testing.assert_allclose(J @ np.concatenate([d_u.ravel(), d_theta]), tangent, rtol=0, atol=1e-13)


def test_operands_of_einsum_meet_in_pairs(
    derive: Derive, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For all directions a pair's product is larger than any operand; all three at once take 70 times as long."""
    m = derive("adbench/hand", "jacobian", more=ALONE)
    einsum, steps = np.einsum, []

    def recorded(spec: str, *operands: Array, optimize: Any = False) -> Any:
        steps.extend(np.einsum_path(spec, *operands, optimize=optimize)[0][1:])
        return einsum(spec, *operands, optimize=optimize)

    monkeypatch.setattr(np, "einsum", recorded)
    m.jacobian(*hand_case(cases, "test_simple")[1])
    assert steps
    assert all(len(step) == 2 for step in steps)
