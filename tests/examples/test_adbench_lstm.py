"""ADBench's LSTM: value and gradient against the reference and upstream's own numbers, 1023 and 4095 steps.

Upstream's rows of parameters are layer by layer weights, then biases, each as forget, ingate, outgate, change.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
import pytest

Build = Callable[..., ModuleType]
Cases = Callable[[str], Path]
LEVELS = (0, 1, 2)
DATA = ("lstm_l2_c1024", "lstm_l2_c4096")
RELATIVE = 1e-12


def read(path: Path) -> tuple[Any, ...]:
    """The arguments of a data file."""
    sizes, *lines = filter(None, path.read_text().splitlines())
    layers, T, b = map(int, sizes.split())
    numbers = np.array(" ".join(lines).split(), float)
    main, extra, state, text = np.split(numbers, np.cumsum([8 * layers * b, 3 * b, 2 * layers * b]))
    weights = main.reshape(layers, 2, 4, b)
    h_and_c = state.reshape(layers, 2, b)
    params = (weights[:, 0], weights[:, 1], *extra.reshape(3, b))
    return text.reshape(T, b), h_and_c[:, 0], h_and_c[:, 1], *params


def rows(grads: Any) -> tuple[Any, Any]:
    """The gradient in upstream's order."""
    main = np.stack([grads.W, grads.bias], axis=1)
    return main.reshape(2 * len(grads.W), -1), np.stack([grads.w_in, grads.w_out, grads.b_out])


def close(found: Any, expected: Any) -> None:
    error = np.abs(np.asarray(found) - expected).max()
    assert error <= RELATIVE * np.abs(expected).max(), error


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", DATA)
def test_data_of_the_benchmark(build: Build, cases: Cases, name: str, level: int) -> None:
    arguments = read(cases(f"adbench/lstm/{name}.txt"))
    reference = np.load(cases(f"adbench/lstm/{name}.ref.npz"))
    module = build("adbench/lstm", level)
    value, grads = module.value_and_grad(*arguments)
    assert value == pytest.approx(float(reference["objective"]), rel=RELATIVE)
    outputs, cache = module.forward(*arguments)
    assert value == outputs.L
    for found in (grads, module.backward(cache)):
        main, extra = rows(found)
        close(main, reference["d_main_params"])
        close(extra, reference["d_extra_params"])


def test_numbers_of_upstream(build: Build, cases: Cases, index: Callable[[str], Any]) -> None:
    expected = index("adbench/upstream_expected.json")["lstm_test"]
    value, grads = build("adbench/lstm").value_and_grad(*read(cases(f"adbench/{expected['input']}")))
    assert value == pytest.approx(expected["objective"], abs=1e-8)
    found = np.concatenate([array.ravel() for array in rows(grads)])
    np.testing.assert_allclose(found, expected["gradient"], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("layers", [1, 3])
def test_any_number_of_layers(build: Build, layers: int, level: int) -> None:
    """The gradient along random directions, against differences of two step sizes extrapolated."""
    rng = np.random.default_rng(layers)
    text = rng.integers(0, 2, (6, 4))
    shapes = [(layers, 4), (layers, 4), (layers, 4, 4), (layers, 4, 4), (4,), (4,), (4,)]
    h0, c0, *params = (rng.normal(size=shape) for shape in shapes)
    module = build("adbench/lstm", level)
    _, grads = module.value_and_grad(text, h0, c0, *params)
    along = [rng.choice([-1.0, 1.0], p.shape) for p in params]

    def central(h: float) -> float:
        ahead, behind = (
            module.value_and_grad(text, h0, c0, *(p + s * v for p, v in zip(params, along, strict=True)))[0]
            for s in (h, -h)
        )
        return float((ahead - behind) / (2 * h))

    slope = sum(float(np.vdot(g, v)) for g, v in zip(grads, along, strict=True))
    assert slope == pytest.approx((4 * central(5e-4) - central(1e-3)) / 3, rel=1e-8)


@pytest.mark.parametrize("level", LEVELS)
def test_arrays_that_the_loops_fill_are_never_copied(examples: Path, level: int) -> None:
    """A copy in each step would make the time grow like the square of the number of steps."""
    text = autodiffc.compile((examples / "adbench/lstm.dsl").read_text(encoding="utf-8"), level=level)
    written = text[text.index("def value_and_grad") : text.index("def grad")]
    assert "for t in reversed(range(" in written
    assert re.findall(r"\b(?:next_)?(?:d_)?[hc](?:_\d+)?\.copy\(\)", written) == []
