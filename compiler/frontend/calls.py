"""Calls: built-in functions, and functions of the model, which are expanded where they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from inspect import Parameter

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note
from autodiffc.grammar.source import Span

from ..ir import Node
from ..types import Dim, TypeProblem
from . import (  # noqa: F401  (they fill BUILTINS)
    builtins,
    builtins_linalg,
    builtins_neural,
    builtins_shape,
    builtins_special,
)
from .adjoints import Bound, Call, governed_call
from .context import CALL_DEPTH_LIMIT, CALL_LIMIT, Context
from .derivatives import DERIVATIVE_CALLS, USAGE, own_value
from .expressions import Evaluator
from .generators import reduced
from .habits import argument_help, function_help
from .owndims import own_dims
from .returns import run
from .scope import Function, Scope
from .signature import BUILTINS, fit
from .statements import check_type
from .values import POISON, ArgumentProblem, Poison, Static, Value, as_value_node
from .walk import walk

RECURSION_HELP = "functions are expanded where they are called: write the steps out"
EXTREMES = {"max": Dim.maximum, "min": Dim.minimum, "maximum": Dim.maximum, "minimum": Dim.minimum}


def usages() -> dict[str, str]:
    """The functions of the language, each with how it is called: `softmax` and `softmax(x, axis=-1)`."""
    return {name: function.usage for name, function in BUILTINS.items()} | USAGE


def call(evaluator: Evaluator, expr: ast.Call) -> Value:
    """The value of a call."""
    name = expr.func.id
    function = evaluator.scope.find_function(name)
    if name in evaluator.context.ambiguous:
        return POISON
    if function is not None:
        return _expand(evaluator, expr, function)
    if name in DERIVATIVE_CALLS:
        return DERIVATIVE_CALLS[name](evaluator, expr)
    if name in BUILTINS:
        return _builtin(evaluator, expr)
    return _unknown(evaluator, expr)


def _unknown(evaluator: Evaluator, expr: ast.Call) -> Poison:
    context, name = evaluator.context, expr.func.id
    for operand in (*expr.args, *(k.value for k in expr.keywords)):
        evaluator.value(operand)
    if name in context.assumed_known:
        return POISON
    if name in context.functions:
        return _too_early(evaluator, expr)
    notes: tuple[Note, ...] = ()
    help_text = function_help(name, (*BUILTINS, *DERIVATIVE_CALLS, *evaluator.scope.visible_functions()))
    binding = evaluator.scope.find(name)
    if binding is not None:
        notes = (Note(binding.span, f"{name} is a value, declared"),)
        help_text = "write `*` to multiply"
    elif evaluator.scope.constant(name)[0]:
        help_text = f"`{name}` is a constant: drop the brackets"
    return context.report("E0202", f"no function `{name}`", expr.func.span, "", notes, help_text)


def _too_early(evaluator: Evaluator, expr: ast.Call) -> Poison:
    """A function that is defined further down; it may be one that leads back here."""
    context, name = evaluator.context, expr.func.id
    notes = (Note(context.functions[name].name.span, f"`{name}` is defined"),)
    callers = {called for called, _ in context.calls}
    if callers & _reached(context, name):
        message = f"`{context.calls[-1][0]}` and `{name}` call each other"
        return context.report("E0211", message, expr.func.span, "", notes, RECURSION_HELP)
    help_text = "define a function before it is used"
    return context.report("E0202", f"no function `{name}`", expr.func.span, "", notes, help_text)


def _reached(context: Context, name: str) -> set[str]:
    """The functions of the file that a function calls, at once or through others."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        body = context.functions[waiting.pop()].body
        called = {part.func.id for part in walk(body) if isinstance(part, ast.Call)}
        new = (called & context.functions.keys()) - reached
        reached |= new
        waiting.extend(new)
    return reached


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
    """`sum(x, axis=[0, 1])` read as `sum(x, axis=(0, 1))` wherever an array makes no sense."""
    if not any(
        isinstance(given, ast.ListLiteral) for given in (*expr.args, *[k.value for k in expr.keywords])
    ):
        return expr
    parameters = BUILTINS[expr.func.id].signature.parameters
    places = BUILTINS[expr.func.id].positions(len(expr.args))
    args = tuple(_sequence(a, parameter) for a, parameter in zip(expr.args, places))
    keywords = tuple(replace(k, value=_sequence(k.value, parameters.get(k.name.id))) for k in expr.keywords)
    return replace(expr, args=args + expr.args[len(args) :], keywords=keywords)


def _sequence(expr: ast.Expr, parameter: Parameter | None) -> ast.Expr:
    if parameter is None or parameter.annotation != "Raw" or not isinstance(expr, ast.ListLiteral):
        return expr
    # The items of the list that `stack` takes are arrays, those of `pad_width` pairs.
    deep = parameter.kind is not parameter.VAR_POSITIONAL
    items = tuple(_sequence(i, parameter) for i in expr.items) if deep else expr.items
    return ast.TupleLiteral(expr.span, items)


def _builtin(evaluator: Evaluator, expr: ast.Call) -> Value:
    name, function = expr.func.id, BUILTINS[expr.func.id]
    if len(expr.args) == 1 and isinstance(expr.args[0], ast.Generator):
        return reduced(evaluator, expr, expr.args[0])
    operands = _operands(evaluator, _sequences(expr))
    if not _known_keywords(evaluator, expr, function.names, function.usage) or operands is None:
        return POISON
    args, keywords = operands
    if name in EXTREMES and len(args) == 2 and not keywords and all(isinstance(a, Static) for a in args):
        return Static(EXTREMES[name](*(a.dim for a in args if isinstance(a, Static))))
    try:
        if name in ("max", "min") and any(isinstance(a, Node) for a in args[1:2]):
            raise TypeProblem("E0205", f"{name} reduces one array; {name}imum(a, b) compares two")
        value = fit(function, args, keywords)
    except ArgumentProblem as problem:
        span = _argument_span(expr, problem.argument)
        label = f"{problem.argument}: {problem}" if problem.code == "E0204" else str(problem)
        shown = evaluator.declared(*expr.args) if problem.code == "E0203" else ()
        return evaluator.context.problem(problem.code, label, span, f"`{name}`", shown)
    except TypeProblem as problem:
        shown = evaluator.declared(*expr.args) if problem.code != "E0205" else ()
        return evaluator.context.problem(problem.code, str(problem), expr.span, f"`{name}`", shown)
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, Node):
            evaluator.context.made(part, expr.span)
    return value


def _known_keywords(
    evaluator: Evaluator, expr: ast.Call, names: Sequence[str], usage: str, notes: tuple[Note, ...] = ()
) -> bool:
    """Report each keyword that the function does not take."""
    unknown = [k for k in expr.keywords if k.name.id not in names]
    for keyword in unknown:
        message = f"`{expr.func.id}` has no argument `{keyword.name.id}`"
        help_text = argument_help(keyword.name.id, names)
        evaluator.context.report("E0205", message, keyword.name.span, f"it is {usage}", notes, help_text)
    return not unknown


def _argument_span(expr: ast.Call, name: str) -> Span:
    """Where an argument stands in the call."""
    for keyword in expr.keywords:
        if keyword.name.id == name:
            return keyword.value.span
    places = BUILTINS[expr.func.id].positions(len(expr.args))
    given = [arg.span for arg, parameter in zip(expr.args, places) if parameter.name == name]
    return given[0].to(given[-1]) if given else expr.span


# --- functions of the model ----------------------------------------------------------------------------


def _expand(evaluator: Evaluator, expr: ast.Call, function: Function) -> Value:
    context = evaluator.context
    name = expr.func.id
    operands = _operands(evaluator, expr)
    if any(span is function.definition.span for span in context.expanding):
        notes = (Note(function.definition.name.span, f"`{name}` is defined"),)
        return context.report("E0211", f"`{name}` calls itself", expr.span, "", notes, RECURSION_HELP)
    if operands is None:
        return POISON
    context.call_count += 1
    if len(context.calls) >= CALL_DEPTH_LIMIT:
        return context.report("E0212", "calls within calls too deep", expr.span)
    if context.call_count > CALL_LIMIT:
        return context.stop(expr.span)
    inner = evaluator.inside(Scope(parent=function.scope, horizon=function.horizon))
    bound = _bind(evaluator, expr, function, *operands, inner)
    if bound is None:
        return POISON
    context.expanded.add(function.definition.span)
    value = _run(inner, expr, function.definition, bound)
    own = function.adjoint
    if own is None or own.definition.span in context.expanding or isinstance(value, Poison):
        return value
    results = value if isinstance(value, tuple) else (value,)

    def adjoint(values: Bound) -> Value:
        scope = Scope(parent=function.scope, horizon=own.horizon)
        below = evaluator.inside(scope)
        for dim, size in {**own_dims(inner, bound), **own_dims(below, values)}.items():
            scope.define(dim, Static(size), own.definition.span)
        return _run(below, expr, own.definition, values)

    return governed_call(evaluator, Call(function, own, expr.span, bound, results), adjoint)


def _run(inner: Evaluator, expr: ast.Call, definition: ast.FuncDef | ast.AdjointDef, bound: Bound) -> Value:
    """What a body returns, with the parameters in its scope."""
    context = inner.context
    context.calls.append((expr.func.id, expr.span))
    context.expanding.append(definition.span)
    try:
        for parameter, value in bound:
            inner.scope.define(
                parameter.name.id, own_value(inner, parameter.name, value), parameter.name.span
            )
        return run(inner, definition)
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
) -> Bound | None:
    """Each parameter with its value, typed by its annotation; None, and a report, where it does not fit."""
    parameters = function.definition.params
    names = [p.name.id for p in parameters]
    shown = ", ".join(n if p.default is None else f"{n}=…" for n, p in zip(names, parameters))
    usage = f"{expr.func.id}({shown})"
    notes = (Note(function.definition.name.span, f"`{expr.func.id}` is defined"),)
    if not _known_keywords(evaluator, expr, names, usage, notes):
        return None
    problem = _misfit(names, parameters, args, keywords)
    if problem is not None:
        message = f"arguments that do not fit `{expr.func.id}`"
        evaluator.context.report("E0205", message, expr.span, f"{problem}; it is {usage}", notes)
        return None
    given = dict(zip(names, args)) | keywords
    spans = dict(zip(names, (a.span for a in expr.args))) | {k.name.id: k.value.span for k in expr.keywords}
    values = [
        given[p.name.id] if p.name.id in given or p.default is None else inner.value(p.default)
        for p in parameters
    ]
    sizes = own_dims(inner, list(zip(parameters, values)))
    bound: Bound = []
    for parameter, value in zip(parameters, values):
        if parameter.type is not None and not isinstance(value, Poison):
            value = _annotated(inner, parameter, value, sizes, spans.get(parameter.name.id, expr.span))
        if isinstance(value, Poison):
            return None
        bound.append((parameter, value))
    for dim, size in sizes.items():
        inner.scope.define(dim, Static(size), function.definition.span)
    return bound


def _misfit(
    names: list[str], parameters: tuple[ast.FuncParam, ...], args: list[Value], keywords: dict[str, Value]
) -> str | None:
    if len(args) > len(names):
        return "too many arguments"
    for name in keywords:
        if name in names[: len(args)]:
            return f"`{name}` is given twice"
    for name, parameter in list(zip(names, parameters))[len(args) :]:
        if name not in keywords and parameter.default is None:
            return f"the argument `{name}` is missing"
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
    typed = inner.inside(Scope(parent=inner.scope))
    for dim, size in sizes.items():
        typed.scope.define(dim, Static(size), span)
    return check_type(typed, parameter.type, node, span, parameter.name.id)
