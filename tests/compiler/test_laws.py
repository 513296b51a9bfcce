"""The laws between a module's derivatives hold for every op, and planted errors break them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from autodiffc.api import CannotEmit, Options, module_of, module_text, program_of
from autodiffc.compiler import derived, ops
from autodiffc.compiler.case import Case
from autodiffc.compiler.comparison import Precision
from autodiffc.compiler.compiled import Compiled
from autodiffc.compiler.derived import Graphs
from autodiffc.compiler.gradcheck import check
from autodiffc.compiler.ir import OPS, Node, Op
from autodiffc.compiler.laws import Trial, findings
from autodiffc.compiler.model import Program
from autodiffc.compiler.passes import forward, products, squares
from autodiffc.compiler.points import PointFinder
from autodiffc.grammar.source import Source
from op_examples import DIFFERENTIABLE, PLAIN, example

MATRICES = ("jvp", "vjp", "jacobian")
SECOND = ("jvp", "vjp", "hvp", "jacobian", "hessian", "gauss_newton")


def compiled(program: Program, emit: tuple[str, ...], numerics: str = "stable") -> ModuleType:
    return module_of(module_text(program, Options(numerics=numerics, emit=emit)), program.name)


def outcomes(program: Program, module: Any) -> dict[str, set[str]]:
    """The verdicts on each function at one point."""
    finder = PointFinder(program, np.random.default_rng(1))
    point = next(p for p in (finder.drawn({}, attempt) for attempt in range(40)) if p)
    case = Case(Compiled(program, module), point, np.random.default_rng(2), False)
    trial = Trial(case, Graphs(program), Precision(False, 1), float("inf"))
    found: dict[str, set[str]] = {}
    for finding in findings(trial):
        found.setdefault(finding.function, set()).add(finding.outcome.status)
    return found


def squared(program: Program) -> Program:
    """The same model with a sum of squares as the target, in which the second derivatives of the op occur."""
    value = program.graph.output("out")
    bent = ops.square(ops.sin(value))
    total = ops.sum(bent, axis=tuple(range(bent.rank)), keepdims=False) if bent.rank else bent
    graph = replace(program.graph, outputs=(("out", total),), names={total: "out"})
    return replace(program, graph=graph)


def of_op(name: str) -> tuple[Program, str]:
    return example(OPS[name]), "precise" if name in PLAIN else "stable"


# --- every op --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_every_op_has_a_right_jacobian(name: str) -> None:
    program, numerics = of_op(name)
    found = outcomes(program, compiled(program, MATRICES, numerics))
    assert set(MATRICES) <= set(found)
    assert set().union(*found.values()) == {"ok"}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_every_op_has_right_second_derivatives(name: str) -> None:
    program, numerics = of_op(name)
    program = squared(program)
    found = outcomes(program, compiled(program, SECOND, numerics))
    assert set(SECOND) <= set(found)
    assert set().union(*found.values()) == {"ok"}


# --- planted errors ----------------------------------------------------------------------------------


@contextmanager
def changed(holder: Any, name: str, value: Any) -> Iterator[None]:
    """A fact of an op, or a function of a module, replaced for a while."""
    before = getattr(holder, name)
    object.__setattr__(holder, name, value)
    try:
        yield
    finally:
        object.__setattr__(holder, name, before)


def transposed_wrongly(op: Op, given: list[Node]) -> Any:
    right = forward.transposed

    def wrong(node: Node, *rest: Any) -> Any:
        tangent = right(node, *rest)
        if node.op is not op or tangent is None:
            return tangent
        given.append(node)
        return 1.01 * tangent

    return wrong


PIECEWISE = ("ceil", "det_sign", "floor", "floordiv", "round", "sign")  # no tangent passes them
TRANSPOSED = [n for n in DIFFERENTIABLE if not OPS[n].linear and n not in PLAIN.keys() | {"governed"}]


@pytest.mark.parametrize("name", TRANSPOSED)
def test_a_wrong_transposition_is_caught(name: str) -> None:
    program, numerics = of_op(name)
    given: list[Node] = []
    with changed(forward, "transposed", transposed_wrongly(OPS[name], given)):
        module = compiled(program, MATRICES, numerics)
    found = outcomes(program, module)
    assert bool(given) == ("differs" in found["jvp"]) == (name not in PIECEWISE)
    assert found["vjp"] == {"ok"}


BENT = [
    n for n in TRANSPOSED
    if OPS[n].elementwise and len(OPS[n].params) == 1 and not OPS[n].singular and n not in PIECEWISE
]  # fmt: skip


@pytest.mark.parametrize("name", BENT)
def test_an_op_that_is_said_to_be_linear_and_is_not_is_caught(name: str) -> None:
    program, numerics = of_op(name)
    with changed(OPS[name], "linear", "jointly"):
        module = compiled(program, MATRICES, numerics)
    assert "differs" in outcomes(program, module)["jvp"]


TANH = """dim N
input x: real[N]
param w: real[N]
loss L = sum(tanh(w * x)**2)
"""
STENCIL = """dim N
param w: real[N]
output r = w[1:] * w[:-1] + w[1:]
grad r wrt w
"""
CHAIN = """dim N
param w: real[N]
loss L = sum((w[1:] * w[:-1] - w[1:])**2)
"""


def model(text: str, *emit: str) -> tuple[Program, ModuleType]:
    program = program_of(Source("model.dsl", text))
    return program, compiled(program, emit)


def verdicts(program: Program, module: Any) -> dict[str, set[str]]:
    """By the whole check, at larger sizes too."""
    found: dict[str, set[str]] = {}
    for finding in check(program, module, seconds=60.0).laws:
        found.setdefault(finding.function, set()).add(finding.outcome.status)
    return found


def wrong(found: dict[str, set[str]]) -> set[str]:
    return {function for function, statuses in found.items() if "differs" in statuses}


def test_a_wrong_rule_of_what_only_gradients_are_made_of_is_caught() -> None:
    """The gradient of softplus is sigmoid: it is right, what is made of it is not."""
    program = program_of(Source("model.dsl", TANH.replace("tanh", "softplus").replace("**2", "")))
    right = OPS["sigmoid"].vjp
    with changed(OPS["sigmoid"], "vjp", lambda g, out, x: tuple(1.01 * part for part in right(g, out, x))):  # type: ignore[operator]
        module = compiled(program, ("hvp", "hessian"))
    report = check(program, module)
    assert [row.verdict for row in report.rows] == ["ok"]
    assert {law.function for law in report.laws if law.outcome.status == "differs"} == {"hvp"}
    assert not report.ok


def scaled(found: Any) -> Any:
    """All numbers of a result a little larger."""
    if isinstance(found, tuple):
        parts = [scaled(part) for part in found]
        return type(found)(*parts) if hasattr(found, "_fields") else tuple(parts)
    return found * (1.0 + 1e-6) if isinstance(found, (float, np.ndarray)) else found


def dropped(found: Any) -> Any:
    """A result whose last element is 0."""
    if isinstance(found, tuple):
        parts = [*found[:-1], dropped(found[-1])]
        return type(found)(*parts) if hasattr(found, "_fields") else tuple(parts)
    if isinstance(found, np.ndarray) and found.size:
        found = found.copy()
        found.reshape(-1)[-1] = 0.0
        return found
    return 0.0


@pytest.mark.parametrize("change", [scaled, dropped])
@pytest.mark.parametrize("function", ["jvp", "hvp", "hessian", "gauss_newton"])
def test_a_function_that_gives_something_else_is_caught(function: str, change: Callable[[Any], Any]) -> None:
    program, module = model(TANH, *SECOND)
    assert not wrong(verdicts(program, module))
    right = getattr(module, function)
    setattr(module, function, lambda *arguments: change(right(*arguments)))
    assert function in wrong(verdicts(program, module))


@pytest.mark.parametrize("change", [scaled, dropped])
def test_a_wrong_jacobian_is_caught(change: Callable[[Any], Any]) -> None:
    program, module = model(STENCIL, *MATRICES)
    right = module.value_and_jacobian
    module.value_and_jacobian = lambda *arguments: (right(*arguments)[0], change(right(*arguments)[1]))  # type: ignore[attr-defined]
    assert "jacobian" in wrong(verdicts(program, module))


def test_a_wrong_vjp_is_caught() -> None:
    program, module = model(STENCIL, "vjp")
    right = module.vjp

    def vjp(*arguments: Any) -> Any:
        value, pull = right(*arguments)
        return value, lambda cotangent: scaled(pull(cotangent))

    module.vjp = vjp  # type: ignore[attr-defined]
    assert wrong(verdicts(program, module)) == {"vjp"}


def test_a_function_that_raises_is_caught() -> None:
    program, module = model(TANH, "hvp")
    module.hvp = lambda *arguments: 1 / 0  # type: ignore[attr-defined]
    report = check(program, module)
    assert not report.ok
    assert {law.outcome.reason for law in report.laws} == {"hvp raised ZeroDivisionError: division by zero"}


def test_a_square_that_is_overlooked_is_caught() -> None:
    def fewer(target: Node, wrt: Any) -> Any:
        return squares.squares_of(target, wrt)[:-1]  # type: ignore[index]

    with changed(products, "squares_of", fewer), changed(derived, "squares_of", fewer):
        program, module = model("param w: real[3]\nloss L = sum(sin(w)**2) + 2 * w[0]**2\n", "gauss_newton")
        report = check(program, module)
    broken = {law.law for law in report.laws if law.outcome.status == "differs"}
    assert broken == {"what is not squared is linear"}


SPARSE = [(STENCIL, "jacobian", ("jvp", "jacobian")), (CHAIN, "hessian", ("hvp", "hessian"))]


@pytest.mark.parametrize(("text", "name", "emit"), SPARSE)
@pytest.mark.parametrize("position", [0, 3, -1])
def test_an_entry_that_the_pattern_lacks_is_caught(
    text: str, name: str, emit: tuple[str, ...], position: int
) -> None:
    program, module = model(text, *emit)
    assert not wrong(verdicts(program, module))
    right = getattr(module, f"{name}_sparsity")

    @wraps(right)
    def lacking(*arguments: Any, **sizes: Any) -> Any:
        rows, cols = right(*arguments, **sizes)
        return np.delete(rows, position), np.delete(cols, position)

    setattr(module, f"{name}_sparsity", lacking)
    assert f"sparse_{name}" in wrong(verdicts(program, module))


@pytest.mark.parametrize(("text", "name", "emit"), SPARSE)
def test_a_colouring_with_too_few_colours_is_caught(text: str, name: str, emit: tuple[str, ...]) -> None:
    program, module = model(text, *emit)
    (function,) = (n for n in vars(module) if n.startswith("_coloured_by_"))
    right = getattr(module, function)

    def merged(*arguments: Any) -> Any:
        found = right(*arguments)
        last = found.colours == found.colours.max()
        height = np.flatnonzero(last)  # of each product
        size = arguments[2]
        taken = np.where(np.isin(found.taken // size, found.colours[height]), found.taken % size, found.taken)
        return found._replace(colours=np.where(last, 0, found.colours), taken=taken)

    setattr(module, function, merged)
    assert f"sparse_{name}" in wrong(verdicts(program, module))


# --- what the laws have found ------------------------------------------------------------------------

FOUND = {
    "a square in the residual of another": """
param x: real[2]
loss L = x[0]**2 + (x[1] - x[0]**2 - 1)**2
""",
    "one term of a log-sum-exp in a loop is all": """
param x: real[3]
var S: real[4]
S[0] = inf
for i in range(3):
    S[i+1] = x[i]**2 - logsumexp(-[S[i], x[i]*0.3])
loss L = S[3]
""",
    "a condition on what is squared": """
param w: real[3]
loss L = sum((w > 0) * w**2)
""",
    "a vector times itself": """
dim N
param w: real[N]
r = sin(w) - 1
loss L = r @ r - 0.5 * w[0]**2
""",
    "an assertion": """
param x: real[3]
param s: real
assert s > 0
loss y = sum((sin(x) * s)**2)
""",
    "a sparse Hessian with an assertion": """
dim N
param x: real[N]
assert x[0] < 100
loss y = sum((x[1:] * x[:-1])**2)
""",
    "derivatives that cancel": """
param a: real[3]
loss L = sum(softmax(a))
""",
}


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_second_derivatives(text: str, level: int) -> None:
    program = program_of(Source("model.dsl", text))
    emit = SECOND
    try:
        source = module_text(program, Options(level=level, emit=emit))
    except CannotEmit:
        source = module_text(program, Options(level=level, emit=emit[:-1]))
    assert not wrong(verdicts(program, module_of(source, "model")))


def test_what_a_loop_computes_is_no_sum_of_squares() -> None:
    text = "param x: real[3]\nS = 0.0\nfor i in range(3):\n    S = sin(S * x[i]) + x[i]**2\nloss L = S\n"
    with pytest.raises(CannotEmit, match="not a sum of squares"):
        model(text, "gauss_newton")


def test_the_hessian_of_a_stated_adjoint_is_not_judged() -> None:
    text = (
        "dim N\nparam w: real[N]\ndef ste(x):\n    return round(x)\n\nadjoint ste(x, d):\n    return d * x\n\n"
        "loss L = sum(ste(w)**2 * w)\n"
    )
    program, module = model(text, "hvp", "hessian")
    report = check(program, module)
    assert report.ok
    reasons = {law.outcome.reason for law in report.laws if law.outcome.status == "not checked"}
    assert reasons == {"an adjoint that the model brings is not the derivative of its function"}
