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

Build = Callable[..., ModuleType]
Cases = Callable[[str], Path]
LEVELS = (0, 1, 2)
SIMPLE = ("test_simple", "simple_small_hand1_t26_c100")
RELATIVE = 1e-12


def fields(path: Path) -> list[list[str]]:
    return [line.split(":") for line in path.read_text().split()]


@cache
def mesh(folder: Path) -> tuple[Any, ...]:
    """base, inverse, parent, P, W, and the corners of the triangles."""
    bones = fields(folder / "bones.txt")
    base, inverse = np.array([bone[2:34] for bone in bones], float).reshape(-1, 2, 4, 4).swapaxes(0, 1)
    lines = fields(folder / "vertices.txt")
    P = np.array([[*line[:3], 1] for line in lines], float)
    W = np.zeros((len(lines), len(bones)))
    for weights, line in zip(W, lines, strict=True):
        for bone, weight in zip(line[9::2], line[10::2], strict=True):
            weights[int(bone)] = float(weight)
    return (
        base,
        inverse,
        [int(bone[1]) for bone in bones],
        P,
        W,
        np.array(fields(folder / "triangles.txt"), int),
    )


def read(path: Path) -> tuple[Any, ...]:
    """What a data file says after the mesh: correspondences, points, and the parameters."""
    (N, _), *rest = (line.split() for line in path.read_text().splitlines() if line.strip())
    seen = np.array(rest[: int(N)], float)
    u, theta = [np.array(r, float) for r in (rest[int(N) : -26], rest[-26:])]
    return seen[:, 0].astype(int), seen[:, 1:], *([u] if len(u) else []), theta[:, 0]


def close(found: Any, expected: Any) -> None:
    error = np.abs(np.asarray(found) - expected).max()
    assert error <= RELATIVE * np.abs(expected).max(), error


def case(cases: Cases, name: str) -> tuple[str, tuple[Any, ...], Any]:
    """The model, its arguments and the reference of a data file."""
    *rest, corners = mesh(cases("adbench/hand/model"))
    data = read(cases(f"adbench/hand/{name}.txt"))
    model, more = ("hand", ()) if name in SIMPLE else ("hand_complicated", (corners,))
    return model, (*rest, *more, *data), np.load(cases(f"adbench/hand/{name}.ref.npz"))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", [*SIMPLE, "test_complicated"])
def test_data_of_the_benchmark(build: Build, cases: Cases, name: str, level: int) -> None:
    model, arguments, reference = case(cases, name)
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
    model, arguments, reference = case(cases, name)
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
    _, arguments, _ = case(cases, "test_simple")
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
