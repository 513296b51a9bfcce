"""Statements that write elements: `hs[t] = h`, `total[i] += e`; and `var`, which declares what loops fill.

var hs: real[T, H]          zeros(T, H), carried by the loops that write it
hs[t] = h                   set_at(hs, h, t), each element once
counts[k[i]] += 1.0         add_at(counts, 1.0, k[i]), as often as you like
"""

from __future__ import annotations

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note
from autodiffc.grammar.source import Span

from .. import ir, ops
from ..ir import Node
from ..ops.updates import elements
from ..types import KIND_ORDER, TypeProblem, broadcast
from .derivatives import own_value
from .expressions import ARITHMETIC, Evaluator, same_kind
from .indexing import Place, place_of
from .scope import Binding
from .statements import declared_type, define
from .values import POISON, Poison, Value, as_kind, as_value_node
from .variables import Variable, problem_of_write

_ZERO = {"real": 0.0, "int": 0, "bool": False}


def declare_variable(evaluator: Evaluator, statement: ast.VarDecl) -> None:
    """`var hs: real[T, H]`: an array of zeros, to be filled."""
    context, scope, name = evaluator.context, evaluator.scope, statement.name
    type_ = declared_type(evaluator, statement.type)
    if type_ is not None and not type_.rank:
        help_text = f"give the number its first value: `{name.id} = 0.0`"
        context.report("E0315", "a `var` is an array", statement.span, str(type_), help=help_text)
        type_ = None
    if type_ is None or name.id in scope.values:
        define(evaluator, name, POISON)
        return
    zero = ir.const(_ZERO[type_.kind])
    define(evaluator, name, context.made(ops.broadcast_to(zero, shape=type_.shape), statement.span))
    scope.fixed[name.id] = "a `var`"
    variable = Variable(name.id, type_, name.span, len(context.counting.loops))
    scope.variables[name.id] = variable
    context.variables.append(variable)


def write(evaluator: Evaluator, target: ast.Index, value: Value, span: Span) -> None:
    """`a[i] = value`."""
    found = _array(evaluator, target)
    if found is None:
        return
    name, binding, array = found
    place = place_of(evaluator, target, array)
    if place is None or isinstance(value, Poison):
        return
    variable = evaluator.scope.variables.get(name.id)
    fitted = _fitted(evaluator, place, array, as_value_node(value), span, binding)
    if fitted is not None and _note(evaluator, variable, "=", place, target):
        once = variable is not None
        changed = ops.set_at(array, fitted, *place.arrays, index=place.index, once=once)
        _change(evaluator, name, changed, target.span)


def add(evaluator: Evaluator, statement: ast.AugAssign, target: ast.Index) -> None:
    """`a[i] += value` and its kin."""
    found = _array(evaluator, target)
    value = evaluator.node(statement.value)
    if found is None or isinstance(value, Poison):
        return
    name, binding, array = found
    place = place_of(evaluator, target, array)
    if place is None:
        return
    variable = evaluator.scope.variables.get(name.id)
    additive = statement.op in ("+", "-")
    if variable is not None and not additive:
        message = f"`{statement.op}=` on elements of a `var`"
        evaluator.context.report("E0315", message, statement.span, "they are written once, or added to")
        return
    if not additive:
        old = elements(array, *place.arrays, index=place.index)
        value = ir.OPS[ARITHMETIC[statement.op]](*same_kind(old, value, real=statement.op == "/"))
    fitted = _fitted(evaluator, place, array, value, statement.value.span, binding)
    if fitted is None or not _note(evaluator, variable, "+=", place, target):
        return
    if additive:
        change = -fitted if statement.op == "-" else fitted
        changed = ops.add_at(array, change, *place.arrays, index=place.index)
    else:
        changed = ops.set_at(array, fitted, *place.arrays, index=place.index, once=False)
    _change(evaluator, name, changed, target.span)


def _array(evaluator: Evaluator, target: ast.Index) -> tuple[ast.Name, Binding, Node] | None:
    """The array whose elements a statement writes; a report where there is none that it may write."""
    context, scope, name = evaluator.context, evaluator.scope, target.value
    if not isinstance(name, ast.Name):
        help_text = "write all positions in one pair of brackets: `a[i, j] = …`"
        context.report("E0315", "elements of what has no name", target.span, help=help_text)
        return None
    binding = scope.values.get(name.id)
    if binding is None:
        if scope.find(name.id) is None:
            evaluator.undefined(name)
        else:
            _refuse(evaluator, name, scope.find(name.id), "a value of the model")
        return None
    if name.id in scope.variables:
        context.touched.add(scope.variables[name.id])
    if isinstance(binding.value, Poison):
        return None
    if name.id not in scope.variables and (name.id in scope.fixed or not scope.depth):
        _refuse(evaluator, name, binding, scope.fixed.get(name.id, "outside of loops, what is assigned"))
        return None
    try:
        return name, binding, as_value_node(binding.value)
    except TypeProblem as problem:
        context.problem(problem.code, str(problem), name.span)
        return None


def _refuse(evaluator: Evaluator, name: ast.Name, binding: Binding | None, what: str) -> None:
    notes = () if binding is None else (Note(binding.span, f"{name.id} is declared"),)
    message = f"the elements of `{name.id}` cannot be written"
    help_text = f"declare an array to be written: `var {name.id}2: real[…]`"
    evaluator.context.report("E0315", message, name.span, f"{what} keeps its value", notes, help_text)


def _fitted(
    evaluator: Evaluator, place: Place, array: Node, value: Node, span: Span, binding: Binding
) -> Node | None:
    """The value in the array's kind and in the shape of the place."""
    notes = (Note(binding.span, "the array is declared"),)
    if KIND_ORDER[value.type.kind] > KIND_ORDER[array.type.kind]:
        label = f"{value.type} into elements of {array.type}"
        evaluator.context.report("E0209", "a value that is not of the array's kind", span, label, notes)
        return None
    try:
        fits = broadcast(value.shape, place.shape) == place.shape
    except TypeProblem:
        fits = False
    if not fits:
        there = array.type.with_shape(place.shape)
        label = f"{value.type} in the place of {there}"
        evaluator.context.report("E0203", "shapes do not agree in an assignment", span, label, notes)
        return None
    value = as_kind(value, array.type.kind)
    return value if value.shape == place.shape else ops.broadcast_to(value, shape=place.shape)


def _note(
    evaluator: Evaluator, variable: Variable | None, kind: str, place: Place, target: ast.Index
) -> bool:
    """Keep in mind what a statement writes of a `var`."""
    if variable is None:
        if kind == "=" and any(a.rank for a in place.arrays):
            evaluator.context.report("E0315", "elements are written one place at a time", target.span)
            return False
        return True
    noted = evaluator.context.access(variable, kind, place.forms, target.span)
    problem = problem_of_write(noted) if kind == "=" else None
    if problem is not None:
        message = f"it cannot be seen that no element of `{variable.name}` is written twice"
        notes = (Note(variable.span, "it is declared"),)
        evaluator.context.report("E0315", message, target.span, problem, notes)
        return False
    evaluator.context.accesses.append(noted)
    return True


def _change(evaluator: Evaluator, name: ast.Name, changed: Node, span: Span) -> None:
    evaluator.context.made(changed, span)
    value = own_value(evaluator, name, changed)
    evaluator.scope.rebind(name.id, value, evaluator.scope.values[name.id].span)
    evaluator.context.name(changed, name.id)
