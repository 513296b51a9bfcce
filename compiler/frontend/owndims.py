"""The dims that a function's annotations name: its own, with the sizes that a call gives them.

def f(a: real[M+1], b: real[M])     called on real[N], real[N-1]:     M is N - 1
"""

from __future__ import annotations

from autodiffc.grammar import ast

from ..ir import Node
from ..types import Dim
from .expressions import Evaluator
from .scope import Scope
from .values import Static, Value

_UNKNOWN = "?"  # no name of a model


def own_dims(inner: Evaluator, bound: list[tuple[ast.FuncParam, Value]]) -> dict[str, Dim]:
    """The sizes of the dims in a function's annotations: where they stand alone, else where linearly."""
    places = [
        (expr, actual)
        for parameter, value in bound
        if parameter.type is not None and isinstance(value, Node)
        for expr, actual in zip(parameter.type.dims, value.shape)
    ]
    sizes: dict[str, Dim] = {}
    for expr, actual in places:
        if isinstance(expr, ast.Name):
            sizes.setdefault(expr.id, actual)
    for expr, actual in places:
        missing = sorted({n.id for n in names_in(expr)} - sizes.keys())
        if len(missing) == 1 and inner.scope.constant(missing[0])[0] is False:
            solved = _solved(inner, expr, actual, missing[0], sizes)
            if solved is not None:
                sizes[missing[0]] = solved
    return sizes


def names_in(expr: ast.Expr) -> list[ast.Name]:
    """The names that an expression of dims is made of."""
    found: list[ast.Name] = []
    stack: list[ast.Expr] = [expr]
    while stack:
        part = stack.pop()
        if isinstance(part, ast.Name):
            found.append(part)
        elif isinstance(part, ast.Binary):
            stack.extend((part.left, part.right))
        elif isinstance(part, ast.Unary):
            stack.append(part.operand)
        elif isinstance(part, ast.Call):
            stack.extend(part.args)
    return found


def _solved(inner: Evaluator, expr: ast.Expr, actual: Dim, name: str, sizes: dict[str, Dim]) -> Dim | None:
    """The dim that makes a linear expression of it the actual size, where there is one."""
    scope = Scope(parent=inner.scope)
    for dim, size in {**sizes, name: Dim.symbol(_UNKNOWN)}.items():
        scope.define(dim, Static(size), expr.span)
    written = inner.inside(scope).dim(expr)
    if not isinstance(written, Dim):
        return None
    factor = dict(written.terms).get((_UNKNOWN,), 0)
    rest = written - factor * Dim.symbol(_UNKNOWN)
    if factor <= 0 or _UNKNOWN in rest.symbols:
        return None
    solution = (actual - rest) // factor
    return solution if solution * factor + rest == actual else None
