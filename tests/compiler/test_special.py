"""The special functions against mpmath in 50 digits: 2000 points in each branch, and the branches' edges.

The limits are twice the errors that the numerics reference states for these algorithms.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan, nextafter
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from autodiffc.codegen.routines import ROUTINES

POINTS = 2000
DIGITS = 50
ROOT = Path(__file__).resolve().parents[2]
Exact = Callable[..., Any]
Span = tuple[float, float]


@dataclass(frozen=True)
class Case:
    """A routine on an interval: drawn evenly, or in its logarithm where the ends lie far apart."""

    name: str
    span: Span
    error: float
    absolute: bool = False
    order: int = 0  # of polygamma

    def __str__(self) -> str:
        return f"{self.name} {self.order or ''} {self.span[0]:.3g}..{self.span[1]:.3g}"

    def points(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        low, high = self.span
        rng = np.random.default_rng(len(str(self)))
        if low > 0.0 and high / low > 1e3:
            drawn = np.exp(rng.uniform(math.log(low), math.log(high), POINTS))
        else:
            drawn = rng.uniform(low, high, POINTS)
        ends = [low, nextafter(low, inf), nextafter(high, -inf)]
        return np.concatenate([drawn, [e for e in ends if e > 0.0 or math.floor(e) != e]])

    def routine(self, suffix: str = "") -> Callable[..., Any]:
        found = ROUTINES[f"_{self.name}{suffix}"]
        return (lambda x: found(self.order, x)) if self.order else found

    def exact(self, x: float) -> Any:
        return (lambda x: mp.psi(self.order, x))(mp.mpf(x)) if self.order else EXACT[self.name](mp.mpf(x))


def _lgamma(x: Any) -> Any:
    return mp.loggamma(x).real


def _erfcx(x: Any) -> Any:
    return mp.exp(x * x) * mp.erfc(x) if x < 1e20 else 1 / (x * mp.sqrt(mp.pi))


EXACT: dict[str, Exact] = {
    "erf": mp.erf,
    "erfc": mp.erfc,
    "erfcx": _erfcx,
    "log_erfc": lambda x: mp.log(mp.erfc(x)),
    "lgamma": _lgamma,
    "digamma": mp.digamma,
}
ROOT_OF_DIGAMMA = 1.4616321449683622
CASES = (
    *(Case("erf", span, 2 * 4.3e-16) for span in ((-6.0, -0.46875), (-0.46875, 0.46875), (0.46875, 7.0))),
    Case("erf", (1e-300, 1e-2), 2 * 4.3e-16),
    *(
        Case("erfc", span, 2 * 6.5e-16)
        for span in ((-6.0, -0.46875), (-0.46875, 0.46875), (0.46875, 4.0), (4.0, 26.0))
    ),
    *(Case("erfcx", span, 2 * 6.1e-16) for span in ((-0.46875, 0.46875), (0.46875, 4.0), (4.0, 1e300))),
    Case("erfcx", (-26.0, -0.46875), 2 * 6.1e-16),
    *(
        Case("log_erfc", span, 2 * 6.1e-16)
        for span in ((-6.0, -0.46875), (-0.46875, 0.46875), (0.46875, 1.0), (1.0, 1e100))
    ),
    *(
        Case("lgamma", span, 2 * 6.3e-16)
        for span in (
            *((1e-300, 1e-1), (0.1, 0.5), (0.5, 1.5), (1.5, 2.5), (2.5, 8.5), (8.5, 100.0), (100.0, 1e15)),
            *((1.0, 1.0 + 1e-9), (1.0 - 1e-9, 1.0), (2.0, 2.0 + 1e-9), (2.0 - 1e-9, 2.0)),
        )
    ),
    Case("lgamma", (-20.0, -1.0), 2 * 1.2e-14, absolute=True),
    Case("lgamma", (-0.99, -1e-3), 2 * 6.3e-16),
    *(
        Case("digamma", span, 2 * 2.1e-15)
        for span in ((1e-300, 1e-2), (0.01, 1.2), (1.8, 8.5), (8.5, 100.0), (100.0, 1e15))
    ),
    *(
        Case("digamma", span, 2 * 2.7e-16)
        for span in ((1.2, 1.8), (ROOT_OF_DIGAMMA, nextafter(ROOT_OF_DIGAMMA + 1e-9, inf)))
    ),
    *(Case("polygamma", span, 2 * 3.3e-16, order=1) for span in ((1e-150, 0.1), (0.1, 9.5), (9.5, 1e15))),
    Case("polygamma", (-19.99, -1e-3), 2 * 6.3e-16, order=1),
    *(
        Case("polygamma", span, 2e-15, order=order)
        for order in (2, 3, 7)
        for span in ((1e-3, 8.5 + order), (8.5 + order, 1e5))
    ),
)
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def worst(case: Case, points: Any, found: Any) -> tuple[float, float]:
    """The largest error and where it is."""
    with mp.workdps(DIGITS):
        errors = []
        for x, y in zip(points, found, strict=True):
            exact = case.exact(float(x))
            error = abs(mp.mpf(float(y)) - exact)
            errors.append((float(error if case.absolute or not exact else error / abs(exact)), float(x)))
    return max(errors)


@every_case
def test_accuracy_on_arrays(case: Case) -> None:
    points = case.points()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = case.routine()(np.tile(points, 2))[: len(points)]  # too many to be computed one by one
    error, where = worst(case, points, found)
    assert error <= case.error, f"{error:.2e} at {where!r}"


@every_case
def test_python_floats_are_as_good(case: Case) -> None:
    points = case.points()[:: POINTS // 100]
    scalar = {"erf": math.erf, "erfc": math.erfc}.get(case.name) or case.routine("_scalar")
    error, where = worst(case, points, [scalar(float(x)) for x in points])
    assert error <= case.error, f"{error:.2e} at {where!r}"


def test_digamma_at_the_double_next_to_its_zero() -> None:
    for digamma in (ROUTINES["_digamma"], ROUTINES["_digamma_scalar"]):
        assert float(digamma(ROOT_OF_DIGAMMA)) == pytest.approx(-9.24e-17, rel=1e-3)


def test_digamma_below_zero() -> None:
    case = Case("digamma", (-19.99, -1e-3), 0.0)
    points = case.points()
    found = case.routine()(points)
    with mp.workdps(DIGITS):
        for x, y in zip(points, found, strict=True):
            exact = mp.digamma(mp.mpf(float(x)))
            # digamma(1 - x) and π cot πx, which has zeros of its own, are subtracted
            scale = max(abs(exact), mp.digamma(1 - mp.mpf(float(x))), 1)
            assert abs(mp.mpf(float(y)) - exact) <= 4e-15 * scale, x


# --- two arguments -----------------------------------------------------------------------------------------


def pairs(low: Span, high: Span) -> tuple[Any, Any]:
    rng = np.random.default_rng(8)
    draw = [np.exp(rng.uniform(*np.log(span), POINTS)) for span in (low, high)]
    return draw[0], draw[1]


EDGE = (nextafter(8.5, 0.0), 8.5, nextafter(8.5, 9.0))
BETA = (((1e-6, 8.5), (8.5, 1e15)), ((8.5, 1e3), (8.5, 1e15)), ((1e-3, 8.5), (1e-3, 8.5)))


@pytest.mark.parametrize(("low", "high"), BETA)
def test_lbeta(low: Span, high: Span) -> None:
    a, b = pairs(low, high)
    edges = [(x, y) for x in (*EDGE, 0.3, 100.0) for y in EDGE]
    a, b = np.append(a, [x for x, _ in edges]), np.append(b, [y for _, y in edges])
    found = ROUTINES["_lbeta"](b, a)
    np.testing.assert_array_equal(found, ROUTINES["_lbeta"](a, b))
    with mp.workdps(DIGITS):
        for x, y, value in zip(a, b, found, strict=True):
            p, q = mp.mpf(float(x)), mp.mpf(float(y))
            parts = [mp.loggamma(p), mp.loggamma(q), mp.loggamma(p + q)]
            exact = parts[0] + parts[1] - parts[2]
            # below 8.5 it is a sum of three numbers, which cancel where lbeta is 0
            scale = max(1, abs(exact), *(map(abs, parts) if y < 8.5 else ()))
            assert abs(mp.mpf(float(value)) - exact) <= 1e-15 * scale, (x, y)
            assert ROUTINES["_lbeta_scalar"](float(x), float(y)) == pytest.approx(
                float(value), rel=1e-14, abs=2e-14
            )


@pytest.mark.parametrize("large", [1e10, 1e12, 1e15])
def test_lbeta_of_large_arguments(large: float) -> None:
    """Where the plain difference of lgammas has lost all its digits."""
    with mp.workdps(DIGITS):
        for small in (1e-5, 0.5, 2.0, 7.0, 30.0, 1e5, large):
            p, q = mp.mpf(small), mp.mpf(large)
            exact = float(mp.loggamma(p) + mp.loggamma(q) - mp.loggamma(p + q))
            assert float(ROUTINES["_lbeta"](large, small)) == pytest.approx(exact, rel=2 * 3e-16)


SPANS = (((1e-3, 8.5), (1e-12, 1e12)), ((8.5, 1e15), (1e-12, 1e12)))


@pytest.mark.parametrize(("low", "high"), SPANS)
def test_digamma_drop(low: Span, high: Span) -> None:
    a, b = pairs(low, high)
    a, b = np.append(a, EDGE), np.append(b, (0.5, 0.5, 0.5))
    found = ROUTINES["_digamma_drop"](a, b)
    with mp.workdps(DIGITS):
        for x, y, value in zip(a, b, found, strict=True):
            exact = mp.digamma(mp.mpf(float(x))) - mp.digamma(mp.mpf(float(x)) + mp.mpf(float(y)))
            assert abs(mp.mpf(float(value)) / exact - 1) <= 2 * 3e-16, (x, y)
            scalar = ROUTINES["_digamma_drop_scalar"](float(x), float(y))
            assert scalar == pytest.approx(float(value), rel=2e-15)


# --- blocks ------------------------------------------------------------------------------------------------

MIXED = np.random.default_rng(0).permutation(
    np.concatenate([np.linspace(-40.0, 40.0, 9000), [0.0, inf, -inf, nan]])
)
OTHERS = np.random.default_rng(1).permutation(np.abs(MIXED))
MANY: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("erf", "erfc", "erfcx", "log_erfc", "gelu", "lgamma", "digamma"), (MIXED,)),
    "polygamma": (2, MIXED), "lbeta": (MIXED, OTHERS), "digamma_drop": (OTHERS, MIXED),
}  # fmt: skip


@pytest.mark.parametrize(("name", "operands"), MANY.items(), ids=list(MANY))
def test_blocks_of_all_intervals_in_kept_memory(name: str, operands: tuple[Any, ...]) -> None:
    routine = ROUTINES[f"_{name}"]
    *order, points = operands if name == "polygamma" else (operands,)
    arrays = points if isinstance(points, tuple) else (points,)
    alone = [routine(*order, *(x[k : k + 1] for x in arrays))[0] for k in range(0, len(MIXED), 7)]
    scratch: dict[str, Any] = {}
    for size in (len(MIXED), 700, 0, len(MIXED)):
        parts = [x[len(x) - size :] for x in arrays]
        out = np.full(size, nan)
        assert routine(*order, *parts, out=out, scratch=scratch) is out
        np.testing.assert_array_equal(out, routine(*order, *parts))
    np.testing.assert_allclose(out[::7], alone, rtol=1e-13)


# --- edges -------------------------------------------------------------------------------------------------

VALUES: list[tuple[str, tuple[float, ...], float]] = [
    ("erf", (0.0,), 0.0), ("erf", (inf,), 1.0), ("erf", (-inf,), -1.0), ("erf", (nan,), nan),
    ("erfc", (inf,), 0.0), ("erfc", (-inf,), 2.0), ("erfc", (30.0,), 0.0), ("erfc", (nan,), nan),
    ("erfcx", (inf,), 0.0), ("erfcx", (-inf,), inf), ("erfcx", (-30.0,), inf), ("erfcx", (nan,), nan),
    ("log_erfc", (inf,), -inf), ("log_erfc", (-inf,), math.log(2.0)), ("log_erfc", (nan,), nan),
    ("lgamma", (1.0,), 0.0), ("lgamma", (2.0,), 0.0), ("lgamma", (0.0,), inf), ("lgamma", (-0.0,), inf),
    ("lgamma", (-1.0,), inf), ("lgamma", (-3e5,), inf), ("lgamma", (inf,), inf), ("lgamma", (-inf,), inf),
    ("lgamma", (nan,), nan), ("lgamma", (1e305,), 1e305 * (math.log(1e305) - 1.0)), ("lgamma", (1e308,), inf),
    ("digamma", (0.0,), -inf), ("digamma", (-0.0,), inf), ("digamma", (-1.0,), nan),
    ("digamma", (-7.0,), nan), ("digamma", (inf,), inf), ("digamma", (nan,), nan),
    ("digamma", (5e-324,), -inf),
    ("lbeta", (0.0, 1.0), inf), ("lbeta", (20.0, 0.0), inf), ("lbeta", (inf, 2.0), -inf),
    ("lbeta", (nan, 1.0), nan), ("lbeta", (1.0, nan), nan), ("lbeta", (1.0, 1.0), 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "point", "value"), VALUES, ids=str)
def test_edges(name: str, point: tuple[float, ...], value: float) -> None:
    scalar = {"erf": math.erf, "erfc": math.erfc}.get(name) or ROUTINES[f"_{name}_scalar"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        array = ROUTINES[f"_{name}"](*(np.array([x, 0.7]) for x in point))
    for found in (float(array[0]), float(scalar(*point))):
        np.testing.assert_allclose(found, value, rtol=1e-15, atol=0.0)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_poles_of_polygamma(order: int) -> None:
    for polygamma in (ROUTINES["_polygamma"], ROUTINES["_polygamma_scalar"]):
        assert float(polygamma(order, 0.0)) == (-1) ** (order + 1) * inf
        assert math.isnan(float(polygamma(order, -2.0)))
        assert float(polygamma(order, inf)) == 0.0
        assert math.isnan(float(polygamma(order, nan)))


@pytest.mark.parametrize("case", [case for case in CASES if not case.absolute][::3], ids=str)
def test_single_precision_is_the_double_rounded(case: Case) -> None:
    drawn = case.points()
    points = drawn[np.abs(drawn) < 1e38].astype(np.float32)
    points = points[np.isfinite(points) & (np.abs(points) > 1e-30)]
    found = case.routine()(points)
    assert found.dtype == np.float32
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(found, case.routine()(points.astype(np.float64)).astype(np.float32))


def test_shapes() -> None:
    lbeta, erf = ROUTINES["_lbeta"], ROUTINES["_erf"]
    assert erf(np.zeros((0, 3))).shape == (0, 3)
    assert erf(np.ones((2, 3)).T).shape == (3, 2)
    assert isinstance(erf(np.float64(0.5)), np.float64)
    assert lbeta(np.ones((2, 1)), np.ones(3)).shape == (2, 3)
    assert lbeta(2.0, np.ones(3, np.float32)).dtype == np.float32


# --- coefficients ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """scripts/special_coefficients.py, imported."""
    path = ROOT / "scripts" / "special_coefficients.py"
    spec = importlib.util.spec_from_file_location("special_coefficients", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def literals(name: str) -> tuple[Any, ...]:
    """The table in a routine's text."""
    tree = ast.parse(inspect.getsource(ROUTINES[name]))
    tables = [n for n in ast.walk(tree) if isinstance(n, ast.Tuple) and len(n.elts) >= 10]
    return tuple(ast.literal_eval(tables[0]))


def test_the_tables_are_what_the_script_computes(script: ModuleType) -> None:
    with mp.workdps(60):
        for name, table in script.TABLES.items():
            assert literals(name) == table(), name
        text = inspect.getsource(ROUTINES["_digamma_at_root"])
        assert all(repr(part) in text for part in script.digamma_root())
