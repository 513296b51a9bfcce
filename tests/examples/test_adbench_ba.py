"""ADBench's bundle adjustment: errors, the sum of their squares, and its gradient, against reference numbers.

The reference is another system's, in double precision. Where a point is seen and where it should be are close
to each other, and the errors that are left have lost two digits or three: against the same formulas in 40
digits, reference and gradient alike are off by up to 1.4e-11 of an entry (the first of the rotation, ba1), and
by less than 5e-12 in all others.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from adbench_data import bundle

Build = Callable[..., ModuleType]
Cases = Callable[[str], Path]
LEVELS = (0, 1, 2)
DATA = ("test", "ba1_n49_m7776_p31843")
RELATIVE = 1e-11


def close(found: Any, expected: Any) -> None:
    """Relative to the largest element of each column of cameras, of each array otherwise."""
    columns = np.asarray(expected).reshape(-1, 11) if np.shape(expected)[1:] == (11,) else np.ravel(expected)
    scale = np.abs(columns).max(axis=0)
    error = np.abs(np.asarray(found) - expected)
    assert (error <= RELATIVE * np.maximum(scale, 1e-300)).all(), float((error / scale).max())


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", DATA)
def test_data_of_the_benchmark(build: Build, cases: Cases, name: str, level: int) -> None:
    arguments = bundle(cases(f"adbench/ba/{name}.txt"))
    reference = np.load(cases(f"adbench/ba/{name}.ref.npz"))
    module = build("adbench/ba", level)
    value, grads = module.value_and_grad(*arguments)
    assert value == pytest.approx(float(reference["scalar_objective"]), rel=1e-12)
    close(grads.cameras, reference["d_cams"])
    close(grads.X, reference["d_X"])
    close(grads.w, reference["d_w"])
    outputs = module.predict(*arguments)
    close(outputs.reprojection_error[0], reference["reproj_err_one"])
    np.testing.assert_allclose(outputs.weight_error, reference["w_err_one"], rtol=RELATIVE)


@pytest.mark.parametrize("level", LEVELS)
def test_observations_that_differ(build: Build, cases: Cases, level: int) -> None:
    data = np.load(cases("adbench/ba/synthetic_perturbed_n5_m20_p60.npz"))
    arguments = [data[key] for key in ("cam_idx", "pt_idx", "feats", "cams", "X", "w")]
    module = build("adbench/ba", level)
    outputs, cache = module.forward(*arguments)
    close(outputs.reprojection_error, data["reproj_err"])
    close(outputs.weight_error, data["w_err"])
    assert pytest.approx(float(data["scalar_objective"]), rel=1e-12) == outputs.S
    for grads in (module.value_and_grad(*arguments)[1], module.backward(cache)):
        close(grads.cameras, data["d_cams"])
        close(grads.X, data["d_X"])
        close(grads.w, data["d_w"])


def one_observation(rotation: list[float]) -> list[Any]:
    camera = np.array([[*rotation, 0.5, -0.25, 0.125, 200.0, 3.0, -4.0, 0.05, 0.01]])
    return [[0], [0], [[10.0, 20.0]], camera, [[1.0, 2.0, 4.0]], [0.75]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", LEVELS)
def test_a_camera_that_is_not_turned(build: Build, level: int) -> None:
    """r = 0: Y = v + r x v, in the value and in the derivative by r."""
    arguments = one_observation([0.0, 0.0, 0.0])
    value, grads = build("adbench/ba", level).value_and_grad(*arguments)
    v = np.array([0.5, 2.25, 3.875])

    def objective(r: Any) -> Any:
        y = v + np.array([r[1] * v[2] - r[2] * v[1], r[2] * v[0] - r[0] * v[2], r[0] * v[1] - r[1] * v[0]])
        q = y[:2] / y[2]
        rho = q @ q
        seen = 200.0 * q * (1 + 0.05 * rho + 0.01 * rho**2) + np.array([3.0, -4.0])
        error = 0.75 * (seen - np.array([10.0, 20.0]))
        return error @ error + (1 - 0.75**2) ** 2

    steps = 1e-20j * np.eye(3)
    slopes = [objective(step).imag / 1e-20 for step in steps]
    assert value == pytest.approx(objective(np.zeros(3)), rel=1e-14)
    np.testing.assert_allclose(grads.cameras[0, :3], slopes, rtol=1e-13)


@pytest.mark.parametrize("size", [1e-3, 1e-8, 1e-15, 1e-150])
def test_small_rotations_go_over_into_none(build: Build, size: float) -> None:
    """The gradient is continuous at r = 0: it differs by O(|r|), and by rounding."""
    module = build("adbench/ba", 1)
    at_zero = module.value_and_grad(*one_observation([0.0, 0.0, 0.0]))[1].cameras
    near = module.value_and_grad(*one_observation([size, -size, size / 2]))[1].cameras
    assert np.abs(near - at_zero).max() <= (20 * size + 1e-13) * np.abs(at_zero).max()
