"""The declarations of a model: dims, inputs, params, constants, outputs, the loss, what is differentiated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note, suggestion
from autodiffc.grammar.source import Span

from .. import ir
from ..ir import Node, NonDiff
from ..model import Argument, Bound
from ..ops.base import argument
from ..types import Dim, Type, TypeProblem
from .derivatives import own_value
from .expressions import Evaluator
from .initialisers import default_initialiser, initialiser, satisfied
from .statements import check_type, declared_type, define
from .values import (
    POISON,
    Poison,
    Static,
    Value,
    as_real,
    as_value_node,
    describe,
    evaluate_constant,
    number_of,
    sources_of,
)


@dataclass(eq=False)
class Declarations:
    """What the declarations of a file have said so far."""

    overrides: Mapping[str, int]
    model: ast.ModelDecl | None = None
    dims: dict[str, Span] = field(default_factory=dict)  # those bound at run time
    constants: dict[str, int] = field(default_factory=dict)
    known_dims: set[str] = field(default_factory=set)
    arguments: list[Argument] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    outputs: dict[str, Node | Poison] = field(default_factory=dict)
    output_spans: dict[str, Span] = field(default_factory=dict)
    failed_argument: bool = False  # its type is unknown, and so is what it would bind
    loss: ast.LossDecl | None = None
    loss_name: str | None = None
    grad: ast.GradDecl | None = None


def declare(evaluator: Evaluator, found: Declarations, statement: ast.Statement) -> bool:
    """Take in one declaration; False where the statement is none."""
    handler = _HANDLERS.get(type(statement))
    if handler is None:
        return False
    handler(evaluator, found, statement)
    return True


def _again(evaluator: Evaluator, what: str, first: ast.Syntax, second: ast.Syntax) -> None:
    notes = (Note(first.span, "the first stands"),)
    evaluator.context.report("E0303", f"a second {what}", second.span, "", notes)


def _model(evaluator: Evaluator, found: Declarations, statement: ast.ModelDecl) -> None:
    if found.model is not None:
        _again(evaluator, "`model`", found.model, statement)
    found.model = statement


def _dim(evaluator: Evaluator, found: Declarations, statement: ast.DimDecl) -> None:
    for item in statement.items:
        name = item.name.id
        if name.startswith("_"):
            _underscore(evaluator, item.name)
        value: Value = Static(Dim.symbol(name))
        found.known_dims.add(name)
        if item.value is not None:
            dim = evaluator.dim(item.value)
            value = dim if isinstance(dim, Poison) else Static(dim)
        if name in found.overrides:
            value = Static(Dim.of(found.overrides[name]))
        known = value.dim.known if isinstance(value, Static) else None
        if known is not None and known < 0:
            value = evaluator.context.report("E0204", "a dim is not negative", item.name.span, str(known))
        elif known is not None and known >= 2**63:
            value = evaluator.context.report("E0105", "an int beyond 64 bits", item.name.span, str(known))
        elif known is not None:
            found.constants[name] = known
        elif item.value is None and name not in evaluator.scope.values:
            found.dims[name] = item.name.span
        define(evaluator, item.name, value)


def _underscore(evaluator: Evaluator, name: ast.Name) -> None:
    evaluator.context.report(
        "E0310", f"`{name.id}` begins with an underscore", name.span,
        help="such names are the emitted module's own; drop the underscore",
    )  # fmt: skip


# --- arguments -----------------------------------------------------------------------------------


def _input(evaluator: Evaluator, found: Declarations, statement: ast.InputDecl) -> None:
    stated = declared_type(evaluator, statement.type)
    bounds, limits = _constraints(evaluator, statement.constraints, stated)
    for name in statement.names:
        _argument(evaluator, found, name, statement.type, stated, bounds, limits)


def _param(evaluator: Evaluator, found: Declarations, statement: ast.ParamDecl) -> None:
    stated = declared_type(evaluator, statement.type)
    if stated is not None and stated.kind != "real":
        evaluator.context.report(
            "E0204", "a param is real", statement.type.span, str(stated), help="declare it as an `input`"
        )
        stated = None
    bounds, limits = _constraints(evaluator, statement.constraints, stated)
    start = None
    if stated is not None:
        start = default_initialiser(stated, bounds)
        if statement.init is not None:
            start = initialiser(evaluator, statement.init, stated, bounds) or start
    for name in statement.names:
        _argument(evaluator, found, name, statement.type, stated, bounds, limits)
        if stated is not None and found.arguments and found.arguments[-1].name == name.id:
            made = found.arguments.pop()
            found.arguments.append(
                Argument(made.name, "param", made.type, made.span, bounds, None, start, made.declared)
            )


def _argument(
    evaluator: Evaluator,
    found: Declarations,
    name: ast.Name,
    written: ast.TypeExpr,
    stated: Type | None,
    bounds: tuple[Bound, ...],
    limits: tuple[Dim, Dim] | None,
) -> None:
    if name.id.startswith("_"):
        _underscore(evaluator, name)
    fresh = name.id not in evaluator.scope.values
    found.failed_argument = found.failed_argument or stated is None or not fresh
    if stated is None:
        define(evaluator, name, POISON)
        return
    node = argument(name.id, stated)
    define(evaluator, name, node)
    if fresh:
        declared = tuple(" ".join(d.span.text.split()) for d in written.dims)
        found.nodes[name.id] = node
        found.arguments.append(Argument(name.id, "input", stated, name.span, bounds, limits, None, declared))


def _constraints(
    evaluator: Evaluator, constraints: tuple[ast.Constraint, ...], stated: Type | None
) -> tuple[tuple[Bound, ...], tuple[Dim, Dim] | None]:
    bounds: list[Bound] = []
    limits = None
    for constraint in constraints:
        if stated is not None and stated.kind == "bool":
            evaluator.context.report("E0307", "a bool has no range", constraint.span)
        elif constraint.op == "in":
            limits = _range(evaluator, constraint, stated) or limits
        else:
            bounds.extend(_bound(evaluator, constraint))
    probe = [b.value for b in bounds]
    middle = [(a + b) / 2 for a in probe for b in probe]
    if bounds and not any(
        satisfied(v, tuple(bounds))
        for v in (*probe, *middle, *(p + 1 for p in probe), *(p - 1 for p in probe))
    ):
        evaluator.context.report(
            "E0307", "no number meets these constraints", constraints[0].span.to(constraints[-1].span)
        )
        bounds = []
    return tuple(bounds), limits


def _bound(evaluator: Evaluator, constraint: ast.Constraint) -> list[Bound]:
    if constraint.op not in (">", ">=", "<", "<="):
        evaluator.context.report(
            "E0307", "a constraint is one of > >= < <=, or `in range(…)`", constraint.span
        )
        return []
    value = evaluator.value(constraint.bounds[0])
    if isinstance(value, Poison):
        return []
    number = number_of(value)
    if number is None or isinstance(number, bool) or number != number:
        evaluator.context.report("E0307", "a constraint compares with a constant", constraint.bounds[0].span)
        return []
    return [Bound(constraint.op, float(number))]


def _range(evaluator: Evaluator, constraint: ast.Constraint, stated: Type | None) -> tuple[Dim, Dim] | None:
    if stated is not None and stated.kind != "int":
        help_text = "a real is bounded by `>= 0 < 1`"
        evaluator.context.report("E0307", "a range holds ints", constraint.span, str(stated), help=help_text)
        return None
    dims = [evaluator.dim(b, "the bound of a range") for b in constraint.bounds]
    known = [d for d in dims if isinstance(d, Dim)]
    if len(known) < len(dims):
        return None
    if len(known) > 2:
        evaluator.context.report("E0307", "a range has a start and a stop", constraint.span)
        return None
    low, high = (Dim.of(0), known[0]) if len(known) == 1 else (known[0], known[1])
    width = (high - low).known
    if width is not None and width <= 0:
        evaluator.context.report("E0307", "the range is empty", constraint.span)
    return low, high


# --- constants, outputs, loss, grad ------------------------------------------------------------------


def _const(evaluator: Evaluator, found: Declarations, statement: ast.ConstDecl) -> None:
    value = evaluator.value(statement.value)
    if isinstance(value, Node):
        array = evaluate_constant(value)
        varying = sources_of(value) - {"const"}
        if varying:
            label = f"it depends on {'an argument' if 'argument' in varying else 'a dim'}"
            message = "a const is made of numbers"
            value = evaluator.context.report("E0204", message, statement.value.span, label)
        elif array is not None:
            value = ir.const(array)
    elif not isinstance(value, (Static, Poison)):
        value = evaluator.context.report(
            "E0204", "a const is made of numbers", statement.value.span, describe(value)
        )
    if statement.type is not None and not isinstance(value, Poison):
        value = check_type(
            evaluator, statement.type, as_value_node(value), statement.value.span, statement.name.id
        )
        if isinstance(value, Node) and value.op.name not in ("const", "dim"):
            array = evaluate_constant(value)
            value = value if array is None else ir.const(array)
    define(evaluator, statement.name, own_value(evaluator, statement.name, value))


def _output(evaluator: Evaluator, found: Declarations, statement: ast.OutputDecl) -> None:
    name = statement.name
    if name.id.startswith("_"):
        _underscore(evaluator, name)
    if name.id in found.outputs:
        notes = (Note(found.output_spans[name.id], "it is first an output"),)
        evaluator.context.report("E0206", f"`{name.id}` is an output twice", name.span, "", notes)
        return
    node = _result(evaluator, name, statement.value)
    if statement.type is not None and isinstance(node, Node):
        span = (statement.value or name).span
        checked = check_type(evaluator, statement.type, node, span, name.id)
        node = checked if isinstance(checked, (Node, Poison)) else POISON
    if statement.value is not None:
        define(evaluator, name, own_value(evaluator, name, node), _again_help("output", name))
    found.outputs[name.id] = node
    found.output_spans[name.id] = name.span


def _again_help(word: str, name: ast.Name) -> str:
    return f"`{word} {name.id}` alone takes the value that is there; another value needs another name"


def _result(evaluator: Evaluator, name: ast.Name, value: ast.Expr | None) -> Node | Poison:
    """The value of an output or a loss: its expression, or what bears its name already."""
    if value is not None:
        return evaluator.node(value)
    binding = evaluator.scope.find(name.id)
    if binding is None:
        return evaluator.undefined(name)
    try:
        return binding.value if isinstance(binding.value, Poison) else as_value_node(binding.value)
    except TypeProblem as problem:
        return evaluator.context.problem(problem.code, str(problem), name.span)


def _loss(evaluator: Evaluator, found: Declarations, statement: ast.LossDecl) -> None:
    if found.loss is not None:
        _again(evaluator, "`loss`", found.loss, statement)
        if statement.value is not None:
            evaluator.value(statement.value)
        return
    found.loss = statement
    name = statement.name or ast.Name(statement.span, "loss")
    if name.id.startswith("_"):
        _underscore(evaluator, name)
    node = _result(evaluator, name, statement.value)
    span = (statement.value or name).span
    if isinstance(node, Node) and (node.rank or node.type.kind == "bool"):
        help_text = "reduce it with mean(…) or sum(…)" if node.rank else ""
        node = evaluator.context.report(
            "E0304", "a loss is a real scalar", span, f"found {node.type}", help=help_text
        )
    if isinstance(node, Node) and _reason(node):
        label = f"found {node.type}{_reason(node)}"
        node = evaluator.context.report("E0304", "a loss is a real scalar", span, label)
    if isinstance(node, Node):
        node = evaluator.context.made(as_real(node), span)
    if statement.value is not None:
        define(evaluator, name, own_value(evaluator, name, node), _again_help("loss", name))
    found.loss_name = name.id
    found.outputs[name.id] = node
    found.output_spans[name.id] = name.span


def _grad(evaluator: Evaluator, found: Declarations, statement: ast.GradDecl) -> None:
    if found.grad is not None:
        _again(evaluator, "`grad`", found.grad, statement)
        return
    found.grad = statement


def differentiated(evaluator: Evaluator, found: Declarations) -> tuple[str | None, tuple[str, ...]]:
    """The target and the wrt names: the `grad` statement's, or the loss by every param."""
    params = tuple(a.name for a in found.arguments if a.role == "param")
    if found.grad is None:
        target = found.loss_name if params else None
        return target, params if target else ()
    target = _target(evaluator, found, found.grad.target)
    seen: dict[str, ast.Name] = {}
    for name in found.grad.wrt:
        if name.id in seen:
            evaluator.context.report("E0206", f"`{name.id}` is named twice", name.span)
        elif _wrt_problem(evaluator, found, name):
            continue
        seen[name.id] = name
    return target, tuple(seen)


def _target(evaluator: Evaluator, found: Declarations, name: ast.Name) -> str | None:
    node = found.outputs.get(name.id)
    if node is None:
        binding = evaluator.scope.find(name.id)
        if binding is None:
            evaluator.undefined(name)
        elif not isinstance(binding.value, Poison):
            help_text = f"write `output {name.id}`"
            evaluator.context.report("E0305", f"`{name.id}` is not an output", name.span, help=help_text)
        return None
    if isinstance(node, Node) and node.type.kind != "real":
        label = f"{node.type}{_reason(node)}"
        evaluator.context.report("E0305", f"`{name.id}` is not real", name.span, label)
    return name.id


def _reason(node: Node) -> str:
    """Why an int of reals has no derivative; nothing for other values, and for what loops and fills give."""
    if node.type.kind != "int" or not any(arg.type.kind == "real" for arg in node.args):
        return ""
    return f", by {node.op.name}: {node.op.vjp.reason}" if isinstance(node.op.vjp, NonDiff) else ""


def _wrt_problem(evaluator: Evaluator, found: Declarations, name: ast.Name) -> bool:
    node = found.nodes.get(name.id)
    if node is not None and node.type.kind == "real":
        return False
    if node is not None:
        evaluator.context.report("E0305", f"`{name.id}` is not real", name.span, str(node.type))
        return True
    binding = evaluator.scope.find(name.id)
    if binding is None:
        help_text = suggestion(name.id, found.nodes)
        if name.id not in evaluator.context.assumed_known:
            evaluator.context.report("E0201", f"`{name.id}` is not defined", name.span, help=help_text)
    elif not isinstance(binding.value, Poison):
        known = ", ".join(name for name, node in found.nodes.items() if node.type.kind == "real")
        help_text = f"real inputs and params: {known}" if known else ""
        message = f"`{name.id}` is neither an input nor a param"
        evaluator.context.report("E0305", message, name.span, help=help_text)
    return True


_HANDLERS: dict[type, Callable[[Evaluator, Declarations, Any], None]] = {
    ast.ModelDecl: _model,
    ast.DimDecl: _dim,
    ast.InputDecl: _input,
    ast.ParamDecl: _param,
    ast.ConstDecl: _const,
    ast.OutputDecl: _output,
    ast.LossDecl: _loss,
    ast.GradDecl: _grad,
}
