"""The functions of a file: their definitions, and what is wrong in those that nothing calls."""

from __future__ import annotations

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note
from autodiffc.grammar.source import Span

from .derivatives import USAGE
from .expressions import Evaluator
from .scope import Scope
from .signature import BUILTINS
from .statements import again, defined_names
from .values import POISON
from .walk import walk


def define_function(evaluator: Evaluator, statement: ast.FuncDef) -> None:
    """Make a function of the file known from here on."""
    context, scope = evaluator.context, evaluator.scope
    earlier = scope.functions.get(statement.name.id)
    if earlier is not None:
        again(evaluator, statement.name, earlier)
        return
    seen: dict[str, Span] = {}
    for parameter in statement.params:
        if parameter.name.id in seen:
            notes = (Note(seen[parameter.name.id], "the first stands"),)
            context.report("E0206", f"two parameters `{parameter.name.id}`", parameter.name.span, "", notes)
        seen[parameter.name.id] = parameter.name.span
    scope.define_function(statement)


def names_in_functions(evaluator: Evaluator, model: ast.Model) -> None:
    """The names and statements in functions that nothing calls are checked all the same."""
    for statement in model.statements:
        if not isinstance(statement, (ast.FuncDef, ast.AdjointDef)):
            continue
        if statement.span not in evaluator.context.expanded:
            _names_in_function(evaluator, statement)


def _names_in_function(evaluator: Evaluator, definition: ast.FuncDef | ast.AdjointDef) -> None:
    function = evaluator.scope.functions.get(definition.name.id)
    own = function.adjoint if function is not None else None
    if function is not None and function.definition is definition:
        horizon = function.order
    elif own is not None and own.definition is definition:
        horizon = own.horizon
    else:
        return
    inner = evaluator.inside(Scope(parent=evaluator.scope, horizon=horizon))
    for parameter in definition.params:
        inner.scope.define(parameter.name.id, POISON, parameter.name.span)
        for dim in parameter.type.dims if parameter.type else ():
            for part in walk(dim):
                if isinstance(part, ast.Name):
                    inner.scope.define(part.id, POISON, part.span)
    for name in defined_names(definition.body):
        inner.scope.define(name.id, POISON, name.span)
    _names_in(inner, definition.body)


def names_in_block(evaluator: Evaluator, block: ast.Block) -> None:
    """The names in a block that is not evaluated."""
    with evaluator.scope.block():
        for name in defined_names(block):
            evaluator.scope.define(name.id, POISON, name.span)
        _names_in(evaluator, block)


def _names_in(inner: Evaluator, block: ast.Block) -> None:
    for part in walk(block):
        if isinstance(part, ast.Call) and not _known_function(inner, part.func.id):
            inner.value(part)
    for part in walk(block):
        if isinstance(part, ast.Name) and not inner.means_something(part.id):
            inner.undefined(part)


def _known_function(inner: Evaluator, name: str) -> bool:
    return name in BUILTINS or name in USAGE or inner.scope.find_function(name) is not None
