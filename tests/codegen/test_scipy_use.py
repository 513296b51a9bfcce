"""What SciPy takes of a module, used: names that clash, what there is and isn't, and SciPy's solvers themselves."""

from __future__ import annotations

import re
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from scipy import optimize

NAMES = [
    "residuals", "Residuals", "objective_hess", "objective_hessp", "hessian", "hvp",
    "value_and_jacobian", "unpack", "bounds", "np", "partial", "Params", "zip",
    "colouring", "Sparse", "Colouring", "shape", "zeros", "inputs",
    "sizes", "self", "theta", "p", "v", "J", "Callable", "tuple", "lambda",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_param_an_input_and_a_value_may_have_any_name(name: str) -> None:
    local = f"{name}_" if name == "lambda" else name
    values = np.array([0.4, 0.7])
    for declared, inputs in (
        (f"dim K\ninput u: real[K]\nparam {name}: real[K] > 0\ninner = u * {name}\n", {"u": [1.0, 2.0]}),
        (f"dim K\ninput {name}: real[K]\nparam w: real[K] > 0\ninner = w * {name}\n", {local: [1.0, 2.0]}),
        (
            f"dim K\ninput u: real[K]\nparam w: real[K] > 0\n{name} = w * u\ninner = {name} + 0\n",
            {"u": [1.0, 2.0]},
        ),
    ):
        vector = declared + "output r = exp(inner)\ngrad r wrt "
        scalar = declared + "loss L = sum(exp(inner))\n"
        wrt = name if f"param {name}" in declared else "w"
        fit = module_of(autodiffc.compile(f"{vector}{wrt}\n", emit=("jacobian",)), "model").residuals(
            **inputs
        )
        slopes = np.array([1.0, 2.0]) * np.exp(values * [1.0, 2.0])
        np.testing.assert_allclose(fit.fun(values), slopes / [1.0, 2.0], rtol=1e-14)
        np.testing.assert_allclose(fit.jac(values), np.diag(slopes), rtol=1e-14)
        m = module_of(autodiffc.compile(scalar, emit=("hvp", "hessian")), "model")
        np.testing.assert_allclose(m.objective(**inputs)(values)[1], slopes, rtol=1e-14)
        curvature = slopes * [1.0, 2.0]
        np.testing.assert_allclose(m.objective_hess(**inputs)(values), np.diag(curvature), rtol=1e-14)
        np.testing.assert_allclose(
            m.objective_hessp(**inputs)(values, values), curvature * values, rtol=1e-14
        )


@pytest.mark.parametrize("name", ["theta", "residuals", "rng", "sizes", "self", "lambda", "params", "K"])
def test_a_dim_may_have_any_name(name: str) -> None:
    local = f"{name}_" if name == "lambda" else name
    m = module_of(
        autodiffc.compile(
            f"dim {name}\nparam w: real[{name}]\noutput r = w**2\ngrad r wrt w\n", emit=("jacobian",)
        ),
        "model",
    )
    np.testing.assert_array_equal(m.residuals(**{local: 2}).jac([1.0, 3.0]), [[2.0, 0.0], [0.0, 6.0]])


def test_only_what_was_asked_for_and_makes_sense_is_there() -> None:
    scalar = "dim N\ninput x: real[N]\nparam w: real[N]\nloss L = sum((w * x)**2)\n"
    names = ("objective", "objective_hess", "objective_hessp", "residuals", "Residuals")
    for text, emit, expected in (
        (scalar, (), ["objective"]),
        (scalar, ("hvp",), ["objective", "objective_hessp"]),
        (scalar, ("hessian",), ["objective", "objective_hess"]),
        (scalar, ("jacobian",), ["objective", "residuals", "Residuals"]),
        (scalar + "grad L wrt x\n", ("hvp", "hessian", "jacobian"), []),
        (scalar + "grad L wrt w, x\n", ("hvp", "hessian", "jacobian"), []),
        (scalar + "output r = w * x\ngrad r wrt w\n", ("jacobian",), ["residuals", "Residuals"]),
        (scalar + "output r = w * x\ngrad r wrt w\n", ("jvp",), []),
        (scalar + "output r = w * x\ngrad r wrt x\n", ("jacobian",), []),
    ):
        emitted = autodiffc.compile(text, emit=emit)
        m = module_of(emitted, "model")
        assert [n for n in names if hasattr(m, n)] == expected, (text, emit)
        assert not re.search(r"^(import|from) scipy", emitted, re.M)


# --- SciPy -----------------------------------------------------------------------------------------------------

WOOD = """
param x: real[4]
output r = [10 * (x[1] - x[0]**2), 1 - x[0], sqrt(90.0) * (x[3] - x[2]**2), 1 - x[2],
    sqrt(10.0) * (x[1] + x[3] - 2), (x[1] - x[3]) / sqrt(10.0)]
"""


@pytest.mark.parametrize("method", ["Newton-CG", "trust-ncg", "trust-krylov", "trust-exact", "trust-constr"])
def test_newton_methods_reach_the_minimum_of_wood(method: str) -> None:
    m = module_of(autodiffc.compile(WOOD + "loss f = sum(r**2)\n", emit=("hvp", "hessian")), "model")
    curvatures = [{"hess": m.objective_hess()}]
    if method != "trust-exact":
        curvatures.append({"hessp": m.objective_hessp()})
    for curvature in curvatures:
        options = {"maxiter": 500} | ({"gtol": 1e-10} if method.startswith("trust") else {"xtol": 1e-12})
        found = optimize.minimize(
            m.objective(), [0.5, -1.0, 2.0, 0.5], jac=True, method=method, options=options, **curvature
        )
        assert found.success, found.message
        np.testing.assert_allclose(found.x, np.ones(4), atol=1e-6)


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
def test_least_squares_reaches_the_minimum_of_wood(method: str) -> None:
    m = module_of(autodiffc.compile(WOOD + "grad r wrt x\n", emit=("jacobian",)), "model")
    fit = m.residuals()
    found = optimize.least_squares(fit.fun, [-3.0, -1.0, -3.0, -1.0], fit.jac, method=method)
    assert found.success
    np.testing.assert_allclose(found.x, np.ones(4), atol=1e-6)


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
def test_a_constraint_is_met(method: str) -> None:
    """The point of an ellipsoid x'Ax = 1 where c'x is smallest is -A⁻¹c / sqrt(c'A⁻¹c)."""
    head = "param x: real[2]\nparam z: real\n"
    f = module_of(autodiffc.compile(f"{head}loss L = x[0] + 2*x[1] + 3*z\n", emit=("hessian",)), "model")
    constraint = f"{head}output g = 4 * x[0]**2 + x[1]**2 + z**2 / 9 - 1\ngrad g wrt x, z\n"
    g = module_of(autodiffc.compile(constraint, emit=("jacobian",)), "model").residuals()
    inverse, c = np.array([0.25, 1.0, 9.0]), np.array([1.0, 2.0, 3.0])
    expected = -inverse * c / np.sqrt(c @ (inverse * c))
    given: dict[str, Any] = {"constraints": {"type": "eq", "fun": g.fun, "jac": g.jac}}
    if method == "trust-constr":
        given = {
            "constraints": optimize.NonlinearConstraint(g.fun, 0.0, 0.0, jac=g.jac),
            "hess": f.objective_hess(),
        }
    found = optimize.minimize(f.objective(), [-0.3, -0.3, -1.0], jac=True, method=method, **given)
    assert found.success
    np.testing.assert_allclose(found.x, expected, atol=1e-3)
    assert abs(g.fun(found.x)[0]) < 1e-6


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root_solves_a_square_system(method: str) -> None:
    m = module_of(
        autodiffc.compile(
            "input total: real\nparam a, b: real = 0.5\noutput e = stack(a + b - total, a * b - 2)\ngrad e wrt a, b\n",
            emit=("jacobian",),
        ),
        "model",
    )
    system = m.residuals(3.0)
    found = optimize.root(system.fun, [3.0, 0.1], jac=system.jac, method=method)
    assert found.success
    np.testing.assert_allclose(found.x, [2.0, 1.0], rtol=1e-9)
