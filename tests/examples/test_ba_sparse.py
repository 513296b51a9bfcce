"""ADBench's bundle adjustment: the sparse Jacobian of all errors, against upstream's and reference numbers.

    m = derive("adbench/ba", "jacobian", more=ALL_ERRORS)
    colouring = m.jacobian_colouring(camera, point, n=2, m=10)
    errors, (rows, cols, values) = m.value_and_sparse_jacobian(*arguments, colouring=colouring)

Rows are two per observation, then one per weight; columns are cameras, points, weights. A row of an observation
has 15 places upstream, of which one is always 0: of the principal point each error sees its own coordinate alone.
So 14 numbers are left, and 14 colours do, the fewest that there can be.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from adbench_data import bundle
from numpy.typing import NDArray

Derive = Callable[..., ModuleType]
Cases = Callable[[str], Path]
LEVELS = (0, 1, 2)
ALL_ERRORS = """
output errors = concatenate(reshape(reprojection_error, 2 * p), weight_error)
grad errors wrt cameras, X, w
"""
COLOURS = 14
# Of a column's largest number. The last column has the errors themselves, which have lost digits to cancellation.
ROUNDING, CANCELLED = 4e-15, 1e-12
Array = NDArray[Any]


def different(path: Path) -> tuple[Any, ...]:
    """The arguments of the data whose observations differ."""
    data = np.load(path)
    return tuple(data[key] for key in ("cam_idx", "pt_idx", "feats", "cams", "X", "w"))


def sizes(arguments: tuple[Any, ...]) -> dict[str, int]:
    return {"n": len(arguments[3]), "m": len(arguments[4])}


def places(arguments: tuple[Any, ...]) -> tuple[Array, Array]:
    """Rows and columns of upstream's 15 numbers of each row, and of one for each weight at the end."""
    camera, point, _, cameras, X, _ = arguments
    p, (n, m) = len(camera), (len(cameras), len(X))
    i = np.arange(p)
    own = np.concatenate(
        [
            11 * camera[:, None] + np.arange(11),
            11 * n + 3 * point[:, None] + np.arange(3),
            (11 * n + 3 * m + i)[:, None],
        ],
        axis=1,
    )
    rows = np.concatenate([np.repeat(np.arange(2 * p), 15), 2 * p + i])
    return rows, np.concatenate([np.repeat(own, 2, axis=0).ravel(), own[:, -1]])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ["test", "ba1_n49_m7776_p31843"])
def test_blocks_of_the_reference(derive: Derive, cases: Cases, name: str, level: int) -> None:
    arguments = bundle(cases(f"adbench/ba/{name}.txt"))
    reference = np.load(cases(f"adbench/ba/{name}.ref.npz"))
    m = derive("adbench/ba", "jacobian", more=ALL_ERRORS, level=level)
    p = len(arguments[0])
    colouring = m.jacobian_colouring(*arguments[:2], **sizes(arguments))
    errors, sparse = m.value_and_sparse_jacobian(*arguments, colouring=colouring)
    assert colouring.colours.max() + 1 == COLOURS
    np.testing.assert_allclose(errors[:2], reference["reproj_err_one"], rtol=1e-11)
    found = m.jacobian_csr(*arguments, colouring=colouring)
    block = np.asarray(reference["J_block_2x15"])
    rows, cols = places(arguments)
    blocks = np.asarray(found[rows[: 30 * p], cols[: 30 * p]]).reshape(p, 2, 15)
    limits = np.where(np.arange(15) < 14, ROUNDING, CANCELLED) * np.abs(block).max(axis=0)
    assert (np.abs(blocks - block) <= limits).all()
    np.testing.assert_allclose(found[rows[30 * p :], cols[30 * p :]], reference["dw_err_dw"], rtol=1e-15)
    assert len(sparse.values) == found.nnz == 29 * p  # nothing else


@pytest.mark.parametrize("level", LEVELS)
def test_all_numbers_of_upstream(
    derive: Derive, cases: Cases, index: Callable[[str], Any], level: int
) -> None:
    expected = index("adbench/upstream_expected.json")["ba_test"]
    arguments = bundle(cases("adbench/ba/test.txt"))
    m = derive("adbench/ba", "jacobian", more=ALL_ERRORS, level=level)
    upstream = np.zeros(expected["J_shape"])
    upstream[places(arguments)] = expected["J_vals"]
    sparse = m.sparse_jacobian(*arguments)
    full = np.zeros(expected["J_shape"])
    full[sparse.rows, sparse.cols] = sparse.values
    assert (np.abs(full - upstream) <= CANCELLED * np.abs(upstream).max(axis=0)).all()
    zero = upstream == 0.0
    zero[sparse.rows, sparse.cols] = False
    assert (zero == (upstream == 0.0)).all()  # the pattern has no place that is 0 for all arguments
    assert len(expected["J_vals"]) - len(sparse.values) == 20


@pytest.mark.parametrize("level", LEVELS)
def test_observations_that_differ(derive: Derive, cases: Cases, level: int) -> None:
    """Jᵀe against the gradients of the reference, J against the dense one and against products with vectors."""
    path = cases("adbench/ba/synthetic_perturbed_n5_m20_p60.npz")
    data, arguments = np.load(path), different(path)
    m = derive("adbench/ba", "jacobian", "jvp", more=ALL_ERRORS, level=level)
    errors, _ = m.value_and_sparse_jacobian(*arguments)
    J = m.jacobian_csr(*arguments)
    assert m.jacobian_colouring(*arguments[:2], **sizes(arguments)).colours.max() + 1 == COLOURS
    expected = np.concatenate([data[key].ravel() for key in ("d_cams", "d_X", "d_w")])
    # The errors cancel: theirs is the larger part of the rounding.
    limit = 1e-12 * (abs(J).T @ (np.abs(errors) + np.abs(errors).max()))
    assert (np.abs(2.0 * J.T @ errors - expected) <= limit).all()
    dense = [block.reshape(len(errors), -1) for block in m.jacobian(*arguments)]
    assert (J.toarray() == np.concatenate(dense, axis=1)).all()
    rng = np.random.default_rng(0)
    for _ in range(4):
        directions = [rng.normal(size=np.shape(value)) for value in arguments[3:]]
        tangent = m.jvp(*arguments, *directions)[1]
        v = np.concatenate([d.ravel() for d in directions])
        assert (np.abs(J @ v - tangent) <= 1e-13 * (abs(J) @ np.abs(v))).all()


@pytest.mark.parametrize("level", LEVELS)
def test_complex_steps(derive: Derive, cases: Cases, level: int) -> None:
    """Each number of a row against the same formulas, written once more, at a complex step."""
    arguments = different(cases("adbench/ba/synthetic_perturbed_n5_m20_p60.npz"))
    camera, point, features, cameras, X, w = arguments
    J = derive("adbench/ba", "jacobian", more=ALL_ERRORS, level=level).jacobian_csr(*arguments).toarray()
    _, cols = places(arguments)
    for i in range(len(camera)):
        at = np.concatenate([cameras[camera[i]], X[point[i]], w[i : i + 1]])
        steps = at + 1e-30j * np.eye(15)
        slopes = np.array([reprojected(step, features[i]).imag / 1e-30 for step in steps]).T
        found = J[2 * i : 2 * i + 2, cols[30 * i : 30 * i + 15]]
        sizes_of_terms = np.abs(slopes).max(axis=0)
        sizes_of_terms[14] = np.abs(features[i]).max()  # of which the error itself is a difference
        assert (np.abs(found - slopes) <= ROUNDING * sizes_of_terms).all()


def reprojected(numbers: Array, feature: Array) -> Array:
    """The two errors of an observation, from its camera, point and weight."""
    r, C, (f, u0, v0, k1, k2), X, w = np.split(numbers, [3, 6, 11, 14])
    theta = np.sqrt(r @ r)
    axis, v = r / theta, X - C
    Y = v * np.cos(theta) + np.cross(axis, v) * np.sin(theta) + axis * (axis @ v) * (1 - np.cos(theta))
    q = Y[:2] / Y[2]
    rho = q @ q
    return np.asarray(w * (f * (1 + k1 * rho + k2 * rho**2) * q + np.array([u0, v0]) - feature))


def test_the_cost_grows_with_the_observations_alone(derive: Derive, cases: Cases) -> None:
    """Numbers in the result, and colours: as many for each observation, however many there are."""
    one = bundle(cases("adbench/ba/test.txt"))
    m = derive("adbench/ba", "jacobian", more=ALL_ERRORS)
    for n, points, p in ((2, 10, 10), (7, 60, 300), (21, 113, 3000)):
        i = np.arange(p)
        colouring = m.jacobian_colouring(i % n, i % points, n=n, m=points)
        assert colouring.colours.max() + 1 == COLOURS
        assert len(colouring.rows) == len(colouring.taken) == 29 * p
        repeated = [np.tile(np.asarray(one[k])[:1], (size, 1)) for k, size in ((2, p), (3, n), (4, points))]
        arguments = (i % n, i % points, *repeated, np.full(p, one[5][0]))
        values = m.sparse_jacobian(*arguments, colouring=colouring).values
        assert math.isclose(np.abs(values).max(), np.abs(m.sparse_jacobian(*one).values).max(), rel_tol=1e-14)
