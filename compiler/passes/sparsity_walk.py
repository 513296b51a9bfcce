"""From the inputs of a graph to its results: what each value depends on, and what meets.

y = exp(x[1:]) * x[:-1]      x: a Part of x; x[1:], exp(x[1:]): what is picked of it; y: the union of both
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .. import ops
from ..ir import Node, topological
from ..types import TUPLE, Dim, size_of
from .index_sets import IndexSets, Part, Parts, width_of
from .nonlinear import Pairs, couplings, differentiated, through
from .sparsity_control import results_of
from .sparsity_moves import added_in, put_in
from .sparsity_rules import everything, in_letters, letters_of, rule_for


@dataclass
class Walk:
    """One graph, or the body of a loop or a branch, from its inputs to its results.

    `images` are the int values that are known without reals (None: is not), `parts` what reals depend on,
    `results` what the results of loops and branches depend on. `pairs` collects what meets, for a Hessian.
    `guarded`: indices may be computed that the model would not use, and need not fit.
    """

    sets: IndexSets
    images: dict[Node, Node | None]
    pairs: Pairs | None = None
    guarded: bool = False
    depth: int = 0
    parts: dict[Node, Parts] = field(default_factory=dict)
    results: dict[Node, Sequence[Parts]] = field(default_factory=dict)

    def run(self, roots: Iterable[Node]) -> None:
        nodes = topological(roots)
        useful = through(nodes, roots) if self.pairs is not None else set()
        for node in nodes:
            if node.op.name == "argument":
                self.images.setdefault(node, None)
                continue
            self.images[node] = self._known(node)
            if node.type.kind == TUPLE:
                self.results[node] = results_of(self, node)
            elif node.type.kind == "real":
                self.parts[node] = self._parts(node)
                if self.pairs is not None and node in useful:
                    self._meet(node, self.pairs)

    def inner(
        self,
        images: dict[Node, Node | None],
        parts: dict[Node, Parts],
        pairs: Pairs | None,
        guarded: bool,
    ) -> Walk:
        """The walk through a body on what is known of its inputs."""
        return Walk(self.sets, images, pairs, self.guarded or guarded, self.depth + 1, parts)

    def image(self, node: Node) -> Node | None:
        return self.images.get(node, node)

    def of(self, node: Node) -> Parts:
        return self.parts.get(node, ())

    def within(self, positions: Node, size: Dim) -> Node:
        if not self.guarded:
            return positions
        low, high = (self.sets.make(ops.dim_value(0).op, dim=dim) for dim in (-size, size - 1))
        return self.sets.make(ops.clip, positions, low, high)

    def _known(self, node: Node) -> Node | None:
        if node.type.kind == TUPLE or node.op in (ops.item, ops.check, ops.random_mask):
            return None
        if node.op is ops.after:
            return self.image(node.args[0])
        args = [self.image(arg) for arg in node.args]
        known = [arg for arg in args if arg is not None]
        return self.sets.known(node.with_args(known)) if len(known) == len(args) else None

    def _parts(self, node: Node) -> Parts:
        """What a value depends on."""
        if not any(map(self.of, node.args)) and node.op is not ops.item:
            return ()
        if node.op is ops.item:
            position: int = node["position"]
            return self.results[node.args[0]][position]
        if node.op in (ops.concatenate, ops.stack):
            return self._together(node)
        if node.op in (ops.set_at, ops.add_at):
            return self._changed(node)
        return self.sets.union(part for parts in self.by_argument(node) for part in parts)

    def by_argument(self, node: Node) -> list[Parts]:
        """What a value depends on through each of its arguments."""
        found: list[Parts] = []
        for k, (arg, passes) in enumerate(zip(node.args, differentiated(node))):
            rule = rule_for(node)
            if node.op is ops.governed and not (passes and _is_pointwise(node, k)):
                rule = everything
            moved = [p for part in self.of(arg) if passes for p in rule(self, node, k, part)]
            found.append(self.sets.union(self._where(node, k, self.sets.tidy(part)) for part in moved))
        return found

    def _where(self, node: Node, k: int, part: Part) -> Part:
        """Of what is chosen by ints, only where it is chosen."""
        if node.op is ops.where:
            condition, chosen = self.image(node.args[0]), k == 1
        elif node.op in (ops.gate, ops.gate_finite):
            condition, chosen = self.image(node.args[1]), True
        else:
            return part
        return part if condition is None else self.sets.selected(part, condition, chosen, node.shape)

    def _together(self, node: Node) -> Parts:
        """Arrays one after the other: as wide as the widest."""
        axis, sets = node["axis"], self.sets
        stacked = node.op is ops.stack
        own = {a for arg in node.args for part in self.of(arg) for a in part.axes}
        axes = sorted(own if stacked else own | {axis})
        width = Dim.of(0)
        for arg in node.args:
            width = width.maximum(width_of(sets.coalesced(self.of(arg))))
        arrays = [sets.joined(self.of(arg), arg.shape, axes, width) for arg in node.args]
        at = sum(a < axis for a in axes)
        joined = sets.make(node.op, *arrays, axis=at)
        if stacked:
            axes = [*(a for a in axes if a < axis), axis, *(a + 1 for a in axes if a >= axis)]
        return (sets.tidy(Part(joined, tuple(axes))),)

    def _changed(self, node: Node) -> Parts:
        """An array with other values at some positions; where it is not known which, it is both."""
        base, value, *arrays = node.args
        new, old = self.of(value), self.of(base)
        if node.op is ops.set_at:
            found = put_in(self, node, old, new, value.shape, arrays)
        else:
            found = (*old, *added_in(self, node, new, value.shape, arrays))
        return self.sets.union(map(self.sets.tidy, found))

    def _meet(self, node: Node, pairs: Pairs) -> None:
        """Couple what meets in a node."""
        if not any(map(self.of, node.args)) or node.op is ops.item:
            return
        coupled = couplings(node)
        if not coupled:
            return
        if letters_of(node) is not None:
            found = [
                [self.sets.tidy(p) for part in self.of(arg) for p in in_letters(self, node, k, part)]
                for k, arg in enumerate(node.args)
            ]
        else:
            found = [list(parts) for parts in self.by_argument(node)]
        for i, j in coupled:
            pairs.add(found[i], found[j])


def _is_pointwise(node: Node, k: int) -> bool:
    """Whether an adjoint of its own gives an element of an argument the cotangent of that element alone."""
    adjoint, arg = node["adjoint"], node.args[k]
    count = len(node.args) - 2
    cotangent = adjoint.inputs[count + node["position"]]
    given = adjoint.outputs[node["wrt"].index(k - 2)][1]
    if not cotangent.shape == given.shape == arg.shape:
        return False
    sets = IndexSets(size_of(arg.shape))
    leaf = sets.leaf(arg.shape, Dim.of(0))
    walk = Walk(sets, {}, parts={cotangent: (leaf,)})
    walk.run([given])
    return walk.of(given) in ((leaf,), ())
