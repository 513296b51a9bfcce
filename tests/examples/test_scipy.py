"""The models for SciPy: what is found is what theory, the data or SciPy's own statistics say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
import pytest
from scipy import optimize, stats
from scipy.sparse import linalg

LEVELS = (0, 1, 2)


def module(examples: Path, name: str, *emit: str, level: int = 1) -> ModuleType:
    return autodiffc.load(examples / f"scipy_{name}.dsl", emit=emit, level=level)


@pytest.mark.parametrize("level", LEVELS)
def test_the_valley(examples: Path, level: int) -> None:
    """SciPy has the function, its gradient, its Hessian and its products too."""
    m = module(examples, "valley", "hvp", "hessian", level=level)
    x, p = np.random.default_rng(0).normal(size=(2, 7))
    value, gradient = m.objective(N=7)(x)
    assert value == pytest.approx(optimize.rosen(x), rel=1e-14)
    np.testing.assert_allclose(gradient, optimize.rosen_der(x), rtol=1e-12)
    np.testing.assert_allclose(m.objective_hess(N=7)(x), optimize.rosen_hess(x), rtol=1e-12)
    np.testing.assert_allclose(m.objective_hessp(N=7)(x, p), optimize.rosen_hess_prod(x, p), rtol=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_lifetimes(examples: Path, level: int) -> None:
    rng = np.random.default_rng(4)
    age = 10.0 * rng.weibull(2.0, 200)
    failed = age < 12.0
    age = np.minimum(age, 12.0)
    m = module(examples, "weibull", "hessian", level=level)
    nll, hess, start = m.objective(age, failed), m.objective_hess(age, failed), m.Params(1.0, 5.0)
    limits = m.bounds(start)
    found = optimize.minimize(nll, m.pack(start), jac=True, hess=hess, bounds=limits, method="trust-constr")
    censored = stats.CensoredData(uncensored=age[failed], right=age[~failed])
    shape, _, scale = stats.weibull_min.fit(censored, floc=0)
    np.testing.assert_allclose(found.x, [shape, scale], rtol=1e-3)
    density = stats.weibull_min(*found.x[:1], scale=found.x[1])
    expected = -density.logpdf(age[failed]).sum() - density.logsf(age[~failed]).sum()
    assert nll(found.x)[0] == pytest.approx(expected, rel=1e-12)
    assert (np.linalg.eigvalsh(hess(found.x)) > 0.0).all()


@pytest.mark.parametrize("level", LEVELS)
def test_peaks(examples: Path, level: int) -> None:
    m = module(examples, "peaks", "jacobian", level=level)
    x = np.linspace(0.0, 10.0, 80)
    truth = m.Params([3.0, 2.0], [3.0, 6.5], [0.7, 1.2], 0.5, 0.1)
    y = m.predict(x, np.zeros(80), *truth).spectrum
    u = (x[:, None] - truth.centre) / truth.width
    np.testing.assert_allclose(y, 0.5 + 0.1 * x + np.exp(-(u**2) / 2) @ truth.height, rtol=1e-14)
    start = m.init_params(K=2)._replace(centre=[2.0, 8.0])
    fit = m.residuals(x, y, K=2)
    found = optimize.least_squares(fit.fun, m.pack(start), fit.jac, fit.bounds(start), xtol=1e-14)
    np.testing.assert_allclose(found.x, m.pack(truth), rtol=1e-8)


@pytest.mark.parametrize("level", LEVELS)
def test_the_trend_is_the_solution_of_the_normal_equations(examples: Path, level: int) -> None:
    m = module(examples, "trend", "jacobian", level=level)
    y, stiffness = np.random.default_rng(2).normal(size=30), 2.5
    fit = m.residuals(y, stiffness)
    D = np.diff(np.eye(30), 2, axis=0)
    np.testing.assert_allclose(fit.jac(y), np.concatenate([np.eye(30), stiffness * D]), rtol=1e-14)
    expected = np.linalg.solve(np.eye(30) + stiffness**2 * D.T @ D, y)
    J = fit.sparse_jac(y)
    step = linalg.spsolve((J.T @ J).tocsc(), J.T @ fit.fun(y))  # the model is linear: one step is enough
    np.testing.assert_allclose(y - step, expected, rtol=1e-11)
    exact = optimize.least_squares(fit.fun, y, fit.jac)
    np.testing.assert_allclose(exact.x, expected, rtol=1e-9)
    # SciPy solves sparse problems by an iteration that it stops early
    for given in ({"jac": fit.sparse_jac}, {"jac_sparsity": fit.jac_sparsity}):
        found = optimize.least_squares(fit.fun, y, **given)
        np.testing.assert_allclose(found.x, expected, atol=1e-3)


@pytest.mark.parametrize("points", [9, 99])
def test_bratu(examples: Path, points: int) -> None:
    """u = -2 log(cosh((x - ½) θ/2) / cosh(θ/4)), θ = sqrt(2c) cosh(θ/4), is the solution between the points."""
    m = module(examples, "bratu", "jacobian")
    system = m.residuals(1.0, N=points)
    found = optimize.root(system.fun, np.zeros(points), jac=system.jac, tol=1e-13)
    assert found.success
    theta = optimize.brentq(lambda t: t - np.sqrt(2.0) * np.cosh(t / 4), 1.0, 2.0)
    x = np.linspace(0.0, 1.0, points + 2)[1:-1]
    exact = -2 * np.log(np.cosh((x - 0.5) * theta / 2) / np.cosh(theta / 4))
    np.testing.assert_allclose(found.x, exact, atol=0.02 / (points + 1) ** 2)
    u = np.zeros(points)
    for _ in range(6):
        u -= linalg.spsolve(system.sparse_jac(u), system.fun(u))
    np.testing.assert_allclose(u, found.x, rtol=1e-9)


def test_the_chain_is_in_balance(examples: Path) -> None:
    """At the minimum the weight of each point is borne by the forces along the links: ∇energy = Jᵀ λ."""
    energy = module(examples, "chain").objective(N=5)
    tie = module(examples, "chain_links", "jacobian").residuals([[0.0, 0.0], [1.0, 0.2]], 0.25, N=5)
    start = np.array([0.2, -0.2, 0.3, -0.3, 0.5, -0.4, 0.7, -0.2, 0.8, -0.1])
    tied = {"type": "eq", "fun": tie.fun, "jac": tie.jac}
    found = optimize.minimize(energy, start, jac=True, method="SLSQP", constraints=tied, tol=1e-14)
    assert found.success
    np.testing.assert_allclose(tie.fun(found.x), 0.0, atol=1e-10)
    forces, *_ = np.linalg.lstsq(tie.jac(found.x).T, energy(found.x)[1], rcond=None)
    np.testing.assert_allclose(tie.jac(found.x).T @ forces, energy(found.x)[1], atol=1e-6)
    assert (forces < 0.0).all()  # links pull
    sparse = optimize.NonlinearConstraint(tie.fun, 0.0, 0.0, jac=tie.sparse_jac)
    again = optimize.minimize(
        energy, start, jac=True, hess=lambda p: np.zeros((10, 10)), method="trust-constr", constraints=sparse
    )
    np.testing.assert_allclose(again.x, found.x, atol=1e-3)


def printed(examples: Path, folder: Path, *command: str) -> str:
    done: Any = subprocess.run(
        [sys.executable, str(examples / command[0]), *command[1:]],
        cwd=folder, capture_output=True, text=True, timeout=300, env=dict(os.environ), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_the_script_that_fits_peaks(examples: Path, tmp_path: Path) -> None:
    plain, robust = printed(examples, tmp_path, "scipy_peaks.py", "--seed", "3").split("loss soft_l1")
    errors = [
        max(abs(float(have) - float(want)) for have, want in re.findall(r"([\d.]+) \(([\d.]+)\)", text))
        for text in (plain, robust)
    ]
    assert errors[1] < 0.1 < errors[0]


def test_the_script_that_hangs_a_chain(examples: Path, tmp_path: Path) -> None:
    text = printed(examples, tmp_path, "scipy_chain.py", "--points", "29", "--length", "2")
    depths = [float(depth) for depth in re.findall(r"depth ([\d.]+)", text)]
    catenary = re.search(r"catenary is ([\d.]+) deep", text)
    assert catenary is not None
    assert depths == pytest.approx([float(catenary[1])] * 2, rel=2e-3)
