"""Expressions of a model, evaluated to nodes of the graph.

Every error becomes a diagnostic at the expression's own span and the value POISON, so that the rest of
the file is still checked and what only follows from an error stays silent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note
from autodiffc.grammar.source import Span

from .. import ir, ops
from ..ir import OPS, Node
from ..types import BOOL, Dim, Kind, TypeProblem, promote, shape_text, size_of
from .context import Context
from .habits import attribute_help, name_help
from .scope import Binding, Scope
from .signature import BUILTINS
from .values import (
    POISON,
    Elsewhere,
    Poison,
    Static,
    Text,
    Value,
    as_kind,
    as_value_node,
    describe,
    evaluate_constant,
)

ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floordiv", "%": "mod", "**": "power"}
COMPARISONS = {
    "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal", "!=": "not_equal",
}  # fmt: skip
LARGEST_LIST = 1_000_000  # elements of a list of constants; a larger one is put together at run time
DEPTH_LIMIT = 150


class Evaluator:
    """Evaluates expressions in a scope. `call` is what expands a call (see calls.py)."""

    def __init__(self, context: Context, scope: Scope, call: Callable[[Evaluator, ast.Call], Value]):
        self.context = context
        self.scope = scope
        self._call = call

    def inside(self, scope: Scope) -> Evaluator:
        """An evaluator for another scope, with the same findings."""
        return self.apart(self.context, scope)

    def apart(self, context: Context, scope: Scope) -> Evaluator:
        """An evaluator for another file."""
        return Evaluator(context, scope, self._call)

    # --- entry points ----------------------------------------------------------------------------

    def value(self, expr: ast.Expr) -> Value:
        """Any value: a node, a static int, a tuple, a string, None."""
        if self.context.depth >= DEPTH_LIMIT:
            return self._too_deep(expr)
        if self.context.is_endless:
            return POISON
        self.context.depth += 1
        try:
            value = self._HANDLERS[type(expr)](self, expr)
        except TypeProblem as problem:
            return self.context.problem(problem.code, str(problem), expr.span)
        else:
            if self.context.seen is not None:
                self.context.see(expr.span, value)
            return value
        finally:
            self.context.depth -= 1

    def _too_deep(self, expr: ast.Expr) -> Poison:
        told = self.context.diagnostics
        if not any(d.code == "E0106" and d.span.line == expr.span.line for d in told):
            self.context.report("E0106", "nested too deeply", expr.span, help="name a part of it")
        return POISON

    def node(self, expr: ast.Expr) -> Node | Poison:
        """A number or an array."""
        value = self.value(expr)
        if isinstance(value, Poison):
            return value
        try:
            return self.context.made(as_value_node(value), expr.span)
        except TypeProblem as problem:
            return self.context.problem(problem.code, str(problem), expr.span)

    def dim(self, expr: ast.Expr, what: str = "a dim") -> Dim | Poison:
        """An int that is known as an expression of the dims."""
        if isinstance(expr, ast.Name) and not self.means_something(expr.id):
            return self.undefined(expr, as_dim=True)
        value = self.value(expr)
        if isinstance(value, Poison):
            return value
        if isinstance(value, Static):
            return value.dim
        message = f"{what} is an int made of dims and numbers"
        divided = isinstance(expr, ast.Binary) and expr.op == "/"
        help_text = "`//` divides ints" if divided else ""
        return self.context.report("E0204", message, expr.span, f"{describe(value)}", help=help_text)

    # --- leaves ----------------------------------------------------------------------------------

    def _number(self, expr: ast.Number) -> Value:
        if isinstance(expr.value, int):
            if not -(2**63) <= expr.value < 2**63:
                return self.context.report(
                    "E0105", "an int beyond 64 bits", expr.span, help="write it as a real: add `.0`"
                )
            return Static(Dim.of(expr.value))
        return ir.const(expr.value)

    def _name(self, expr: ast.Name) -> Value:
        binding = self.scope.find(expr.id)
        if binding is not None:
            value = binding.value
            variable = self.scope.find_variable(expr.id)
            if variable is not None:
                whole = (None,) * variable.type.rank
                self.context.accesses.append(self.context.access(variable, "", whole, expr.span))
            return self._elsewhere(expr, binding) if isinstance(value, Elsewhere) else value
        is_constant, value = self.scope.constant(expr.id)
        if is_constant:
            return value
        return self.undefined(expr)

    def _elsewhere(self, expr: ast.Name, binding: Binding) -> Poison:
        notes = (Note(binding.span, "it is declared"),)
        message = f"`{expr.id}` belongs to the model of `{binding.span.source.file}`"
        help_text = "an imported function sees the functions and consts of its file: make it a parameter"
        return self.context.report("E0308", message, expr.span, "", notes, help_text)

    def means_something(self, name: str) -> bool:
        """Whether the name is that of a value."""
        return self.scope.find(name) is not None or self.scope.constant(name)[0]

    def undefined(self, name: ast.Name, as_dim: bool = False) -> Poison:
        """Report a name that means nothing here, with the likeliest reason; one that is missing, once."""
        context = self.context
        if name.id in context.assumed_known:
            return POISON
        place = context.defined.get(name.id)
        notes = () if place is None else (Note(place, f"{name.id} is defined"),)
        gone = self.scope.gone.get(name.id)
        if gone is not None:
            notes, help_text = (Note(gone.span, gone.why),), gone.help
            context.assumed_known |= {name.id}
        elif place is not None:
            inside = self.scope.parent is not None
            help_text = f"{'a function sees' if inside else 'an expression uses'} what is defined above it"
            context.assumed_known |= {name.id}
        elif self.scope.find_function(name.id) is not None or name.id in BUILTINS:
            help_text = f"`{name.id}` is a function: call it"
        else:
            meant = name_help(name.id, self.means_something)
            help_text = meant or context.suggestion(name.id, self.scope.visible_names())
            if not help_text:
                context.assumed_known |= {name.id}
                help_text = f"declare it: `dim {name.id}`" if as_dim else ""
        return context.report("E0201", f"`{name.id}` is not defined", name.span, "", notes, help_text)

    # --- operators -------------------------------------------------------------------------------

    def _unary(self, expr: ast.Unary) -> Value:
        value = self.value(expr.operand)
        if isinstance(value, Poison):
            return value
        if isinstance(value, Static) and expr.op != "not":
            return Static(-value.dim) if expr.op == "-" else value
        node = as_value_node(value)
        if expr.op == "not":
            self._condition(node, expr.operand.span)
            fits = node.type.kind == "bool"
            return self.context.made(OPS["logical_not"](node), expr.span) if fits else POISON
        if node.type.kind == "bool":
            node = as_kind(node, "int")
        if expr.op == "+":
            return node
        if node.op.name == "const" and node.type.kind == "real" and node.rank == 0:
            return ir.const(-node["value"])
        return self.context.made(OPS["neg"](node), expr.span)

    def _binary(self, expr: ast.Binary) -> Value:
        # A long sum is a deep left spine: walk it with a loop.
        spine = [expr]
        while isinstance(spine[-1].left, ast.Binary):
            spine.append(spine[-1].left)
        value = self.value(spine[-1].left)
        for link in reversed(spine):
            value = self._apply(link, value, self.value(link.right))
        return value

    def _apply(self, expr: ast.Binary, left: Value, right: Value) -> Value:
        if isinstance(left, Poison) or isinstance(right, Poison):
            return POISON
        try:
            if expr.op in ("and", "or"):
                return self._logical(expr, as_value_node(left), as_value_node(right))
            if isinstance(left, Static) and isinstance(right, Static):
                static = static_arithmetic(expr.op, left.dim, right.dim)
                if static is not None:
                    return Static(static)
            return self._arithmetic(expr, as_value_node(left), as_value_node(right))
        except TypeProblem as problem:
            notes = self.declared(expr.left, expr.right)
            return self.context.problem(problem.code, str(problem), expr.span, f"'{expr.op}'", notes)

    def _arithmetic(self, expr: ast.Binary, left: Node, right: Node) -> Node:
        if expr.op == "@":
            kind: Kind = promote("int", left.type.kind, right.type.kind)
            return self.context.made(ops.matmul(as_kind(left, kind), as_kind(right, kind)), expr.span)
        left, right = same_kind(left, right, real=expr.op == "/")
        return self.context.made(OPS[ARITHMETIC[expr.op]](left, right), expr.span)

    def _logical(self, expr: ast.Binary, left: Node, right: Node) -> Value:
        for node, operand in ((left, expr.left), (right, expr.right)):
            self._condition(node, operand.span)
        if left.type.kind != "bool" or right.type.kind != "bool":
            return POISON
        return self.context.made(OPS[f"logical_{expr.op}"](left, right), expr.span)

    def _condition(self, node: Node, span: Span) -> None:
        if node.type.kind != "bool":
            self.context.report(
                "E0204",
                "a condition is a bool, not a number",
                span,
                str(node.type),
                help="compare it, as in `x != 0`",
            )

    def _compare(self, expr: ast.Compare) -> Value:
        values = [self.value(operand) for operand in expr.operands]
        if any(isinstance(v, Poison) for v in values):
            return POISON
        try:
            nodes = [as_value_node(v) for v in values]
            parts = [
                OPS[COMPARISONS[op]](*same_kind(a, b, lowest="bool"))
                for op, a, b in zip(expr.ops, nodes, nodes[1:])
            ]
            result = parts[0]
            for part in parts[1:]:
                result = OPS["logical_and"](result, part)
        except TypeProblem as problem:
            return self.context.problem(
                problem.code, str(problem), expr.span, f"'{expr.ops[0]}'", self.declared(*expr.operands)
            )
        return self.context.made(result, expr.span)

    def _conditional(self, expr: ast.Conditional) -> Value:
        condition = self.node(expr.condition)
        if isinstance(condition, Node):
            self._condition(condition, expr.condition.span)
            if condition.type == BOOL and evaluate_constant(condition) is None:
                from .branches import conditional

                return conditional(self, expr, condition)
        then, orelse = self.value(expr.then), self.value(expr.orelse)
        if isinstance(condition, Poison) or isinstance(then, Poison) or isinstance(orelse, Poison):
            return POISON
        if condition.type.kind != "bool":
            return POISON
        try:
            branches = same_kind(as_value_node(then), as_value_node(orelse), lowest="bool")
            return self.context.made(OPS["where"](condition, *branches), expr.span)
        except TypeProblem as problem:
            notes = self.declared(expr.then, expr.condition, expr.orelse)
            return self.context.problem(problem.code, str(problem), expr.span, "`if`", notes)

    def declared(self, *operands: ast.Expr) -> tuple[Note, ...]:
        """Where the named operands of a failing operation come from."""
        found: dict[str, Span] = {}
        waiting = list(reversed(operands))
        while waiting:
            operand = waiting.pop()
            if isinstance(operand, (ast.TupleLiteral, ast.ListLiteral)):
                waiting.extend(reversed(operand.items))
            if isinstance(operand, ast.Attribute):
                operand = operand.value
            if isinstance(operand, ast.Name):
                binding = self.scope.find(operand.id)
                if binding is not None:
                    found.setdefault(operand.id, binding.span)
        verb = " is declared"
        notes = []
        for name, span in found.items():
            notes.append(Note(span, f"{name}{verb}"))
            verb = ""
        return tuple(notes)

    # --- the rest --------------------------------------------------------------------------------

    def _attribute(self, expr: ast.Attribute) -> Value:
        base = " ".join(expr.value.span.text.split())
        help_text = attribute_help(base, expr.name.id, BUILTINS)
        if isinstance(expr.value, ast.Name) and expr.name.id != "T" and not self.means_something(base):
            return self.context.report("E0201", f"`{base}` is not defined", expr.value.span, help=help_text)
        node = self.node(expr.value)
        if isinstance(node, Poison):
            return node
        if expr.name.id != "T":
            return self.context.report(
                "E0201", f"no attribute `{expr.name.id}`", expr.name.span, help=help_text
            )
        if node.rank < 2:
            return node
        return self.context.made(ops.transpose(node, axes=tuple(reversed(range(node.rank)))), expr.span)

    def _list(self, expr: ast.ListLiteral) -> Value:
        values = [self.value(item) for item in expr.items]
        if any(isinstance(v, Poison) for v in values):
            return POISON
        if not values:
            raise TypeProblem("E0204", "an array has at least one element")
        nodes = [as_value_node(v) for v in values]
        for node, item in zip(nodes, expr.items):
            if node.shape != nodes[0].shape:
                label = f"{shape_text(node.shape)} beside {shape_text(nodes[0].shape)}"
                return self.context.report("E0203", "the rows of an array differ in shape", item.span, label)
        kind = promote(*(n.type.kind for n in nodes))
        constants = [n["value"] if n.op.name == "const" else None for n in nodes]
        size = size_of(nodes[0].shape).known
        if all(c is not None for c in constants) and size is not None and size * len(nodes) <= LARGEST_LIST:
            arrays = [c.array if isinstance(c, ir.Literal) else np.asarray(c) for c in constants]
            dtype = {"real": np.float64, "int": np.int64, "bool": np.bool_}[kind]
            return ir.const(np.stack([a.astype(dtype) for a in arrays]))
        return self.context.made(ops.stack(*(as_kind(n, kind) for n in nodes), axis=0), expr.span)

    def _tuple(self, expr: ast.TupleLiteral) -> Value:
        values = tuple(self.value(item) for item in expr.items)
        return POISON if any(isinstance(v, Poison) for v in values) else values

    def _generator(self, expr: ast.Generator) -> Value:
        message, help_text = "a generator outside of a reduction", "write sum(… for i in range(N))"
        return self.context.report("E0205", message, expr.span, help=help_text)

    def _index(self, expr: ast.Index) -> Value:
        from .indexing import index

        return index(self, expr)

    def _text(self, expr: ast.String) -> Value:
        return Text(expr.value)

    def _called(self, expr: ast.Call) -> Value:
        return self._call(self, expr)

    _HANDLERS: ClassVar[dict[type, Callable[..., Value]]] = {
        ast.Number: _number,
        ast.Name: _name,
        ast.String: _text,
        ast.Unary: _unary,
        ast.Binary: _binary,
        ast.Compare: _compare,
        ast.Conditional: _conditional,
        ast.Attribute: _attribute,
        ast.ListLiteral: _list,
        ast.TupleLiteral: _tuple,
        ast.Generator: _generator,
        ast.Index: _index,
        ast.Call: _called,
    }


def same_kind(left: Node, right: Node, real: bool = False, lowest: Kind = "int") -> tuple[Node, Node]:
    """Both operands promoted to their common kind."""
    kind: Kind = "real" if real else promote(lowest, left.type.kind, right.type.kind)
    return as_kind(left, kind), as_kind(right, kind)


def static_arithmetic(op: str, left: Dim, right: Dim) -> Dim | None:
    """Integer arithmetic on dims; None where the result is no int of the dims (`/`, `2**-1`)."""
    if op in ("//", "%") and right.known == 0:
        raise TypeProblem("E0204", "a division by 0")
    if op == "**":
        return _static_power(left, right)
    results: dict[str, Callable[[], Dim]] = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "//": lambda: left // right,
        "%": lambda: left % right,
    }
    return _bounded(results[op]()) if op in results else None


def _static_power(base: Dim, exponent: Dim) -> Dim | None:
    power = exponent.known
    if power is None or power < 0:
        return None
    if base.known is not None:
        if abs(base.known) > 1 and power > 63:
            raise TypeProblem("E0105", "a real holds it: write `2.0**70`, not `2**70`")
        return _bounded(Dim.of(base.known**power))
    if power > 8:
        raise TypeProblem("E0212", "a dim to so high a power")
    result = Dim.of(1)
    for _ in range(power):
        result = _bounded(result * base)
    return result


def _bounded(dim: Dim) -> Dim:
    if any(not -(2**63) <= c < 2**63 for _, c in dim.terms):
        raise TypeProblem("E0105", "a real holds it: write `2.0**70`, not `2**70`")
    return dim
