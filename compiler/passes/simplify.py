"""Algebraic simplification: exact rules everywhere, re-association only in adjoints.

    %3 = mul(%2, 1.0)            (gone: its users take %2)
    %4 = neg(%3)          →
    %5 = add(%1, %4)             %5 = sub(%1, %2)

What the model's outputs need is its own arithmetic and keeps its bits; what only the last `gradients`
outputs need is adjoint code, whose order of factors is the compiler's choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node, Op, topological
from .bodies import in_bodies, settling
from .pattern import LiteralRules
from .rules.algebra import ADJOINT_RULES, CANONICAL_RULES, EXACT_RULES
from .rules.complements import is_complement, known_complement
from .rules.factors import known_product, scale_and_array, scale_behind_product, scaled_sum, shared_scale
from .rules.parts import joined_parts
from .rules.structure import (
    ADJOINT_STRUCTURE,
    ELEMENTWISE,
    STRUCTURE_RULES,
    StructureRule,
    sum_before_product,
    sum_of_products,
    transposed_product,
    without_kept_dims,
)

ROUNDS = 12
# Rules for nodes that are the only use of their arguments.
_SUMS = (sum_before_product, sum_of_products, scaled_sum)
ALONE: Mapping[Op, tuple[StructureRule, ...]] = {
    ops.add: (shared_scale,),
    ops.sub: (shared_scale,),
    ops.reshape: (without_kept_dims,),
    ops.transpose: (transposed_product,),
    ops.sum: _SUMS,
    ops.mean: _SUMS,
}
# The ops of which it matters who else uses their arguments.
SHARING = frozenset({*ALONE, ops.mul, ops.matmul})

_CANONICAL = LiteralRules(CANONICAL_RULES)
_EXACT = LiteralRules(EXACT_RULES)
_ADJOINT = LiteralRules((*EXACT_RULES, *ADJOINT_RULES))


@record(frozen=True)
class Canonicalise:
    """x**2 as square(x), -(-x) as x: at every level, for rules and adjoints to see one form."""

    name: str = "canonicalise"

    def run(self, graph: Graph) -> Graph:
        def step(node: Node, args: tuple[Node, ...]) -> Node:
            return _rewritten(node.with_args(args), _CANONICAL.rewrite)

        return graph if graph.ops.isdisjoint(_CANONICAL.roots) else graph.rewrite(step, deep=self.name)


@dataclass
class Plain:
    """The nodes that no rule changes, among the model's own and in adjoints.

    A rule may change the `waiting` ones among them, when something else uses their arguments.
    """

    own: set[Node] = field(default_factory=set)
    adjoint: set[Node] = field(default_factory=set)
    waiting: set[Node] = field(default_factory=set)
    _needed: tuple[tuple[Node, ...], set[Node]] = ((), set())

    def needed(self, roots: tuple[Node, ...]) -> set[Node]:
        """What these nodes need; they are the same from one run to the next, as a rule."""
        if self._needed[0] != roots:
            self._needed = roots, set(topological(roots))
        return self._needed[1]

    def among(self, nodes: set[Node], own: set[Node]) -> set[Node]:
        """The nodes of a graph that need not be looked at again, with the arguments that they have."""
        plain = (self.own & own & nodes) | (self.adjoint & (nodes - own))
        return plain - self.waiting


@record(frozen=True)
class Simplify:
    """`gradients` is the number of outputs, at the end, that are derivatives.

    Run again, a pass only looks at nodes that it has not left as they are before.
    """

    gradients: int = 0
    plain: Plain = field(default_factory=Plain, compare=False, repr=False)
    name: str = "simplify"

    def run(self, graph: Graph) -> Graph:
        graph = in_bodies(graph, {}, self._body(graph))
        own, puts = self._own(graph), ops.put in graph.ops

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            new, adjoint = node.with_args(args), node not in own
            if adjoint and node.op is ops.neg and _is_summed_besides(node, graph):
                return new
            if (adjoint and node.op in SHARING) or node.op is ops.reshape:
                new = _shared(new, node, graph) or new
            return self._simplified(new, adjoint, puts)

        return graph.rewrite(step, done=self.plain.among(set(graph.nodes()), own))

    def _body(self, graph: Graph) -> Callable[[Graph, object, Node], Graph]:
        """In the body of an adjoint all is adjoint."""
        own: set[Node] | None = None

        def run(body: Graph, ranges: object, node: Node) -> Graph:
            nonlocal own
            if own is None:
                own = self._own(graph)
            derivatives = 0 if node in own else len(body.outputs)
            return settling(body, (self.name, bool(derivatives)), Simplify(derivatives, self.plain).run)

        return run

    def _own(self, graph: Graph) -> set[Node]:
        if not self.gradients:
            return set(graph.nodes())
        return self.plain.needed(tuple([node for _, node in graph.outputs[: -self.gradients]]))

    def _simplified(self, node: Node, adjoint: bool, puts: bool) -> Node:
        plain = self.plain.adjoint if adjoint else self.plain.own
        if node in plain or not node.args:
            return node
        rules = _ADJOINT if adjoint else _EXACT
        result = node
        for _ in range(ROUNDS):
            new = _first(_structure_rules(result.op, adjoint, not result.type.shape, puts), result)
            new = new or rules.rewrite(result)
            if new is None:
                break
            result = new
        plain.add(result)
        if result.op in SHARING and _is_waiting(result):
            self.plain.waiting.add(result)
        return result


def _shared(new: Node, old: Node, graph: Graph) -> Node | None:
    """The node after the rules that ask who else uses its arguments, or what else is made of them."""
    if old.op is ops.mul:
        return known_product(new, old, graph) if old.type.shape else None
    if old.op is ops.matmul:
        return scale_behind_product(new, [len(graph.users[arg]) == 1 for arg in old.args])
    if is_complement(old):
        return known_complement(new, old, graph)
    if old.op.elementwise and not old.type.shape:
        return None  # those rules are for arrays
    return _first(ALONE[old.op], new) if _only_use(old, graph) else None


def _is_waiting(node: Node) -> bool:
    """Whether one of those rules would change the node, depending on what else uses its arguments."""
    if node.op is ops.mul:
        return bool(node.type.shape) and any(map(scale_and_array, node.args))
    if node.op is ops.matmul:
        return scale_behind_product(node, (True, True)) is not None
    if is_complement(node):
        return True
    return _first(ALONE[node.op], node) is not None


def _is_summed_besides(negated: Node, graph: Graph) -> bool:
    """Whether -x is only added up, while others read x: the sums are -sum(x), and need no array of -x."""
    (x,), following = negated.args, graph.users[negated]
    return len(graph.users[x]) > 1 and bool(following) and all(user.op is ops.sum for user in following)


def _only_use(node: Node, graph: Graph) -> bool:
    """Whether a node is the only use of its arguments."""
    for arg in node.args:
        if len(graph.users[arg]) != 1:
            return False
    return bool(node.args)


def _rewritten(node: Node, rewrite: Callable[[Node], Node | None]) -> Node:
    """The node after as many rewrites as apply."""
    for _ in range(ROUNDS):
        new = rewrite(node)
        if new is None:
            break
        node = new
    return node


def _first(rules: Iterable[StructureRule], node: Node) -> Node | None:
    """The node after the first rule that applies; None where none does."""
    for rule in rules:
        new = rule(node)
        if new is not None:
            return new
    return None


@cache
def _structure_rules(op: Op, adjoint: bool, scalar: bool, puts: bool) -> tuple[StructureRule, ...]:
    own = STRUCTURE_RULES.get(op.name, ())
    if op.elementwise and scalar:
        return own  # the others are about what elementwise ops do to shapes
    own = (*own, *(ELEMENTWISE if op.elementwise else ()))
    rules = (*own, *ADJOINT_STRUCTURE.get(op.name, ())) if adjoint else own
    # looking through long sums for parts takes long, and there are none in a graph without puts
    return rules if puts else tuple(rule for rule in rules if rule is not joined_parts)
