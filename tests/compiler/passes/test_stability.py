"""Every stability rule: naive text compiles to a module with the safe form's value and gradient.

Scalars and arrays, with the gradient and without, in at least four spellings each.
"""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType
from typing import Any

import autodiffc
import mpmath as mp
import numpy as np
import pytest
from autodiffc.api import module_of
from stability_cases import CASES, Case

TOLERANCE = 4.0
BEYOND = mp.mpf(2) ** 1024
TINY = 2.3e-308  # below it the stable profile may give 0
TEXTS = [pytest.param(case, text, id=f"{case.name}: {text}") for case in CASES for text in case.spellings]


def module(case: Case, text: str, type_: str, level: int = 1, grad: bool = True) -> ModuleType:
    names = ", ".join(case.points)
    head = "dim N\n" if "N" in type_ else ""
    asked = f"grad f wrt {names}\n" if grad else ""
    source = f"{head}input {names}: {type_}\noutput f = {text}\n{asked}"
    return module_of(autodiffc.compile(source, level=level), "model")


@cache
def truth(case: Case, index: int) -> tuple[Any, list[Any]]:
    """Value and partial derivatives at a point, to many digits."""
    with mp.workdps(case.digits):
        point = [mp.mpf(values[index]) for values in case.points.values()]
        slopes = []
        for i in range(len(point)):
            step = (abs(point[i]) or mp.mpf(1)) * mp.mpf(10) ** int(-0.35 * case.digits)
            right, left = ([*point[:i], point[i] + s, *point[i + 1 :]] for s in (step, -step))
            if point[i] == 0:  # the edge of a domain
                slopes.append((case.exact(*right) - case.exact(*point)) / step)
            else:
                slopes.append((case.exact(*right) - case.exact(*left)) / (2 * step))
        return case.exact(*point), slopes


def check(found: float, exact: Any, error: float, floor: float, what: str) -> None:
    if abs(exact) > BEYOND:  # an infinite slope, or one that no double can be
        assert found == float(mp.sign(exact)) * float("inf"), what
        return
    limit = TOLERANCE * error * max(abs(exact), mp.mpf(floor)) + TINY
    assert abs(mp.mpf(found) - exact) <= limit, f"{what}: {found!r}, exactly {mp.nstr(exact, 20)}"


@pytest.mark.parametrize(("case", "text"), TEXTS)
def test_scalars(case: Case, text: str) -> None:
    compiled, value_alone = module(case, text, "real"), module(case, text, "real", grad=False)
    for index in range(3):
        point = [values[index] for values in case.points.values()]
        value, slopes = truth(case, index)
        found, gradient = compiled.value_and_grad(*point)
        outputs, _ = compiled.forward(*point)
        assert outputs.f == found == compiled.predict(*point).f == value_alone.forward(*point)[0].f
        check(found, value, case.error, 0.0, f"value at {point}")
        for name, slope in zip(case.points, slopes):
            error = case.slope_error or case.error
            check(getattr(gradient, name), slope, error, case.floor, f"slope by {name} at {point}")


@pytest.mark.parametrize(("case", "text"), TEXTS)
def test_arrays(case: Case, text: str) -> None:
    points = [np.array(values) for values in case.points.values()]
    found = {}
    for level in (0, 1, 2):
        compiled = module(case, text, "real[N]", level)
        outputs, cache = compiled.forward(*points)
        np.testing.assert_array_equal(outputs.f, compiled.predict(*points).f)
        found[level] = (outputs.f, *compiled.backward(cache, np.ones(3)))
        for index in range(3):
            value, slopes = truth(case, index)
            check(outputs.f[index], value, case.error, 0.0, f"value at {index}")
            for gradient, slope in zip(found[level][1:], slopes):
                check(gradient[index], slope, case.slope_error or case.error, case.floor, f"slope at {index}")


BODIES = {
    "a loop": """
var y: real[N]
j = 0
for t in range(N):
    y[t] = {text}
    j = j + 1
output f = y
""",
    "a branch": """
var y: real[N]
j = 0
for t in range(N):
    if n > t:
        y[t] = {text}
    else:
        y[t] = 0.0
    j = j + 1
output f = y
""",
}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_in_bodies(case: Case, body: str, level: int) -> None:
    """The step depends on a counter that is carried, so that nothing of it leaves the loop."""
    names = ", ".join(case.points)
    text = re.sub(rf"\b({'|'.join(case.points)})\b", r"\1[j]", case.spellings[-1])
    condition = "input n: int\n" if "branch" in body else ""
    head = f"dim N\n{condition}input {names}: real[N]"
    source = f"{head}{BODIES[body].format(text=text)}grad f wrt {names}\n"
    compiled = module_of(autodiffc.compile(source, level=level), "model")
    points = [np.array(values) for values in case.points.values()]
    outputs, cache = compiled.forward(*([3] if "branch" in body else []), *points)
    gradients = compiled.backward(cache, np.ones(3))
    for index in range(3):
        value, slopes = truth(case, index)
        check(outputs.f[index], value, case.error, 0.0, f"value at {index}")
        for gradient, slope in zip(gradients, slopes):
            check(gradient[index], slope, case.slope_error or case.error, case.floor, f"slope at {index}")


def test_every_case_has_four_spellings() -> None:
    assert all(len(set(case.spellings)) >= 4 for case in CASES)
