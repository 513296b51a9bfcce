"""Calls: built-in functions, and functions of the model, which are expanded where they are called."""

from __future__ import annotations

from dataclasses import replace

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note, suggestion
from autodiffc.grammar.source import Span

from ..ir import Node
from ..types import Dim, TypeProblem
from . import builtins, builtins_shape  # noqa: F401  (importing them fills BUILTINS)
from .context import CALL_DEPTH_LIMIT, NODE_LIMIT
from .expressions import Evaluator
from .scope import Function, Scope
from .signature import BUILTINS, fit
from .statements import Block, check_type
from .values import POISON, ArgumentProblem, Poison, Static, Value, as_value_node

# What the language has and this version does not: refused by name.
LATER = frozenset(
    [
        "erf",
        "erfc",
        "erfcx",
        "lgamma",
        "digamma",
        "trigamma",
        "lbeta",
        "gamma",
        "det",
        "slogdet",
        "inv",
        "solve",
        "solve_triangular",
        "cholesky",
        "conv1d",
        "conv2d",
        "max_pool2d",
        "avg_pool2d",
        "dropout",
        "grad",
        "jvp",
        "stop_gradient",
    ]
)
# Here a list, like a tuple, is a sequence of arrays and not one array.
OF_SEQUENCES = frozenset(["concatenate", "stack"])
EXTREMES = {"max": Dim.maximum, "min": Dim.minimum, "maximum": Dim.maximum, "minimum": Dim.minimum}


def call(evaluator: Evaluator, expr: ast.Call) -> Value:
    """The value of a call."""
    name = expr.func.id
    function = evaluator.scope.find_function(name)
    if function is not None:
        return _expand(evaluator, expr, function)
    if name in LATER:
        return evaluator.context.report("E0901", f"`{name}` is not supported yet", expr.func.span)
    if name in BUILTINS:
        return _builtin(evaluator, expr)
    return _unknown(evaluator, expr)


def _unknown(evaluator: Evaluator, expr: ast.Call) -> Poison:
    name = expr.func.id
    for operand in (*expr.args, *(k.value for k in expr.keywords)):
        evaluator.value(operand)
    if name in evaluator.context.assumed_known:
        return POISON
    notes: tuple[Note, ...] = ()
    help_text = suggestion(name, (*BUILTINS, *LATER, *evaluator.scope.visible_functions()))
    binding = evaluator.scope.find(name)
    if binding is not None:
        notes = (Note(binding.span, f"{name} is a value, declared"),)
        help_text = help_text or "write `*` to multiply"
    parent = evaluator.scope.parent
    if name in evaluator.pending_functions or (parent is not None and name in parent.functions):
        help_text = "define a function before it is used"
    if name == "range":
        help_text = "`range` stands in a `for` only; `arange` makes an array"
    return evaluator.context.report("E0202", f"no function `{name}`", expr.func.span, "", notes, help_text)


def _operands(evaluator: Evaluator, expr: ast.Call) -> tuple[list[Value], dict[str, Value]] | None:
    """The evaluated arguments; None where one of them is in error."""
    args = [evaluator.value(a) for a in expr.args]
    keywords: dict[str, Value] = {}
    failed = any(isinstance(a, Poison) for a in args)
    for keyword in expr.keywords:
        value = evaluator.value(keyword.value)
        failed = failed or isinstance(value, Poison)
        if keyword.name.id in keywords:
            evaluator.context.report("E0205", f"`{keyword.name.id}` is given twice", keyword.span)
            failed = True
        keywords[keyword.name.id] = value
    return None if failed else (args, keywords)


# --- built-ins ---------------------------------------------------------------------------------------


def _sequences(expr: ast.Call) -> ast.Call:
    """`concatenate([a, b])` read as `concatenate((a, b))`."""
    args = (ast.TupleLiteral(a.span, a.items) if isinstance(a, ast.ListLiteral) else a for a in expr.args)
    return replace(expr, args=tuple(args))


def _builtin(evaluator: Evaluator, expr: ast.Call) -> Value:
    name = expr.func.id
    if len(expr.args) == 1 and isinstance(expr.args[0], ast.Generator):
        return evaluator.value(expr.args[0])
    operands = _operands(evaluator, _sequences(expr) if name in OF_SEQUENCES else expr)
    if operands is None:
        return POISON
    args, keywords = operands
    if name in EXTREMES and len(args) == 2 and not keywords:
        if isinstance(args[0], Static) and isinstance(args[1], Static):
            return Static(EXTREMES[name](args[0].dim, args[1].dim))
        if name in ("max", "min") and not _axis_like(args[1]):
            raise TypeProblem("E0205", f"{name} reduces one array; {name}imum(a, b) compares two")
    try:
        value = fit(BUILTINS[name], args, keywords)
    except ArgumentProblem as problem:
        span = _argument_span(expr, problem.argument)
        return evaluator.context.problem(problem.code, str(problem), span, f"`{name}`")
    except TypeProblem as problem:
        notes = evaluator.declared(*expr.args) if problem.code != "E0205" else ()
        return evaluator.context.problem(problem.code, str(problem), expr.span, f"`{name}`", notes)
    return evaluator.context.made(value, expr.span) if isinstance(value, Node) else value


def _axis_like(value: Value) -> bool:
    return isinstance(value, (Static, tuple)) or value is None


def _argument_span(expr: ast.Call, name: str) -> Span:
    """Where an argument stands in the call."""
    for keyword in expr.keywords:
        if keyword.name.id == name:
            return keyword.value.span
    parameters = list(BUILTINS[expr.func.id].signature.parameters.values())
    for position, parameter in enumerate(parameters):
        if parameter.name == name and position < len(expr.args):
            rest = parameter.kind is parameter.VAR_POSITIONAL
            return expr.args[position].span.to(expr.args[-1].span) if rest else expr.args[position].span
    return expr.span


# --- functions of the model ----------------------------------------------------------------------------


def _expand(evaluator: Evaluator, expr: ast.Call, function: Function) -> Value:
    context = evaluator.context
    name = expr.func.id
    operands = _operands(evaluator, expr)
    if any(span is function.definition.span for span in context.expanding):
        notes = (Note(function.definition.name.span, f"`{name}` is defined"),)
        return context.report("E0211", f"`{name}` calls itself", expr.span, "", notes, "write a loop")
    if operands is None:
        return POISON
    if len(context.calls) >= CALL_DEPTH_LIMIT or context.node_count > NODE_LIMIT:
        return context.report("E0212", "the model unfolds to too many operations", expr.span)
    scope = Scope(parent=function.scope, horizon=function.horizon)
    inner = evaluator.inside(scope)
    bound = _bind(evaluator, expr, function, *operands, inner)
    if bound is None:
        return POISON
    context.calls.append((name, expr.span))
    context.expanding.append(function.definition.span)
    context.expanded.add(function.definition.span)
    try:
        for parameter, value in bound:
            scope.define(parameter.name.id, value, parameter.name.span)
        return Block(inner).run(function.definition)
    finally:
        context.calls.pop()
        context.expanding.pop()


def _bind(
    evaluator: Evaluator,
    expr: ast.Call,
    function: Function,
    args: list[Value],
    keywords: dict[str, Value],
    inner: Evaluator,
) -> list[tuple[ast.FuncParam, Value]] | None:
    """Each parameter with its value, typed by its annotation; None, and a report, where it does not fit."""
    parameters = function.definition.params
    names = [p.name.id for p in parameters]
    problem = _misfit(names, parameters, args, keywords)
    if problem is not None:
        notes = (Note(function.definition.name.span, f"`{expr.func.id}` is defined"),)
        evaluator.context.report(
            "E0205", f"arguments that do not fit `{expr.func.id}`", expr.span, problem, notes
        )
        return None
    given = dict(zip(names, args)) | keywords
    spans = dict(zip(names, (a.span for a in expr.args))) | {k.name.id: k.value.span for k in expr.keywords}
    bound: list[tuple[ast.FuncParam, Value]] = []
    sizes: dict[str, Dim] = {}
    for parameter in parameters:
        name = parameter.name.id
        if name in given:
            value = given[name]
        else:
            assert parameter.default is not None  # _misfit saw to it
            value = inner.value(parameter.default)
        if parameter.type is not None and not isinstance(value, Poison):
            span = spans.get(name, expr.span)
            value = _annotated(inner, parameter, value, sizes, span)
        if isinstance(value, Poison):
            return None
        bound.append((parameter, value))
    for dim, size in sizes.items():
        inner.scope.define(dim, Static(size), function.definition.span)
    return bound


def _misfit(
    names: list[str], parameters: tuple[ast.FuncParam, ...], args: list[Value], keywords: dict[str, Value]
) -> str | None:
    usage = ", ".join(n if p.default is None else f"{n}=…" for n, p in zip(names, parameters))
    if len(args) > len(names):
        return f"{len(args)} arguments for ({usage})"
    for name in keywords:
        if name not in names:
            return f"there is no argument `{name}` in ({usage})"
        if name in names[: len(args)]:
            return f"`{name}` is given twice"
    for name, parameter in list(zip(names, parameters))[len(args) :]:
        if name not in keywords and parameter.default is None:
            return f"the argument `{name}` of ({usage}) is missing"
    return None


def _annotated(
    inner: Evaluator, parameter: ast.FuncParam, value: Value, sizes: dict[str, Dim], span: Span
) -> Value:
    """The value checked against the annotation, whose own dims get their sizes here."""
    assert parameter.type is not None
    try:
        node = as_value_node(value)
    except TypeProblem as problem:
        return inner.context.problem(problem.code, str(problem), span)
    for expr, actual in zip(parameter.type.dims, node.shape):
        if isinstance(expr, ast.Name):
            sizes.setdefault(expr.id, actual)
    typed = inner.inside(Scope(parent=inner.scope))
    for dim, size in sizes.items():
        typed.scope.define(dim, Static(size), span)
    return check_type(typed, parameter.type, node, span, parameter.name.id)
