"""Loops: `for` and `while`.

    h = zeros(H)
    for t in range(T):                    loop(T, h, x, W; body: (t, h, x, W) -> tanh(x[t] + h @ W))
        h = tanh(x[t] + h @ W)

What a loop assigns that has a value already is carried from step to step; what else it assigns has no
value after it. The body is evaluated where it stands, in the scope around it; bodies.py makes a graph of it.
"""

from __future__ import annotations

from itertools import chain

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

from .. import ops
from ..ir import Node, const
from ..ops.checks import guarded
from ..ops.control import UNLIMITED
from ..types import BOOL, INT, Type, TypeProblem, promote
from .blocks import HANDLERS, assigned, condition_of, execute, forget, spread, too_deep, types_text
from .bodies import Names, close
from .context import Own
from .counting import Counter
from .derivatives import check_assumptions, own_value
from .expressions import Evaluator
from .ranges import Steps, steps_of
from .scope import Binding, Gone
from .statements import define
from .structure import flatten, rebuild
from .values import POISON, Poison, Value, as_kind, evaluate_constant


@record(frozen=True, eq=False)
class _Loop:
    """What a `for` and a `while` have in common."""

    span: Span
    body: ast.Block
    steps: Steps
    condition: ast.Expr | None = None
    checkpoint: bool = False


def _for(evaluator: Evaluator, statement: ast.For) -> None:
    if not too_deep(evaluator, statement.span, True) and _is_free(evaluator, statement.variable):
        steps = steps_of(evaluator, statement.variable, statement.bounds, statement.span)
        if steps is not None:
            loop = _Loop(statement.span, statement.body, steps, None, statement.checkpoint)
            return _run(evaluator, loop)
    forget(evaluator, assigned(statement.body))


def _is_free(evaluator: Evaluator, variable: ast.Name) -> bool:
    """Whether a loop may count by this name."""
    earlier = evaluator.scope.values.get(variable.id)
    if earlier is None:
        return True
    define(evaluator, variable, POISON, "a loop's variable has a name of its own")
    return False


def _while(evaluator: Evaluator, statement: ast.While) -> None:
    count: Value = ops.as_node(UNLIMITED)
    if statement.limit is not None:
        count = evaluator.node(statement.limit)
        if isinstance(count, Node) and count.type != INT:
            count = evaluator.context.report(
                "E0204", "the limit of a loop is an int", statement.limit.span, str(count.type)
            )
    if isinstance(count, Node) and not too_deep(evaluator, statement.span, True):
        steps = Steps(count, evaluator.context.fresh_length(), "step", Counter())
        return _run(evaluator, _Loop(statement.span, statement.body, steps, statement.condition))
    forget(evaluator, assigned(statement.body))


def _run(evaluator: Evaluator, loop: _Loop) -> None:
    """Evaluate the body until each carried value keeps its type; then make the loop."""
    scope = evaluator.scope
    names = assigned(loop.body)
    start = {
        name: scope.values[name]
        for name in names
        if name in scope.values and (name not in scope.fixed or name in scope.variables)
    }
    carried = {n: b for n, b in start.items() if not isinstance(b.value, Poison)}
    initial = _initial(evaluator, carried)
    while initial is not None:
        go_back = evaluator.context.way_back()
        attempt = _Attempt(evaluator, loop, names, carried, initial)
        wider = attempt.evaluate()
        if wider is None or evaluator.context.is_endless:
            break
        go_back()
        initial = wider
    else:
        attempt = None
    for name in names.keys() - start.keys():
        if name not in scope.values:
            why = "it gets its value in a loop"
            scope.gone[name] = Gone(names[name], why, "give it a value before the loop to have it afterwards")
    if loop.steps.variable is not None:
        variable, help_text = loop.steps.variable, "it has a value in the loop only"
        scope.gone.setdefault(variable.id, Gone(variable.span, "it is the variable of a loop", help_text))
    results = attempt.results() if attempt is not None else None
    for name, binding in carried.items():
        value = (
            POISON if results is None else own_value(evaluator, ast.Name(names[name], name), results[name])
        )
        scope.rebind(name, value, binding.span)


def _initial(evaluator: Evaluator, carried: dict[str, Binding]) -> dict[str, list[Node]] | None:
    """The values before the loop as nodes."""
    found = {}
    for name, binding in carried.items():
        try:
            found[name] = flatten(binding.value)
        except TypeProblem as problem:
            evaluator.context.problem(problem.code, str(problem), binding.span)
            return None
    return found


class _Attempt:
    """One evaluation of a loop's body, with carried values of certain types."""

    def __init__(
        self,
        evaluator: Evaluator,
        loop: _Loop,
        names: dict[str, Span],
        carried: dict[str, Binding],
        initial: dict[str, list[Node]],
    ):
        self.evaluator, self.loop, self.names, self.carried = evaluator, loop, names, carried
        self.initial = initial
        self.own = Own()
        self.ends: dict[str, list[Node]] = {}
        self.condition: Node | Poison | None = None
        taken = Names(set(names))
        self.count = ops.argument(taken.fresh(loop.steps.name), INT)
        self.arguments = {
            name: [ops.argument(taken.fresh(name) if i else name, node.type) for i, node in enumerate(nodes)]
            for name, nodes in initial.items()
        }

    def evaluate(self) -> dict[str, list[Node]] | None:
        """Wider initial values, where a step makes reals of ints; None where all types stay."""
        context, scope = self.evaluator.context, self.evaluator.scope
        with context.body() as self.own, scope.block():
            for name in self.names.keys() - scope.values.keys():
                why = "it has no value yet at the beginning of a step"
                help_text = "give it a value before the loop: then it is carried from step to step"
                scope.gone[name] = Gone(self.names[name], why, help_text)
            for name, nodes in self.arguments.items():
                scope.rebind(name, rebuild(self.carried[name].value, nodes), self.carried[name].span)
            self.own.carried[self.count] = ()
            for name, nodes in self.arguments.items():
                self.own.carried.update(zip(nodes, ((first,) for first in self.initial[name])))
            self.loop.steps.begin(self.evaluator, self.count)
            if self.loop.condition is not None:
                self.condition = self._condition(self.loop.condition)
            execute(self.evaluator, self.loop.body)
            return self._types()

    def _condition(self, expr: ast.Expr) -> Node | Poison:
        condition = condition_of(self.evaluator, expr)
        if isinstance(condition, Poison):
            return condition
        known = evaluate_constant(condition)
        if known is not None and known and self.loop.steps.is_unlimited:
            self._endless(expr)
            return POISON
        return condition

    def _endless(self, expr: ast.Expr) -> None:
        label = "no step changes this"
        help_text = "compare a value that the loop carries, or write `max` and a number of steps"
        self.evaluator.context.report("E0314", "a loop that never ends", expr.span, label, help=help_text)

    def _types(self) -> dict[str, list[Node]] | None:
        """Compare the carried values before and after a step."""
        wider = dict(self.initial)
        self.ends = {}
        for name, arguments in self.arguments.items():
            binding = self.evaluator.scope.values[name]
            if isinstance(binding.value, Poison):
                continue
            ends = self._ends(name, binding, [a.type for a in arguments])
            if ends is None:
                continue
            self.ends[name] = ends
            kinds = [promote(a.type.kind, e.type.kind) for a, e in zip(arguments, ends)]
            wider[name] = [as_kind(node, kind) for node, kind in zip(self.initial[name], kinds)]
            self.ends[name] = [
                self.evaluator.context.made(as_kind(e, k), binding.span) for e, k in zip(ends, kinds)
            ]
        changed = any(a is not b for name in wider for a, b in zip(wider[name], self.initial[name]))
        return wider if changed else None

    def _ends(self, name: str, binding: Binding, before: list[Type]) -> list[Node] | None:
        """The nodes of a carried value after a step; a report where they are other than before."""
        try:
            ends = flatten(binding.value)
        except TypeProblem as problem:
            self.evaluator.context.problem(problem.code, str(problem), binding.span)
            return None
        if [e.shape for e in ends] == [t.shape for t in before]:
            return ends
        help_text = ""
        if len(before) == len(ends) == 1 and not before[0].rank:
            sizes = ", ".join(map(str, ends[0].shape))
            help_text = f"begin with `zeros({sizes})`"
        label = f"{types_text(before)} before the loop, {types_text([e.type for e in ends])} after a step"
        self.evaluator.context.report(
            "E0209", f"`{name}` changes its type in the loop", binding.span, label,
            (Note(self.carried[name].span, "its first value"),), help_text,
        )  # fmt: skip
        return None

    def results(self) -> dict[str, Value] | None:
        """The carried values after the loop."""
        if len(self.ends) < len(self.arguments) or isinstance(self.condition, Poison):
            return None
        context, loop = self.evaluator.context, self.loop
        pairs = (zip(self.arguments[name], ends) for name, ends in self.ends.items())
        check_assumptions(context, self.own, dict(chain.from_iterable(pairs)))
        parameters = [self.count, *(a for nodes in self.arguments.values() for a in nodes)]
        first = [node for nodes in self.initial.values() for node in nodes]
        ends = [(f"{name}_new", node) for name, nodes in self.ends.items() for node in nodes]
        if not ends and self.own.checks:  # it only asserts
            parameters.append(ops.argument("holds", BOOL))
            first, ends = [const(True)], [("holds_new", parameters[-1])]
        if not ends:
            return {}
        ends[0] = (ends[0][0], guarded(ends[0][1], self.own.checks))
        groups = [ends] if self.condition is None else [ends, [("condition", self.condition)]]
        closed = close(context, self.evaluator.scope, self.own, parameters, groups)
        changing = set(parameters) & set(closed.graphs[-1].nodes())
        if loop.condition is not None and loop.steps.is_unlimited and not changing:
            self._endless(loop.condition)
            return None
        attributes: dict[str, object] = {"body": closed.graphs[0], "carried": len(ends)}
        if self.condition is not None:
            attributes["condition"] = closed.graphs[1]
        if loop.checkpoint:
            attributes["checkpoint"] = True
        node = ops.loop(loop.steps.count, *first, *closed.given, length=loop.steps.length, **attributes)
        context.made(node, loop.span)
        if self.own.checks:
            context.checks.append(context.made(ops.item(node, position=0), loop.span))
        return spread(self.evaluator, node, {n: b.value for n, b in self.carried.items()}, loop.span)


HANDLERS[ast.For] = _for
HANDLERS[ast.While] = _while
