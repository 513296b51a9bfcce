"""What may follow `=` after a param, and where a param without it starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import suggestion

from ..ir import Graph, Literal, Node
from ..model import Argument, Bound, Initialiser
from ..ops.products import GROUPED
from ..types import Type, TypeProblem, shape_text
from .expressions import Evaluator
from .signature import BUILTINS
from .values import Poison, as_value_node, evaluate_constant, number_of

OF_BOTH_SIGNS = frozenset({"xavier", "kaiming", "orthogonal"})
SMALLEST = float(np.nextafter(0.0, 1.0))

# name -> the numbers that it takes, with their defaults (None: required)
INITIALISERS: dict[str, tuple[tuple[str, float | None], ...]] = {
    "zeros": (),
    "ones": (),
    "full": (("value", None),),
    "uniform": (("a", 0.0), ("b", 1.0)),
    "normal": (("mean", 0.0), ("std", 1.0)),
    "xavier": (),
    "kaiming": (),
    "orthogonal": (),
}


def default_initialiser(type: Type, bounds: tuple[Bound, ...]) -> Initialiser:
    """Zeros for ranks 0 and 1, xavier above; inside the constraints where those leave that out."""
    if bounds:
        return Initialiser("full", (_inside(bounds),))
    return Initialiser("zeros" if type.rank < 2 else "xavier")


def _inside(bounds: tuple[Bound, ...]) -> float:
    """A number that meets the constraints: 0 if it does, else the middle, else 1 away from the bound."""
    if satisfied(0.0, bounds):
        return 0.0
    low = max((b.value for b in bounds if b.op[0] == ">"), default=-np.inf)
    high = min((b.value for b in bounds if b.op[0] == "<"), default=np.inf)
    if np.isfinite(low) and np.isfinite(high):
        return float(low / 2 + high / 2)
    return float(low + 1.0 if np.isfinite(low) else high - 1.0)


def satisfied(value: float, bounds: tuple[Bound, ...]) -> bool:
    tests = {">": value.__gt__, ">=": value.__ge__, "<": value.__lt__, "<=": value.__le__}
    return all(tests[b.op](b.value) for b in bounds)


def initialiser(
    evaluator: Evaluator, expr: ast.Expr, type: Type, bounds: tuple[Bound, ...]
) -> Initialiser | None:
    """The initialiser that an expression names; None (and a report) where it does not fit the param."""
    found = _called(evaluator, expr, type)
    if found is None:
        return None
    for value in _started(found):
        if not satisfied(float(value), bounds):
            label = "it draws numbers of both signs" if found.kind in OF_BOTH_SIGNS else f"{value:g}"
            evaluator.context.report("E0306", "the initial value breaks the constraint", expr.span, label)
            return None
    return found


def _started(found: Initialiser) -> tuple[float, ...]:
    """The values that a param may start with, or the outermost of them; of a normal there are none."""
    if found.kind == "uniform":
        a, b = found.numbers
        return (float(np.nextafter(a, b)), float(np.nextafter(b, a)))
    if found.kind in OF_BOTH_SIGNS:
        return (-SMALLEST, SMALLEST)
    if found.kind in ("zeros", "ones"):
        return (float(found.kind == "ones"),)
    if found.kind == "value":
        return tuple(np.asarray(found.value, float).ravel())
    return found.numbers if found.kind == "full" else ()


def _called(evaluator: Evaluator, expr: ast.Expr, type: Type) -> Initialiser | None:
    if isinstance(expr, ast.Call) and expr.func.id in INITIALISERS:
        return _named(evaluator, expr, type)
    if isinstance(expr, ast.Name) and expr.id in INITIALISERS and evaluator.scope.find(expr.id) is None:
        evaluator.context.report("E0306", f"`{expr.id}` is a call", expr.span, help=f"write `{expr.id}()`")
        return None
    if (
        isinstance(expr, ast.Call)
        and expr.func.id not in BUILTINS
        and evaluator.scope.find_function(expr.func.id) is None
    ):
        known = "an initialiser is one of " + ", ".join(INITIALISERS)
        help_text = suggestion(expr.func.id, INITIALISERS) or known
        evaluator.context.report("E0306", f"no initialiser `{expr.func.id}`", expr.func.span, help=help_text)
        return None
    return _constant(evaluator, expr, type)


def _named(evaluator: Evaluator, expr: ast.Call, type: Type) -> Initialiser | None:
    name = expr.func.id
    wanted = INITIALISERS[name]
    usage = f"{name}({', '.join(n if d is None else f'{n}={d:g}' for n, d in wanted)})"
    names = [n for n, _ in wanted]
    given = dict(zip(names, expr.args)) | {k.name.id: k.value for k in expr.keywords}
    missing = [n for n, default in wanted if default is None and n not in given]
    if len(expr.args) > len(names) or any(k not in names for k in given) or missing:
        help_text = "an initialiser takes its size from the param" if len(expr.args) > len(names) else ""
        evaluator.context.report("E0306", f"the initialiser is {usage}", expr.span, help=help_text)
        return None
    numbers = []
    for n, default in wanted:
        value = evaluator.value(given[n]) if n in given else None
        if isinstance(value, Poison):
            return None
        number = default if n not in given else number_of(value)
        if number is None:
            evaluator.context.report("E0306", f"`{n}` of {name} is a number", given[n].span)
            return None
        numbers.append(float(number))
    if (name == "normal" and numbers[1] < 0) or (name == "uniform" and numbers[0] > numbers[1]):
        label = "std is not negative" if name == "normal" else "a is not above b"
        evaluator.context.report("E0306", f"the initialiser is {usage}", expr.span, label)
        return None
    if name == "orthogonal" and type.rank != 2:
        evaluator.context.report("E0306", "orthogonal starts a matrix", expr.span, str(type))
        return None
    return Initialiser(name, tuple(numbers))


def _constant(evaluator: Evaluator, expr: ast.Expr, type: Type) -> Initialiser | None:
    value = evaluator.value(expr)
    if isinstance(value, Poison):
        return None
    try:
        node = as_value_node(value)
    except TypeProblem as problem:
        evaluator.context.problem("E0306", str(problem), expr.span)
        return None
    array = evaluate_constant(node)
    if array is None:
        evaluator.context.report(
            "E0306", "an initial value is a number or a nested list of numbers", expr.span
        )
        return None
    if node.type.kind == "bool":
        help_text = "constraints stand before `=`" if isinstance(expr, ast.Compare) else ""
        message = "an initial value is a number, not a bool"
        evaluator.context.report("E0306", message, expr.span, help=help_text)
        return None
    if array.ndim == 0:
        return Initialiser("full", (float(array),))
    if any(have != want.known for have, want in zip(array.shape, type.shape)) or array.ndim != type.rank:
        label = f"{shape_text(node.shape)} for {type}"
        evaluator.context.report(
            "E0306", "the initial value has another shape than the param", expr.span, label
        )
        return None
    return Initialiser("value", value=Literal.of(array.astype(float)).array)


def weighed(arguments: Iterable[Argument], graph: Graph) -> Iterator[Argument]:
    """The arguments, with a mark at the weights of convolutions."""
    weights = {weight for node in graph.nodes() for weight in _convolved(node)}
    for argument, node in zip(arguments, graph.inputs):
        if node in weights and argument.init is not None:
            argument = replace(argument, init=replace(argument.init, convolves=True))
        yield argument


def _convolved(node: Node) -> Iterator[Node]:
    """The weights of a convolution."""
    if node.op.name == "tensordot":
        yield node.args[0]
    elif node.op.name == "einsum" and node["spec"] in GROUPED:
        yield node.args[0].args[0]
