"""What the values of a body are called, and which sums grow under one name.

    the model's name, a derivative's `d_` name       h, d_h
    what the value is made of                        x_minus_mean, a_t for a[t], h for hs[t]

The parts of a named adjoint, and memory that is made to be updated, are called after the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from autodiffc.compiler.ir import Graph, Node, users

from .blocks import Slot
from .context import Context, value_names
from .memory import Memory
from .names import Scope
from .pytext import Expr
from .rendering import Rendering
from .schedule import LEAVES, Step
from .structure import UPDATES
from .telling import described, is_stack, singular

GIVING = frozenset({"loop", "branch", "tiled", "elements", "item"})  # what has a body, and its results
ARITHMETIC = frozenset({"add", "sub", "mul", "div"})


class Naming(Rendering):
    """The names of one body; `_slots` are the variables that its results are left in."""

    def __init__(
        self,
        context: Context,
        graph: Graph,
        scope: Scope,
        given: Mapping[Node, Expr],
        output_names: Mapping[str, str] | None = None,
        memory: Memory | None = None,
    ):
        super().__init__(context, graph, scope, given)
        self._given_memory = memory
        self.derivatives: dict[str, str] = {}  # local names that stand for a derivative, and of what
        renamed = output_names or {}
        self._output_names = {node: renamed.get(name, name) for name, node in reversed(graph.outputs) if name}
        self._reserved = frozenset(renamed.values())
        self._models_names = value_names(context)
        self._steps: Sequence[Step] = ()
        self._uses: Counter[Node] = Counter()
        self._sums: dict[Node, Node] = {}  # partial sums of a named adjoint, and the adjoint
        self._grown: dict[Node, str] = {}  # the names of adjoints of which a part has been written
        self._grown_names: set[str] = set()
        self._slots: dict[Node, Slot] = {}  # the variables that results are left in

    @cached_property
    def memory(self) -> Memory:
        """What shares memory with what."""
        return self._given_memory or Memory(self.graph)

    @cached_property
    def _users(self) -> Mapping[Node, Sequence[Node]]:
        return users([step.node for step in self._steps])

    def _count_uses(self) -> None:
        """Count how often values stand in the texts of the steps and the results."""
        uses: dict[Node, int] = {}
        for node, _ in self._steps:
            giving = node.op.name in GIVING
            for arg, count in self._given_by(node) if giving else zip(node.args, self._parsed(node).counts):
                uses[arg] = uses[arg] + count if arg in uses else count
        self._uses.update(uses)
        for _, node in self.graph.outputs:
            self._uses[node] += 1

    def _given_by(self, node: Node) -> Iterable[tuple[Node, int]]:
        """Hook: how often values stand in what is written for a node with a body, or for a result of one."""
        return ()

    def _find_updated(self) -> None:
        """Memory that is made here to be updated is called after the result."""
        for step in reversed(self._steps) if not self._on_numbers else ():
            node = step.node
            target = self._begins_as(node)
            if target is not None and target.op.name not in LEAVES and target not in self.graph.names:
                self._sums[target] = self._sums.get(node, node)

    def _begins_as(self, node: Node) -> Node | None:
        """The value whose memory an update, or a loop, goes on with."""
        if node in self.memory.in_place and node.op.name in UPDATES:
            return node.args[0]
        if node.op.name != "item" or node.args[0].op.name != "loop" or node in self._slots:
            return None
        loop, position = node.args[0], node["position"]
        target = loop.args[position + 1] if position < loop["carried"] else None
        alone = target is not None and self._uses[target] == 1 and self.memory.is_own(target)
        return target if alone or node in self.memory.in_place else None

    def _find_sums(self) -> None:
        """An adjoint that several lines contribute to grows under its one name: `d_x += …`."""
        for step in reversed(self._steps):
            node = step.node
            if node.op.name != "add" or not step.group.adjoint:
                continue
            if self.context.level > 1 and not node.rank:
                continue  # a number is computed in one expression
            final = self._sums.get(node, node)
            if final is node and node not in self.graph.names:
                continue
            parts = [a for a in node.args if self._may_grow(a, node)]
            if parts:
                self._sums[next((p for p in parts if p.op.name == "add"), parts[0])] = final

    def _is_fresh(self, node: Node) -> bool:
        """Whether a value is computed here, into memory of its own."""
        return self.memory.is_own(node) and not (node.op.view or self._is_transparent(node))

    def _is_transparent(self, node: Node) -> bool:
        """A cast to real that its users make by themselves: `x / N`, `2.0 * np.arange(n)`."""
        if node.op.name != "to_real" or node in self._output_names or node in self.graph.names:
            return False
        argument = node.args[0]
        arrays = node.rank or any(user.rank for user in self._users[node])
        if argument.op.name == "const" or (arrays and self.context.dtype != "float64"):
            return False  # of singles and a large int, NumPy 1 makes doubles
        if node.rank and self.context.level > 1:
            return False  # an int array is no memory for reals
        return self.context.level > 0 and all(self._promotes(user, node) for user in self._users[node])

    def _promotes(self, user: Node, integer: Node) -> bool:
        """Whether an int operand gives the same real result as the real number would."""
        others = [a for a in user.args if a is not integer]
        plain = user.op.name in ARITHMETIC and len(others) == 1 and others[0].op.name != "to_real"
        return plain and (bool(user.rank) or integer.args[0].type.kind == "int")

    def _may_grow(self, part: Node, total: Node) -> bool:
        """Whether a part of a sum is memory of its own, that the rest may be added to."""
        return (
            self._uses[part] == 1
            and part.type == total.type
            and part not in self.graph.names
            and self._is_fresh(part)
        )

    def _lent(self, node: Node, name: str) -> bool:
        """A value of the primal that happens to be an adjoint too is not called after the latter."""
        if not name.startswith("d_") or name in self.context.names.model:
            return False
        return any(not o.adjoint for o in self.graph.origins.get(node, ()))

    def _claimed(self, given: str) -> str:
        """The local name for a name that the model, or a pass, has given."""
        return self.scope.claim(given) if self._is_given(given) else self.scope.fresh(given)

    def _is_taken(self, given: str) -> bool:
        """Whether something else bears the local name for such a name already."""
        if self._is_given(given):
            return self.context.local(given) in self.scope.taken
        return not self.scope.is_free(given)

    def name_of(self, node: Node) -> str:
        """The name that the graph gives a value; of a stack only the model's own tells something."""
        given = self.graph.names.get(node) or self._output_names.get(node) or ""
        return given if not is_stack(node) or self._is_given(given) else ""

    def _is_given(self, name: str) -> bool:
        """Whether the model, or the function's signature, gives the name; a pass may have."""
        return name in self._models_names or name in self._reserved

    def _row_name(self, array: str, positions: list[str]) -> str:
        """The name of a single element or row: `h` of `hs`, or `h_t` where that is taken; `x_t` of `x[t]`."""
        one = singular(array)
        if one and not (any(positions) and self._is_taken(one)):
            return self._claimed(one)
        at = "_".join([one or array, *filter(None, positions)])
        return self.scope.fresh(at if any(positions) else f"{array}_at")

    def _called(self, node: Node) -> str:
        """The plain name by which a value is known, '' where it has none."""
        text = self.values.get(node)
        return text.text if text is not None and text.text.isidentifier() else ""

    def _own_name(self, node: Node, texts: Iterable[str] = ()) -> str:
        """The name that a value is to have; `texts` will stand after its first assignment."""
        final = self._sums.get(node, node)
        if final in self._grown:
            return self._grown[final]
        given = self.name_of(final)
        plain = [self._called(a) for a in node.args] if node.op.name == "gather" else []
        is_row = bool(plain and plain[0]) and not any(a.rank for a in node.args[1:])
        told = bool(given) and not self._lent(final, given)
        adjoint = given.startswith("d_")
        if is_row and (not told or (final is node and not adjoint and given == singular(plain[0]))):
            return self._row_name(plain[0], plain[1:])
        if told:
            name = self._claimed(given)
            if adjoint:
                self.derivatives[name] = given.removeprefix("d_")
            if final is not node:
                self._grown[final] = name
                self._grown_names.add(name)
            return name
        return self.scope.fresh(described(node, self._called), lambda name: self._suits(name, node))

    def _suits(self, name: str, node: Node) -> bool:
        """Hook: whether a name may stand for a value, after it has stood for others."""
        return True
