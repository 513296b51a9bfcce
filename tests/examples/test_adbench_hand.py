"""ADBench's hand: errors, half the sum of their squares and its gradient, and products with the Jacobian.

The reference is another system's, in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
import pytest
from adbench_data import SIMPLE, hand_case

Build = Callable[..., ModuleType]
Cases = Callable[[str], Path]
LEVELS = (0, 1, 2)
RELATIVE = 1e-12


def close(found: Any, expected: Any) -> None:
    error = np.abs(np.asarray(found) - expected).max()
    assert error <= RELATIVE * np.abs(expected).max(), error


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", [*SIMPLE, "test_complicated"])
def test_data_of_the_benchmark(build: Build, cases: Cases, name: str, level: int) -> None:
    model, arguments, reference = hand_case(cases, name)
    module = build(f"adbench/{model}", level)
    value, grads = module.value_and_grad(*arguments)
    assert value == pytest.approx(float(reference["half_sq_objective"]), rel=RELATIVE)
    outputs, cache = module.forward(*arguments)
    close(outputs.error.ravel(), reference["err"].ravel())
    for found in (grads, module.backward(cache)):
        close(found.theta, reference["d_theta"])
        if model == "hand_complicated":
            close(found.u, reference["d_us"])


@pytest.fixture(scope="module")
def with_cotangents(
    examples: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], ModuleType]:
    """The model with its errors as the target, whose `backward` takes their cotangents."""

    @cache
    def build(model: str, wrt: str) -> ModuleType:
        folder = tmp_path_factory.mktemp(model)
        for path in (examples / "adbench").glob("hand*.dsl"):
            (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        target = folder / f"{model}.dsl"
        with target.open("a", encoding="utf-8") as file:
            file.write(f"grad error wrt {wrt}\n")
        module: ModuleType = autodiffc.load(target)
        return module

    return build


@pytest.mark.parametrize("name", [*SIMPLE, "test_complicated"])
def test_products_with_the_transposed_jacobian(
    with_cotangents: Callable[[str, str], ModuleType], cases: Cases, name: str
) -> None:
    """Jᵀv for random v. The first two columns of the complicated J are of each row's own coordinates."""
    model, arguments, reference = hand_case(cases, name)
    module = with_cotangents(model, "theta" if model == "hand" else "u, theta")
    outputs, cache = module.forward(*arguments)
    J = reference["J"]
    rng = np.random.default_rng(0)
    for _ in range(4):
        v = rng.normal(size=outputs.error.shape)
        grads = module.backward(cache, v)
        close(grads.theta, v.ravel() @ J[:, -26:])
        if model == "hand_complicated":
            own = J[:, :2].reshape(-1, 3, 2)
            close(grads.u, np.einsum("nc,nck->nk", v, own))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("size", [0.0, 1e-5, 2e-4, 0.3])
def test_a_hand_that_is_hardly_turned(build: Build, cases: Cases, size: float, level: int) -> None:
    """Below an angle of 1e-4 the model doesn't turn the hand; there the gradient by the rotation is 0."""
    _, arguments, _ = hand_case(cases, "test_simple")
    module = build("adbench/hand", level)
    direction = np.array([2.0, -1.0, 2.0]) / 3

    def f(angle: float) -> float:
        theta = np.concatenate([angle * direction, arguments[-1][3:]])
        return float(module.value_and_grad(*arguments[:-1], theta)[0])

    theta = np.concatenate([size * direction, arguments[-1][3:]])
    d_theta = module.value_and_grad(*arguments[:-1], theta)[1].theta
    h = min(1e-5, size / 10) or 1e-6
    slope = (f(size + h) - f(size - h)) / (2 * h)
    assert d_theta[:3] @ direction == pytest.approx(slope, rel=1e-5, abs=1e-9)
    assert (d_theta[:3] == 0.0).all() == (size < 1e-4)
