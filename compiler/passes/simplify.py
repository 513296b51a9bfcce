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
from itertools import chain

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node, Op, topological
from .bodies import in_bodies, settling
from .pattern import LiteralRules
from .rules.algebra import ADJOINT_RULES, CANONICAL_RULES, EXACT_RULES
from .rules.factors import known_product, scale_behind_product, scaled_sum, shared_scale
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
# The ops of which it matters who else uses their arguments.
SHARING = frozenset({ops.add, ops.sub, ops.mul, ops.matmul, ops.reshape, ops.transpose, ops.sum, ops.mean})

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
    """The nodes that no rule changes, among the model's own and in adjoints."""

    own: set[Node] = field(default_factory=set)
    adjoint: set[Node] = field(default_factory=set)


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
        nodes, own = graph.nodes(), self._own(graph)
        uses = Counter(chain.from_iterable([node.args for node in nodes]))
        puts = ops.put in graph.ops

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            new, adjoint = node.with_args(args), node not in own
            if adjoint and node.op is ops.neg and _is_summed_besides(node, graph):
                return new
            if (adjoint and node.op in SHARING) or node.op is ops.reshape:
                new = _shared(new, node, adjoint, graph, uses)
            return self._simplified(new, adjoint, puts)

        return graph.rewrite(step, done={node for node in nodes if self._is_plain(node, node not in own)})

    def _is_plain(self, node: Node, adjoint: bool) -> bool:
        """Whether no rule changes a node, on the arguments that it has."""
        if adjoint:
            return node in self.plain.adjoint and node.op not in SHARING
        return node in self.plain.own and node.op is not ops.reshape

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
        primal = graph.outputs[: len(graph.outputs) - self.gradients]
        return set(topological(node for _, node in primal) if self.gradients else graph.nodes())

    def _simplified(self, node: Node, adjoint: bool, puts: bool) -> Node:
        plain = self.plain.adjoint if adjoint else self.plain.own
        if node in plain or not node.args:
            return node
        rules = _ADJOINT if adjoint else _EXACT
        result = _rewritten(node, lambda new: _structured(new, adjoint, puts) or rules.rewrite(new))
        plain.add(result)
        return result


def _shared(new: Node, old: Node, adjoint: bool, graph: Graph, uses: Counter[Node]) -> Node:
    """The node after the rules that ask who else uses its arguments, or what else is made of them."""
    op = old.op
    if op is ops.add or op is ops.sub:
        return shared_scale(new) or new if _only_use(old, uses) else new
    if op is ops.mul and old.type.shape:
        return known_product(new, old, graph) or new
    if op is ops.matmul:
        return scale_behind_product(new, [len(graph.users[arg]) == 1 for arg in old.args]) or new
    if op is ops.reshape and _only_use(old, uses):
        return without_kept_dims(new) or new
    if adjoint and (op is ops.sum or op is ops.mean) and _only_use(old, uses):
        return sum_before_product(new) or sum_of_products(new) or scaled_sum(new) or new
    if op is ops.transpose and _only_use(old, uses):
        return transposed_product(new) or new
    return new


def _is_summed_besides(negated: Node, graph: Graph) -> bool:
    """Whether -x is only added up, while others read x: the sums are -sum(x), and need no array of -x."""
    (x,), following = negated.args, graph.users[negated]
    return len(graph.users[x]) > 1 and bool(following) and all(user.op is ops.sum for user in following)


def _only_use(node: Node, uses: Counter[Node]) -> bool:
    """Whether a node is the only use of its arguments."""
    for arg in node.args:
        if uses[arg] != 1:
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


def _structured(node: Node, adjoint: bool, puts: bool) -> Node | None:
    for rule in _structure_rules(node.op, adjoint, not node.type.shape, puts):
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
