"""Algebraic simplification: exact rules everywhere, re-association only in adjoints.

    %3 = mul(%2, 1.0)            (gone: its users take %2)
    %4 = neg(%3)          →
    %5 = add(%1, %4)             %5 = sub(%1, %2)

What the model's outputs need is its own arithmetic and keeps its bits; what only the last `gradients`
outputs need is adjoint code, whose order of factors is the compiler's choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from .. import ops
from ..ir import Graph, Node, Op, topological
from .bodies import in_bodies, settling
from .pattern import LiteralRules
from .rules.algebra import ADJOINT_RULES, CANONICAL_RULES, EXACT_RULES
from .rules.factors import known_product, scale_behind_product, scaled_sum, shared_scale
from .rules.structure import (
    ADJOINT_STRUCTURE,
    ELEMENTWISE,
    STRUCTURE_RULES,
    StructureRule,
    sum_before_product,
    without_kept_dims,
)

ROUNDS = 12


_CANONICAL = LiteralRules(CANONICAL_RULES)
_EXACT = LiteralRules(EXACT_RULES)
_ADJOINT = LiteralRules((*EXACT_RULES, *ADJOINT_RULES))


@dataclass(frozen=True)
class Canonicalise:
    """x**2 as square(x), -(-x) as x: at every level, for rules and adjoints to see one form."""

    name: str = "canonicalise"

    def run(self, graph: Graph) -> Graph:
        def step(node: Node, args: tuple[Node, ...]) -> Node:
            return _rewritten(node.with_args(args), _CANONICAL.rewrite)

        return graph.rewrite(step, deep=self.name)


@dataclass
class Plain:
    """The nodes that no rule changes, among the model's own and in adjoints."""

    own: set[Node] = field(default_factory=set)
    adjoint: set[Node] = field(default_factory=set)


@dataclass(frozen=True)
class Simplify:
    """`gradients` is the number of outputs, at the end, that are derivatives.

    Run again, a pass only looks at nodes that it has not left as they are before.
    """

    gradients: int = 0
    plain: Plain = field(default_factory=Plain, compare=False, repr=False)
    name: str = "simplify"

    def run(self, graph: Graph) -> Graph:
        graph = in_bodies(graph, {}, self._body(graph))
        nodes = graph.nodes()
        own = self._own(graph)
        squeezable, summed = _only_use(nodes, "reshape"), _only_use(nodes, "sum", "mean") - own
        sums = _only_use(nodes, "add", "sub") - own

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            new = node.with_args(args)
            if node in squeezable:
                new = without_kept_dims(new) or new
            if node.op is ops.matmul and node not in own:
                alone = [len(graph.users[arg]) == 1 for arg in node.args]
                new = scale_behind_product(new, alone) or new
            if node.op is ops.mul and node.type.shape and node not in own:
                new = known_product(new, node, graph) or new
            if node in sums:
                new = shared_scale(new) or new
            if node in summed:
                new = sum_before_product(new) or scaled_sum(new) or new
            return self._simplified(new, node not in own)

        return graph.rewrite(step)

    def _body(self, graph: Graph) -> Callable[[Graph, object, Node], Graph]:
        """In the body of an adjoint all is adjoint."""
        own = self._own(graph)

        def run(body: Graph, ranges: object, node: Node) -> Graph:
            derivatives = 0 if node in own else len(body.outputs)
            return settling(body, (self.name, bool(derivatives)), Simplify(derivatives, self.plain).run)

        return run

    def _own(self, graph: Graph) -> set[Node]:
        return set(topological(node for _, node in graph.outputs[: len(graph.outputs) - self.gradients]))

    def _simplified(self, node: Node, adjoint: bool) -> Node:
        plain = self.plain.adjoint if adjoint else self.plain.own
        if node in plain or not node.args:
            return node
        rules = _ADJOINT if adjoint else _EXACT
        result = _rewritten(node, lambda new: _structured(new, adjoint) or rules.rewrite(new))
        plain.add(result)
        return result


def _only_use(nodes: list[Node], *names: str) -> set[Node]:
    """The nodes of some ops that are the only use of their arguments."""
    found = {node for node in nodes if node.op.name in names}
    taken = {arg for node in found for arg in node.args}
    uses = Counter(arg for node in nodes for arg in node.args if arg in taken) if taken else Counter()
    return {node for node in found if all(uses[arg] == 1 for arg in node.args)}


def _rewritten(node: Node, rewrite: Callable[[Node], Node | None]) -> Node:
    """The node after as many rewrites as apply."""
    for _ in range(ROUNDS):
        new = rewrite(node)
        if new is None:
            break
        node = new
    return node


def _structured(node: Node, adjoint: bool) -> Node | None:
    for rule in _structure_rules(node.op, adjoint, not node.type.shape):
        new = rule(node)
        if new is not None:
            return new
    return None


@cache
def _structure_rules(op: Op, adjoint: bool, scalar: bool) -> tuple[StructureRule, ...]:
    own = STRUCTURE_RULES.get(op.name, ())
    if op.elementwise and scalar:
        return own  # the others are about what elementwise ops do to shapes
    own = (*own, *(ELEMENTWISE if op.elementwise else ()))
    return (*own, *ADJOINT_STRUCTURE.get(op.name, ())) if adjoint else own
