"""The log densities of the library: values by SciPy, values and gradients by mpmath, at extreme points too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import autodiffc
import mpmath as mp
import numpy as np
import pytest
from autodiffc.api import module_of
from autodiffc.compiler.frontend.modules import module_functions
from scipy import stats

DIGITS = 120
Point = tuple[float, ...]


@dataclass(frozen=True)
class Density:
    """Arguments with a letter each; points; the density for mpmath; SciPy's, where it has it."""

    name: str
    arguments: str
    points: tuple[Point, ...]
    exact: Callable[..., Any]
    scipy: Callable[..., Any] | None = None
    counts: str = ""  # arguments that are whole numbers and not differentiated


def log_choose(n: Any, k: Any) -> Any:
    return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)


def normal(x: Any, m: Any, s: Any) -> Any:
    return -(((x - m) / s) ** 2) / 2 - mp.log(s) - mp.log(2 * mp.pi) / 2


def student_t(x: Any, v: Any, m: Any, s: Any) -> Any:
    constant = mp.loggamma((v + 1) / 2) - mp.loggamma(v / 2) - mp.log(v * mp.pi) / 2 - mp.log(s)
    return constant - (v + 1) / 2 * mp.log(1 + ((x - m) / s) ** 2 / v)


def cauchy(x: Any, m: Any, s: Any) -> Any:
    return -mp.log(mp.pi * s) - mp.log(1 + ((x - m) / s) ** 2)


def gamma(x: Any, a: Any, b: Any) -> Any:
    return a * mp.log(b) - mp.loggamma(a) + (a - 1) * mp.log(x) - b * x


def neg_binomial(y: Any, m: Any, f: Any) -> Any:
    return log_choose(y + f - 1, y) + f * mp.log(f / (f + m)) + y * mp.log(m / (f + m))


def binomial(y: Any, n: Any, p: Any) -> Any:
    return log_choose(n, y) + y * mp.log(p) + (n - y) * mp.log(1 - p)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def log_ndtr(x: Any) -> Any:
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


LINE: tuple[Point, ...] = ((0.3, -0.4, 1.3), (-2.0, 1.0, 0.1), (1e-8, 0.0, 1e-8), (50.0, -3.0, 2.0))
FAR = (1e30, 0.0, 2.0)
ABOVE: tuple[Point, ...] = ((0.7, 1.5, 2.5), (3.0, 0.4, 0.6), (1e-6, 2.0, 0.5), (40.0, 30.0, 1.2))

DENSITIES = (
    Density("normal", "xms", (*LINE, FAR), normal, lambda x, m, s: stats.norm.logpdf(x, m, s)),
    Density(
        "student_t", "xvms",
        ((0.3, 4.0, -0.4, 1.3), (30.0, 1.0, 0.0, 1.0), (1.0, 1e8, 0.0, 2.0), (-2.0, 1e12, 0.5, 1.0),
         (0.1, 1e-3, 0.0, 1.0), (1e20, 2.5, 0.0, 1.0)),
        student_t, lambda x, v, m, s: stats.t.logpdf(x, v, m, s),
    ),
    Density("cauchy", "xms", (*LINE, FAR), cauchy, lambda x, m, s: stats.cauchy.logpdf(x, m, s)),
    Density(
        "laplace", "xms", (*LINE, FAR), lambda x, m, s: -abs(x - m) / s - mp.log(2 * s),
        lambda x, m, s: stats.laplace.logpdf(x, m, s),
    ),
    Density(
        "logistic", "xms", (*LINE, (-1e4, 0.0, 1.0), (1e4, 0.0, 1.0)),
        lambda x, m, s: -(x - m) / s - 2 * mp.log(1 + mp.exp(-(x - m) / s)) - mp.log(s),
        lambda x, m, s: stats.logistic.logpdf(x, m, s),
    ),
    Density(
        "gumbel", "xms", LINE, lambda x, m, s: -(x - m) / s - mp.exp(-(x - m) / s) - mp.log(s),
        lambda x, m, s: stats.gumbel_r.logpdf(x, m, s),
    ),
    Density(
        "skew_normal", "xmsa", ((0.3, -0.4, 1.3, 2.0), (-3.0, 0.0, 1.0, 4.0), (-20.0, 0.0, 0.5, 5.0)),
        lambda x, m, s, a: mp.log(2) + normal(x, m, s) + log_ndtr(a * (x - m) / s),
        lambda x, m, s, a: stats.skewnorm.logpdf(x, a, m, s),
    ),
    Density(
        "log_ndtr", "x", ((0.3,), (-40.0,), (-300.0,), (5.0,)), log_ndtr, lambda x: stats.norm.logcdf(x)
    ),
    Density(
        "uniform", "xab", ((0.3, -1.0, 2.0), (5.0, 1.0, 1e9)), lambda x, a, b: -mp.log(b - a) + 0 * x,
        lambda x, a, b: stats.uniform.logpdf(x, a, b - a),
    ),
    Density(
        "lognormal", "xms", ((0.7, 0.3, 1.2), (1e-9, -3.0, 4.0), (1e9, 0.0, 0.5)),
        lambda x, m, s: normal(mp.log(x), m, s) - mp.log(x),
        lambda x, m, s: stats.lognorm.logpdf(x, s, scale=np.exp(m)),
    ),
    Density(
        "exponential", "xr", ((0.7, 2.0), (1e-9, 1e9), (30.0, 0.01)), lambda x, r: mp.log(r) - r * x,
        lambda x, r: stats.expon.logpdf(x, scale=1 / r),
    ),
    Density(
        "gamma", "xab", (*ABOVE, (1e-200, 1e-3, 1e-3)), gamma,
        lambda x, a, b: stats.gamma.logpdf(x, a, scale=1 / b),
    ),
    Density(
        "inverse_gamma", "xab", ((0.7, 1.5, 2.5), (3.0, 0.4, 0.6), (1e6, 1e-3, 1e-3), (0.03, 20.0, 1.0)),
        lambda x, a, b: a * mp.log(b) - mp.loggamma(a) - (a + 1) * mp.log(x) - b / x,
        lambda x, a, b: stats.invgamma.logpdf(x, a, scale=b),
    ),
    Density(
        "chi_square", "xv", ((0.7, 3.0), (20.0, 1.0), (95.0, 100.0)),
        lambda x, v: gamma(x, v / 2, mp.mpf("0.5")), lambda x, v: stats.chi2.logpdf(x, v),
    ),
    Density(
        "weibull", "xas", ((0.7, 1.5, 2.5), (3.0, 0.4, 0.6), (1e-6, 2.0, 0.5), (0.2, 10.0, 1.0)),
        lambda x, a, s: mp.log(a / s) + (a - 1) * mp.log(x / s) - (x / s) ** a,
        lambda x, a, s: stats.weibull_min.logpdf(x, a, scale=s),
    ),
    Density(
        "half_normal", "xs", ((0.7, 2.0), (30.0, 0.5)), lambda x, s: mp.log(2) + normal(x, 0, s),
        lambda x, s: stats.halfnorm.logpdf(x, scale=s),
    ),
    Density(
        "half_cauchy", "xs", ((0.7, 2.0), (1e30, 0.5)), lambda x, s: mp.log(2) + cauchy(x, 0, s),
        lambda x, s: stats.halfcauchy.logpdf(x, scale=s),
    ),
    Density(
        "pareto", "xla", ((2.0, 1.0, 1.5), (1e30, 0.1, 0.01)),
        lambda x, l, a: mp.log(a) + a * mp.log(l) - (a + 1) * mp.log(x),
        lambda x, l, a: stats.pareto.logpdf(x, a, scale=l),
    ),
    Density(
        "beta", "xab", ((0.3, 1.5, 2.5), (1e-9, 0.5, 0.5), (0.999, 40.0, 0.1), (0.5, 1e4, 1e4), (0.2, 1e-4, 1e-4)),
        lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * mp.log(1 - x)
        - mp.loggamma(a) - mp.loggamma(b) + mp.loggamma(a + b),
        lambda x, a, b: stats.beta.logpdf(x, a, b),
    ),
    Density(
        "bernoulli", "yp", ((0.0, 0.3), (1.0, 1e-9), (0.0, 1e-9), (1.0, 0.999)),
        lambda y, p: y * mp.log(p) + (1 - y) * mp.log(1 - p), lambda y, p: stats.bernoulli.logpmf(y, p), "y",
    ),
    Density(
        "bernoulli_logit", "yx", ((0.0, 0.3), (1.0, -700.0), (0.0, -30.0), (1.0, 30.0)),
        lambda y, x: y * mp.log(sigmoid(x)) + (1 - y) * mp.log(sigmoid(-x)), counts="y",
    ),
    Density(
        "bernoulli_probit", "yx", ((0.0, 0.3), (1.0, -40.0), (0.0, -30.0), (1.0, 3.0)),
        lambda y, x: y * log_ndtr(x) + (1 - y) * log_ndtr(-x), counts="y",
    ),
    Density(
        "log_choose", "nk", ((10.0, 3.0), (1e6, 2.0), (1e12, 5.0), (7.5, 2.5)), log_choose,
    ),
    Density(
        "binomial", "ynp", ((3.0, 10.0, 0.3), (0.0, 1e6, 1e-7), (1e6, 1e6, 0.9999), (7.0, 20.0, 0.5)),
        binomial, lambda y, n, p: stats.binom.logpmf(y, n, p), "yn",
    ),
    Density(
        "binomial_logit", "ynx", ((3.0, 10.0, 0.3), (0.0, 50.0, -700.0), (50.0, 50.0, 40.0)),
        lambda y, n, x: binomial(y, n, sigmoid(x)), counts="yn",
    ),
    Density(
        "poisson", "yr", ((3.0, 2.5), (0.0, 1e-9), (100.0, 90.0), (2.0, 1e6)),
        lambda y, r: y * mp.log(r) - r - mp.loggamma(y + 1), lambda y, r: stats.poisson.logpmf(y, r), "y",
    ),
    Density(
        "poisson_log", "ye", ((3.0, 0.9), (0.0, -40.0), (100.0, 4.5)),
        lambda y, e: y * e - mp.exp(e) - mp.loggamma(y + 1),
        lambda y, e: stats.poisson.logpmf(y, np.exp(e)), "y",
    ),
    Density(
        "neg_binomial", "ymf", ((3.0, 2.5, 1.3), (0.0, 1e-3, 10.0), (20.0, 25.0, 1e6), (4.0, 3.0, 1e12), (5.0, 1.0, 1e-6)),
        neg_binomial, lambda y, m, f: stats.nbinom.logpmf(y, f, f / (f + m)), "y",
    ),
    Density(
        "neg_binomial_log", "yef", ((3.0, 0.9, 1.3), (0.0, -30.0, 10.0), (20.0, 3.2, 1e6), (5.0, 2.0, 1e-6)),
        lambda y, e, f: neg_binomial(y, mp.exp(e), f),
        lambda y, e, f: stats.nbinom.logpmf(y, f, f / (f + np.exp(e))), "y",
    ),
)  # fmt: skip
ROWS = {"dirichlet", "multinomial", "categorical_logit"}
OTHERS = {"multi_normal", "multi_normal_cholesky"}  # tested beside linear algebra

every_density = pytest.mark.parametrize("density", DENSITIES, ids=lambda d: d.name)


def compiled(density: Density, type_: str) -> ModuleType:
    """All arguments are inputs; the density is differentiated by those that are real numbers."""
    reals = ", ".join(a for a in density.arguments if a not in density.counts)
    names = ", ".join(density.arguments)
    source = f"from stats import {density.name}\n{'dim Z' if '[' in type_ else ''}\ninput {names}: {type_}\n"
    source += f"output density = {density.name}({names})\ngrad density wrt {reals}\n"
    return module_of(autodiffc.compile(source), "model")


def truth(density: Density, point: Point) -> tuple[Any, list[Any]]:
    with mp.workdps(DIGITS):
        exact = [mp.mpf(x) for x in point]
        slopes = []
        for i, name in enumerate(density.arguments):
            if name not in density.counts:
                step = abs(exact[i]) * mp.mpf(10) ** -25 or mp.mpf(10) ** -30
                high, low = ([*exact[:i], exact[i] + h, *exact[i + 1 :]] for h in (step, -step))
                slopes.append((density.exact(*high) - density.exact(*low)) / (2 * step))
        return density.exact(*exact), slopes


def scale(point: Point) -> float:
    """How large the terms are that add up to a value, as far as they are sums over counts."""
    return max(1.0, *(abs(x) for x in point if abs(x) < 1e7))


@every_density
def test_values_and_gradients(density: Density) -> None:
    module = compiled(density, "real[Z]")
    columns = [np.array(c) for c in zip(*density.points)]
    outputs, cache = module.forward(*columns)
    gradients = module.backward(cache, np.ones(len(density.points)))
    for k, point in enumerate(density.points):
        value, slopes = truth(density, point)
        assert outputs.density[k] == pytest.approx(float(value), rel=2e-14, abs=2e-14 * scale(point)), point
        for gradient, slope in zip(gradients, slopes, strict=True):
            assert gradient[k] == pytest.approx(float(slope), rel=1e-11, abs=1e-13), point


@every_density
def test_scalars(density: Density) -> None:
    module = compiled(density, "real")
    for point in density.points:
        value, slopes = truth(density, point)
        found, gradients = module.value_and_grad(*point)
        assert found == pytest.approx(float(value), rel=2e-14, abs=2e-14 * scale(point)), point
        for gradient, slope in zip(gradients, slopes, strict=True):
            assert gradient == pytest.approx(float(slope), rel=1e-11, abs=1e-13), point


@every_density
def test_scipy_agrees(density: Density) -> None:
    """That the parameters are those that SciPy's documentation says."""
    if density.scipy is None:
        return
    for point in density.points[:2]:
        assert float(density.scipy(*point)) == pytest.approx(float(truth(density, point)[0]), rel=1e-9), point


def test_every_log_density_is_tested() -> None:
    tested = {d.name for d in DENSITIES} | ROWS | OTHERS
    assert set(module_functions("stats")) <= tested


# --- rows ----------------------------------------------------------------------------------------------------


def rows(text: str, declarations: str) -> ModuleType:
    name = text.split("(")[0]
    source = f"from stats import {name}\ndim N, K\n{declarations}\noutput density = {text}\n"
    return module_of(autodiffc.compile(source), "model")


def test_dirichlet() -> None:
    rng = np.random.default_rng(2)
    alpha = np.array([0.5, 3.0, 20.0])
    x = rng.dirichlet(alpha, 4)
    found = rows("dirichlet(x, alpha)", "input x: real[N, K]\ninput alpha: real[K]").predict(x, alpha).density
    assert found == pytest.approx([stats.dirichlet.logpdf(row, alpha) for row in x], rel=1e-13)


def test_multinomial() -> None:
    y, p = np.array([[3, 0, 1], [10, 20, 30]]), np.array([0.2, 0.3, 0.5])
    found = rows("multinomial(y, p)", "input y: int[N, K]\ninput p: real[K]").predict(y, p).density
    assert found == pytest.approx(stats.multinomial.logpmf(y, y.sum(axis=1), p), rel=1e-13)


def test_categorical_logit() -> None:
    logits = np.random.default_rng(3).normal(size=(5, 3)) * 50.0
    y = np.array([0, 2, 1, 1, 0])
    declarations = "input y: int[N] in range(K)\ninput logits: real[N, K]"
    found = rows("categorical_logit(y, logits)", declarations).predict(y, logits).density
    want = logits[np.arange(5), y] - np.logaddexp.reduce(logits, axis=1)
    assert found == pytest.approx(want, rel=1e-13)
