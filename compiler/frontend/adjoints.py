"""Functions that bring their own adjoint: `adjoint f(x, d_out): …` under `def f(x): …`.

    def ste(x):                    ste(w)  is  governed(round(w), own_adjoint(w), w)
        return round(x)
    adjoint ste(x, d_out):         whose adjoint graph is  (x, d_out) -> d_out
        return d_out

The function is expanded where it is called, as any other; its adjoint is expanded beside it, into a graph
of its own. Both see their arguments, consts and dims, and nothing else of the model: what they used beside
that would get no gradient. Inside an adjoint its own function is an ordinary one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

from ..ir import Graph, Node
from ..ops import argument
from ..ops.own import govern
from ..types import TypeProblem
from .expressions import Evaluator
from .scope import Function, OwnAdjoint
from .values import POISON, Poison, Value, as_real, as_value_node, describe

CODE = "E0312"
Bound = list[tuple[ast.FuncParam, Value]]


# --- the statement -------------------------------------------------------------------------------


def attach(evaluator: Evaluator, statement: ast.AdjointDef) -> None:
    """Give a function of the file its adjoint."""
    context, name = evaluator.context, statement.name
    function = evaluator.scope.functions.get(name.id)
    if function is None or function.scope is not evaluator.scope:
        _without_function(evaluator, name, imported=function is not None)
        return
    notes = (Note(function.definition.name.span, f"`{name.id}` is defined"),)
    if function.adjoint is not None:
        first = (Note(function.adjoint.definition.name.span, "it is first defined"),)
        context.report("E0206", f"the adjoint of `{name.id}` is defined twice", name.span, "", first)
    elif function.definition.span in context.expanded:
        message = f"the adjoint of `{name.id}` comes after a call of it"
        context.report(CODE, message, name.span, "", notes, "write it right under the `def`")
    elif _parameters_fit(evaluator, statement, function, notes):
        own = OwnAdjoint(statement, evaluator.scope.count)
        evaluator.scope.functions[name.id] = replace(function, adjoint=own)


def _without_function(evaluator: Evaluator, name: ast.Name, imported: bool) -> None:
    context = evaluator.context
    if name.id in context.assumed_known:
        return
    later = context.functions.get(name.id)
    notes = () if later is None else (Note(later.name.span, f"`{name.id}` is defined"),)
    help_text = "write the adjoint under its `def`"
    if imported:
        help_text = "an imported function has the adjoint that its own file gives it"
    context.report(CODE, f"no `def {name.id}` above its adjoint", name.span, "", notes, help_text)


def _parameters_fit(
    evaluator: Evaluator, statement: ast.AdjointDef, function: Function, notes: tuple[Note, ...]
) -> bool:
    own = [p.name.id for p in function.definition.params]
    given = [p.name.id for p in statement.params]
    for parameter in statement.params:
        if parameter.default is not None:
            message = "an adjoint has no default values"
            evaluator.context.report(CODE, message, parameter.default.span, help="the `def` has them")
            return False
    if given[: len(own)] == own and len(given) > len(own) and len(set(given)) == len(given):
        return True
    wanted = ", ".join([*own, "d_out"])
    message = f"the parameters of an adjoint of `{function.definition.name.id}`"
    label = "its arguments by name and in order, then a cotangent for each result"
    evaluator.context.report(
        CODE, message, statement.span, label, notes, f"adjoint {statement.name.id}({wanted}):"
    )
    return False


# --- a call --------------------------------------------------------------------------------------


@record(frozen=True, eq=False)
class Call:
    """A call that has been expanded: its arguments, its results."""

    function: Function
    own: OwnAdjoint
    span: Span
    bound: Bound
    results: tuple[Value, ...]

    @property
    def name(self) -> str:
        return self.function.definition.name.id

    @property
    def nodes(self) -> dict[str, Node]:
        """The arguments that may vary."""
        values = {p.name.id: value for p, value in self.bound}
        return {name: v for name, v in values.items() if isinstance(v, Node) and v.op.name != "const"}


def governed_call(evaluator: Evaluator, call: Call, run: Callable[[Bound], Value]) -> Value:
    """The results under the function's own adjoint; `run` gives what the adjoint returns."""
    real = [r for r in call.results if isinstance(r, Node) and r.type.kind == "real"]
    nodes = call.nodes
    known = [v for _, v in call.bound if isinstance(v, Node)]
    if _sees_too_much(evaluator, call, real, known, call.function.definition):
        return POISON
    adjoint = _adjoint(evaluator, call, run)
    if adjoint is None:
        return POISON
    graph, wrt = adjoint
    wrapped = iter(govern(real, list(nodes.values()), graph, wrt, call.name) if nodes else real)
    results = tuple(next(wrapped) if r in real else r for r in call.results)
    for result in results:
        if isinstance(result, Node):
            evaluator.context.made(result, call.span)
    return results[0] if len(results) == 1 else results


def _sees_too_much(
    evaluator: Evaluator,
    call: Call,
    roots: Iterable[Node],
    known: Iterable[Node],
    place: ast.FuncDef | ast.AdjointDef,
) -> bool:
    """Report an argument of the model that a function or its adjoint uses and is not given."""
    stray = _stray(roots, set(known))
    if stray is None:
        return False
    what = "the adjoint of " if isinstance(place, ast.AdjointDef) else ""
    message = f"{what}`{call.name}` uses `{stray}`, which is none of its arguments"
    reason = "a function with an adjoint of its own sees its arguments, consts and dims"
    evaluator.context.report(CODE, message, place.name.span, reason, help=f"make `{stray}` a parameter")
    return True


def _stray(roots: Iterable[Node], known: set[Node]) -> str | None:
    """The name of an argument that the roots depend on, other than through known nodes."""
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in known:
            continue
        known.add(node)
        if node.op.name == "argument":
            return str(node["name"])
        stack.extend(node.args)
    return None


def _adjoint(
    evaluator: Evaluator, call: Call, run: Callable[[Bound], Value]
) -> tuple[Graph, tuple[int, ...]] | None:
    """The adjoint of a call as a graph, and whose cotangents it gives; None where it is in error."""
    definition = call.own.definition
    own, cotangents = definition.params[: len(call.bound)], definition.params[len(call.bound) :]
    if len(cotangents) != len(call.results):
        message = f"`{call.name}` gives {len(call.results)} results, its adjoint takes {len(cotangents)}"
        evaluator.context.report(CODE, message, definition.span, "after the arguments, one for each result")
        return None
    inputs = {name: argument(name, node.type) for name, node in call.nodes.items()}
    seeds = [_seed(p, r) for p, r in zip(cotangents, call.results)]
    bound: Bound = [(p, inputs.get(p.name.id, value)) for p, (_, value) in zip(own, call.bound)]
    value = run(bound + list(zip(cotangents, seeds)))
    if isinstance(value, Poison):
        return None
    found = _cotangents(evaluator, call, value if isinstance(value, tuple) else (value,))
    known = [v for _, v in bound if isinstance(v, Node)] + [s for s in seeds if s is not None]
    if found is None or _sees_too_much(evaluator, call, found.values(), known, definition):
        return None
    names = list(inputs)
    graph = Graph(
        (*inputs.values(), *(s for s in seeds if s is not None)),
        tuple((f"d_{name}", node) for name, node in found.items()),
    )
    return graph, tuple(names.index(name) for name in found)


def _seed(parameter: ast.FuncParam, result: Value) -> Node | None:
    """What stands for the cotangent of a result; None for a result that has none."""
    if isinstance(result, Node) and result.type.kind == "real":
        return argument(parameter.name.id, result.type)
    return None


def _cotangents(evaluator: Evaluator, call: Call, values: tuple[Value, ...]) -> dict[str, Node] | None:
    """The cotangents of the arguments that have one, by their names; None, and a report, for a misfit."""
    definition = call.own.definition
    if len(values) != len(call.bound):
        message = f"`{call.name}` takes {len(call.bound)} arguments, its adjoint returns {len(values)}"
        label = "one cotangent for each argument; None for what has none"
        evaluator.context.report(CODE, message, definition.body[-1].span, label)
        return None
    found: dict[str, Node] = {}
    for (parameter, argument_), value in zip(call.bound, values):
        problem = _misfit(parameter, argument_, value)
        if problem:
            message = f"the cotangent of `{parameter.name.id}` in the adjoint of `{call.name}`"
            evaluator.context.report(CODE, message, _returned(definition, parameter), problem)
            return None
        if parameter.name.id in call.nodes and value is not None and _is_real(argument_):
            found[parameter.name.id] = as_real(as_value_node(value))
    return found


def _is_real(value: Value) -> bool:
    return isinstance(value, Node) and value.type.kind == "real"


def _misfit(parameter: ast.FuncParam, given: Value, value: Value) -> str:
    """What is wrong with the cotangent of an argument."""
    if value is None:
        return ""
    if parameter.type is not None and parameter.type.kind != "real":
        return f"{parameter.type.span.text} has none: return None"
    if not _is_real(given):
        return ""
    try:
        node = as_value_node(value)
    except TypeProblem:
        return f"{describe(value)} where a number or an array is expected"
    assert isinstance(given, Node)
    if node.type.kind == "bool" or node.shape != given.shape:
        return f"expected {given.type}, found {node.type}; None stands for no gradient"
    return ""


def _returned(definition: ast.AdjointDef, parameter: ast.FuncParam) -> Span:
    """Where the cotangent of a parameter is returned."""
    last = definition.body[-1]
    names = [p.name.id for p in definition.params]
    place = names.index(parameter.name.id)
    if isinstance(last, ast.Return) and place < len(last.values):
        return last.values[place].span
    return last.span
