"""A graph becomes the statements of a function.

    h = relu(x @ W + b)     ->     h = np.maximum(x @ W + b, 0.0)

A value that is used once, and that the model gives no name, is written inside the expression that uses it
as long as the line stays readable; -O0 gives every op a line of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from autodiffc.compiler.ir import Graph, Literal, Node, users
from autodiffc.compiler.types import Dim

from .context import Context
from .dimtext import dim_expr
from .inplace import NAME
from .names import Scope
from .pytext import ATOM, Expr, Template, call, number, template, unparenthesised
from .schedule import LEAVES, Group, Step, regrouped, schedule
from .telling import known_form, suggest

READABLE = 84  # columns of a statement that has expressions written into it
MOST_INLINED = 7  # ops in one expression
ARITHMETIC = frozenset({"add", "sub", "mul", "div"})
CASTS = {"real": "float", "int": "int", "bool": "bool"}
_DEFAULT_DTYPE = re.compile(r"(np\.(?:zeros|ones|full|array|eye|linspace)\(.*), (?:dtype=)?_REAL\)")
_ONE_AXIS = re.compile(r"(np\.(?:zeros|ones|full)\()\((\w+),\)")


@dataclass(frozen=True)
class Statement:
    """Logical lines that compute one node."""

    group: Group
    lines: tuple[str, ...]
    node: Node
    name: str


@dataclass(frozen=True)
class Pending:
    """An expression that waits for the one place where it is used."""

    expr: Expr
    ops: int
    group: Group
    stable: bool  # made of arguments and constants alone: reads well on any line
    updates: tuple[str, ...] = ()  # statements that follow the assignment; NAME stands for the name


class Body:
    """The statements of a graph, the expressions of its outputs, and the dims that they mention."""

    def __init__(
        self,
        context: Context,
        graph: Graph,
        scope: Scope,
        given: Mapping[Node, Expr],
        output_names: Mapping[str, str] | None = None,
    ):
        self.context = context
        self.graph = graph
        self.scope = scope
        self.values: dict[Node, Expr] = dict(given)
        self.pending: dict[Node, Pending] = {}
        self.statements: list[Statement] = []
        self.dims: dict[str, None] = {}
        self._templates: dict[Node, tuple[Template, dict[str, Expr]]] = {}
        renamed = output_names or {}
        self._output_names = {node: renamed.get(name, name) for name, node in reversed(graph.outputs)}
        self._users: dict[Node, list[Node]] = {}
        self._uses: Counter[Node] = Counter()
        self._sums: dict[Node, Node] = {}  # partial sums of a named adjoint, and the adjoint
        self._grown: dict[Node, str] = {}  # the names of adjoints of which a part has been written

    def build(self) -> Body:
        """Write all statements."""
        steps = schedule(self.graph)
        self._users = users(step.node for step in steps)
        self._count_uses(steps)
        if self.context.level > 0:
            self._find_sums(steps)
        starts = {s.group.line: self.context.lines.start(s.group.line) for s in steps if s.group.line}
        for step in regrouped(steps, starts):
            self._visit(step)
        for _, node in self.graph.outputs:
            if node in self.pending and node.rank:
                self._settle(node, self.pending[node].group)
        return self

    def value(self, node: Node) -> Expr:
        """The text of a value, once the statements are written."""
        return self._operand(node, array=bool(node.rank))

    def mentioned_dims(self) -> dict[str, None]:
        """The dims that the statements will mention."""
        for node in self.graph.nodes():
            if node.op.name == "dim":
                self.dim(node["dim"])
            elif node.op.name not in LEAVES:
                self._template(node)
        return self.dims

    def dim(self, dim: Dim) -> Expr:
        """The text of a dim, which the function must then bind."""
        return dim_expr(dim, self._symbol, self.context.ref)

    def dim_name(self, name: str) -> str:
        """The local name of a dim, which the function must then bind."""
        return self._symbol(name)

    def _symbol(self, name: str) -> str:
        self.dims[name] = None
        return self.context.local(name)

    def reuses(self, step: Step) -> bool:
        """Hook: whether the step was written into an operand's memory."""
        return False

    # --- templates ---------------------------------------------------------------------------------

    def _template(self, node: Node) -> tuple[Template, dict[str, Expr]]:
        """The parsed text of a node's op, and the expressions that stand in it for dims."""
        if node not in self._templates:
            held: dict[str, Expr] = {}

            def text_of(dim: Dim) -> str:
                if dim.known is not None:
                    return str(dim.known)
                key = f"_dim{len(held)}_"
                held[key] = self.dim(dim)
                return key

            scalar = not node.rank and all(not a.rank for a in node.args)
            source = node.op.scalar if scalar and node.op.scalar is not None else node.op.py
            text = source if isinstance(source, str) else source(node, text_of)
            text = _ONE_AXIS.sub(r"\1\2", text)
            if self.context.dtype == "float64":
                text = _DEFAULT_DTYPE.sub(r"\1)", text)
            self._templates[node] = template(text, parameters(node)), held
        return self._templates[node]

    def _render(self, node: Node) -> tuple[list[str], Expr]:
        """The statements that a node needs before its value can be named, and the expression of its value."""
        parsed, held = self._template(node)
        array = bool(node.rank) or any(a.rank for a in node.args)
        operands = [self._operand(a, array) for a in node.args]
        names = {**dict(zip(parsed.params, operands)), **held}
        for local in parsed.stored:
            names[local] = Expr(self._own_name(node) if local == "out" else self.scope.fresh(local))
        if parsed.is_expression:
            return [], self._typed(node, parsed.expression(names, self._global))
        return parsed.text(names, self._global).split("\n"), names["out"]

    def _typed(self, node: Node, expr: Expr) -> Expr:
        """The value in the type that it must have: Python's for scalars, the module's dtype for arrays."""
        if not node.rank and any(a.rank for a in node.args):
            cast = self.context.ref(CASTS[node.type.kind])
            return expr if expr.text.endswith(".item()") else call(cast, expr)
        uncertain = node.rank and not any(a.rank and a.type.kind == "real" for a in node.args)
        if (
            self.context.dtype == "float32"
            and node.type.kind == "real"
            and uncertain
            and "float32" not in expr.text
        ):
            return Expr(f"{expr.within(ATOM)}.astype({self.context.ref('np')}.float32)")
        return expr

    def _global(self, name: str) -> str:
        if name == "_REAL":
            return f"{self.context.ref('np')}.{self.context.dtype}"
        return self.context.ref(name)

    # --- operands ----------------------------------------------------------------------------------

    def _operand(self, node: Node, array: bool) -> Expr:
        if node in self.values:
            return self.values[node]
        if node in self.pending:
            return self.pending[node].expr
        if node.op.name == "const":
            value = node["value"]
            if isinstance(value, Literal):
                return Expr(self.context.table(value))
            return self._number(value, array)
        return self.dim(node["dim"])

    def _number(self, value: float, array: bool) -> Expr:
        return number(value, self.context.ref, "np" if array else "math")

    def _count_uses(self, steps: list[Step]) -> None:
        for step in steps:
            parsed, _ = self._template(step.node)
            for parameter, arg in zip(parsed.params, step.node.args):
                self._uses[arg] += parsed.uses[parameter]
        for _, node in self.graph.outputs:
            self._uses[node] += 1

    def _find_sums(self, steps: list[Step]) -> None:
        """An adjoint that several lines contribute to grows under its one name: `d_x += …`."""
        for step in reversed(steps):
            node = step.node
            final = self._sums.get(node, node)
            named = final in self.graph.names and final is node
            if node.op.name != "add" or not step.group.adjoint or not (named or node in self._sums):
                continue
            parts = [a for a in node.args if self._may_grow(a, node)]
            if parts:
                self._sums[next((p for p in parts if p.op.name == "add"), parts[0])] = final

    def _is_fresh(self, node: Node) -> bool:
        """Whether a value is computed here, into memory of its own."""
        return not (node.op.name in LEAVES or node.op.view or self._is_transparent(node))

    def _may_grow(self, part: Node, total: Node) -> bool:
        """Whether a part of a sum is memory of its own, that the rest may be added to."""
        return (
            self._is_fresh(part)
            and self._uses[part] == 1
            and part.type == total.type
            and part not in self.graph.names
        )

    # --- statements --------------------------------------------------------------------------------

    def _visit(self, step: Step) -> None:
        node = step.node
        if self._is_transparent(node):
            self._stand_for(node, node.args[0])
            return
        alias = self._as_operand(node)
        if alias is not None:
            self.values[node] = alias
            return
        if self.reuses(step):
            return
        self._make_room(node, step.group)
        ops = 1 + sum(self.pending[a].ops for a in set(node.args) if a in self.pending)
        stable = all(self.pending[a].stable if a in self.pending else a.op.name in LEAVES for a in node.args)
        before, expr = self._render(node)
        for arg in node.args:
            self.pending.pop(arg, None)
        if not before and self._may_wait(node):
            self.pending[node] = Pending(expr, ops, step.group, stable)
        elif before:
            self._add(step.group, tuple(before), node, expr.text)
        else:
            self._assign(step.group, node, expr)

    def _as_operand(self, node: Node) -> Expr | None:
        """What is written wherever the node is used, without a statement: `W.T`, an int among reals."""
        if node in self.graph.names:
            return None
        argument = node.args[0] if len(node.args) == 1 else None
        if argument is None:
            return None
        if node.op.name == "to_real" and argument.op.name == "const" and not node.rank:
            return self._number(float(argument["value"]), False)
        parsed, _ = self._template(node)
        if argument in self.values and node.op.view and parsed.fixed_length <= 2 and parsed.is_expression:
            return parsed.expression({parsed.params[0]: self.values[argument]})
        return None

    def _is_transparent(self, node: Node) -> bool:
        """A cast to real that its users make by themselves: `x / N`, `2.0 * np.arange(n)`."""
        if node.op.name != "to_real" or node in self._output_names or node in self.graph.names:
            return False
        argument = node.args[0]
        if argument.op.name == "const" or (node.rank and self.context.dtype != "float64"):
            return False
        if node.rank and self.context.level > 1:
            return False  # an int array is no memory for reals
        return self.context.level > 0 and all(self._promotes(user, node) for user in self._users[node])

    def _stand_for(self, node: Node, argument: Node) -> None:
        """Use the argument's text as the node's."""
        if argument in self.pending and self._uses[node] != 1:
            self._settle(argument, self.pending[argument].group)
        if argument in self.pending:
            self.pending[node] = self.pending.pop(argument)
        else:
            self.values[node] = self._operand(argument, False)

    def _promotes(self, user: Node, integer: Node) -> bool:
        """Whether an int operand gives the same real result as the real number would."""
        others = [a for a in user.args if a is not integer]
        plain = user.op.name in ARITHMETIC and len(others) == 1 and others[0].op.name != "to_real"
        return plain and (bool(user.rank) or integer.args[0].type.kind == "int")

    def _may_wait(self, node: Node) -> bool:
        if self.context.level == 0 or node in self.graph.names or self._uses[node] != 1:
            return False
        return not (node in self._output_names and node.rank)

    def _make_room(self, node: Node, group: Group) -> None:
        """Give statements of their own to waiting operands, until the rest fits on a line."""
        waiting = [a for a in dict.fromkeys(node.args) if a in self.pending]
        for arg in list(waiting):
            held = self.pending[arg]
            if held.updates or not (held.group == group or held.stable):
                self._settle(arg, group)
                waiting.remove(arg)
        while waiting and self._crowded(node, waiting):
            longest = max(waiting, key=lambda a: len(self.pending[a].expr.text))
            self._settle(longest, group)
            waiting.remove(longest)

    def _crowded(self, node: Node, waiting: list[Node]) -> bool:
        parsed, _ = self._template(node)
        array = bool(node.rank)
        operands = {p: len(self._operand(a, array).text) for p, a in zip(parsed.params, node.args)}
        length = parsed.fixed_length + sum(n * parsed.uses[p] for p, n in operands.items())
        target = len(self.graph.names.get(node, "")) + 7
        return length + target > READABLE or sum(self.pending[a].ops for a in waiting) >= MOST_INLINED

    def _settle(self, node: Node, group: Group) -> None:
        """Give a waiting expression its statement now."""
        waiting = self.pending.pop(node)
        self._assign(group, node, waiting.expr, waiting.updates)

    def _assign(self, group: Group, node: Node, expr: Expr, updates: tuple[str, ...] = ()) -> None:
        name = self._own_name(node)
        rest = "" if updates else self._rest_of_sum(node, name, expr.text)
        first = f"{name} += {rest}" if rest else f"{name} = {expr}"
        self._add(group, (first, *(u.replace(NAME, name) for u in updates)), node, name)

    def _rest_of_sum(self, node: Node, name: str, text: str) -> str:
        """What is added to the part of a sum that has been written under its name already."""
        if node.op.name != "add" or name not in self._grown.values():
            return ""
        left, right = ((a in self._sums and a in self.values) for a in node.args)
        if left and text.startswith(f"{name} + "):
            return unparenthesised(text[len(name) + 3 :])
        return unparenthesised(text[: -len(name) - 3]) if right and text.endswith(f" + {name}") else ""

    def _add(self, group: Group, lines: tuple[str, ...], node: Node, name: str) -> None:
        self.statements.append(Statement(group, lines, node, name))
        self.values[node] = Expr(name)

    def _lent(self, node: Node, name: str) -> bool:
        """A value of the primal that happens to be an adjoint too is not called after the latter."""
        origins = self.graph.origins.get(node, ())
        primal = any(not o.adjoint for o in origins)
        return primal and name.startswith("d_") and name not in self.context.names.model

    def _own_name(self, node: Node) -> str:
        final = self._sums.get(node, node)
        if final in self._grown:
            return self._grown[final]
        given = self.graph.names.get(final) or self._output_names.get(final)
        if given is not None and not self._lent(final, given):
            name = self.scope.claim(given)
            if final is not node:
                self._grown[final] = name
            return name
        operands = [self.values.get(a) for a in node.args]
        plain = [o.text if o is not None and o.text.isidentifier() else "" for o in operands]
        return self.scope.fresh(known_form(node) or suggest(node.op.name, plain))


def parameters(node: Node) -> tuple[str, ...]:
    """The names that stand for a node's arguments in its op's text."""
    params = node.op.params
    if params and params[-1].startswith("*"):
        fixed, rest = params[:-1], params[-1][1:]
        return (*fixed, *(f"{rest}{i}" for i in range(len(node.args) - len(fixed))))
    return params
