"""What the formulas of a derivation give at a random point, beside what the compiler's graphs give.

differing(program_of(source))        the names whose values differ: none
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from autodiffc.compiler.derivation.closed import closed
from autodiffc.compiler.derivation.equations import derivation
from autodiffc.compiler.derivation.evaluate import Evaluation
from autodiffc.compiler.derivation.graphs import Derived, derived, second
from autodiffc.compiler.derivation.lines import Derivation
from autodiffc.compiler.derivation.tree import Partial, Symbol
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.model import Derivative, Program
from autodiffc.compiler.passes.pipeline import derive
from autodiffc.compiler.points import PointFinder


def differing(program: Program, *seeds: int) -> list[str]:
    """The names of what the formulas give another value than the optimised graphs: the target, derivatives.

    At a random point for each seed. No reference is needed there, so it gets no time.
    """
    of, graphs = derived(program, program.wrt), derive(program, 1)
    lines = derivation(of)
    names = (of.target, *(f"d_{name}" for name in of.wrt))
    wrong = []
    for seed in seeds or (0,):
        point = PointFinder(program, np.random.default_rng(seed), seconds=0.0).find({})
        given, cotangent = dict(point.arguments), None
        if of.seed is not None:
            shape = [dim.evaluate(point.sizes) for dim in of.seed.shape]
            cotangent = np.random.default_rng(seed + 1).normal(size=shape)
        expected = _compiled(program, graphs, given, point.sizes, cotangent)
        found = _formula_values(of, lines, given, point.sizes, cotangent)
        wrong += [name for name in names if not _same(found[name], expected[name])]
    return wrong


def _formula_values(
    of: Derived, lines: Derivation, given: Mapping[str, Any], sizes: Mapping[str, int], cotangent: Any
) -> dict[str, Any]:
    """The target and its derivatives by the formulas."""
    values = {Symbol(name): np.asarray(value) for name, value in (*given.items(), *of.numbers.items())}
    if cotangent is not None:
        values[Symbol(of.target, "adjoint")] = cotangent
    run = Evaluation(values, sizes)
    run.run(lines.model)
    run.run(lines.adjoints)
    results = {f"d_{name}": _gradient(run, of.target, name, cotangent) for name in of.wrt}
    return {of.target: run.values[Symbol(of.target)], **results}


def _gradient(run: Evaluation, target: str, name: str, cotangent: Any) -> Any:
    """What the formulas say of one argument: its derivative, its adjoint, or a Jacobian with the cotangent."""
    if cotangent is None:
        return run.values[Symbol(name, "derivative", target)]
    jacobian = run.values.get(Partial(Symbol(target), (Symbol(name),)))
    if jacobian is None:
        return run.values[Symbol(name, "adjoint", target)]
    return np.tensordot(cotangent, jacobian, np.ndim(cotangent))


def second_values(of: Derived, given: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """The second derivatives of a model of scalars by their closed forms."""
    run = Evaluation({Symbol(name): np.asarray(v) for name, v in (*given.items(), *of.numbers.items())}, {})
    values = {}
    for equation in closed(second(of), patience=4) or ():
        if isinstance(equation.left, Partial):
            one, other = (symbol.name for symbol in equation.left.by if isinstance(symbol, Symbol))
            values[one, other] = values[other, one] = run.of(equation.right)
    return values


def _compiled(
    program: Program, graphs: Derivative, given: Mapping[str, Any], sizes: Mapping[str, int], cotangent: Any
) -> dict[str, Any]:
    if graphs.value_and_grad is not None:
        return evaluate(graphs.value_and_grad, given, sizes)
    assert graphs.backward is not None
    forward = evaluate(graphs.forward, given, sizes)
    seed = {f"d_{program.target}": cotangent}
    return {**forward, **evaluate(graphs.backward, {**given, **forward, **seed}, sizes)}


def _same(found: Any, expected: Any) -> bool:
    """A number stands for an array of equal elements."""
    if np.shape(found) not in ((), np.shape(expected)):
        return False
    return bool(np.allclose(found, expected, rtol=1e-8, atol=1e-10, equal_nan=True))
