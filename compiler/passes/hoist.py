"""Work leaves the loop: what all steps can do at once is done before the loop or after it.

    loop(T, h_0, x, W, …; (t, h, x, W, …) -> tanh(x[t] @ W + …))

becomes xW = x @ W before the loop and tanh(xW[t] + …) in it; and

    loop(T, 0, …; (t, d_U, …) -> d_U + outer(h, d_z))

becomes a loop that stacks h and d_z, and the one product of the stacks after it. A value that no step
changes is computed once. A `var` that the loop fills from end to end is what its rows are stacked to.

Three kinds of values can leave: what depends on the step's number and on what is given (*early*), what the
carried values don't depend on (*late*), and sums over the steps. A value leaves only where its rows
are no larger than what the loop handles in a step anyway: a matrix of all pairs is not made of a loop that
was written to avoid it. Products leave, and what leads to them; other values where nothing is left of the
loop, or where `everything` is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .. import ops
from ..ir import Graph, Node, const_value, topological
from ..ops import argument
from ..ops.control import is_local, items
from ..ops.indexing import row, whole
from ..types import INT, TUPLE, Dim, Shape
from .batch import Operand, affine, batched, flat, rows_at, with_axis
from .bodies import settling
from .structured import Fresh, names_in

PRODUCTS = frozenset({"matmul", "outer"})
READS = frozenset({
    "gather", "getitem", "reshape", "transpose", "broadcast_to", "to_real", "to_int", "to_bool", "argument",
    "const", "dim", "stop_gradient",
})  # fmt: skip
# Ops whose result, given the same operands, may be another: not to be shared between steps.
RANDOM = frozenset({"random_mask"})


@dataclass(frozen=True)
class Hoist:
    """`everything`: also where it makes arrays of the values of all steps."""

    everything: bool = False
    name: str = "hoist"

    def run(self, graph: Graph) -> Graph:
        if not any(node.type.kind == TUPLE for node in graph.nodes()):
            return graph
        made: dict[Node, list[Node]] = {}
        names: dict[Node, str] = {}

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            if node.op is ops.item and args[0] in made:
                position: int = node["position"]
                return made[args[0]][position]
            new = node.with_args(args).map_subgraphs(self._in_body)
            if new.op is ops.loop:
                loop = _Loop(new, self.everything)
                results = loop.results()
                if results is not None:
                    made[new] = results
                    names.update(loop.names)
            return new

        after = graph.rewrite(step)
        return replace(after, names={**names, **after.names}) if names else after

    def _in_body(self, body: Graph) -> Graph:
        return settling(body, (self.name, self.everything), self.run)


def _is_leaf(node: Node) -> bool:
    """Whether a value is made of nothing, and the same each time."""
    return not node.args and node.op.name not in RANDOM | {"argument"}


def degree(shape: Shape) -> int:
    """How many dims that only run time knows are multiplied in the size."""
    total = 0
    for dim in shape:
        total += max((len(monomial) for monomial, _ in dim.terms), default=0)
    return total


@dataclass
class _Loop:
    """One loop under way; `outside` are the values of all steps, or those that no step changes."""

    node: Node
    everything: bool
    outside: dict[Node, Operand] = field(default_factory=dict)
    stacks: dict[Node, Node] = field(default_factory=dict)  # stand for the rows of a step's values
    names: dict[Node, str] = field(default_factory=dict)  # of what has left

    def __post_init__(self) -> None:
        self.body: Graph = self.node["body"]
        self.carried: int = self.node["carried"]
        self.count, *self.operands = self.node.args
        self.step, *self.inputs = self.body.inputs
        self.outputs = [output for _, output in self.body.outputs]
        self.length: Dim = self.node["length"]
        self.order = [n for n in self.body.nodes() if n.op.name != "argument"]
        known = self.count.op.name in ("dim", "const") and not is_local(self.length)
        self.counted = known and self.node.get("condition") is None
        self.states = self.inputs[: self.carried]
        written = (ops.set_at, ops.add_at)  # arrays of which a step handles an element
        handled = [s for s, new in zip(self.states, self.outputs) if new.op not in written]
        handled += filter(self._is_read, self.order)
        self.limit = max((degree(node.shape) for node in handled), default=0)

    def _is_read(self, node: Node) -> bool:
        """What a step reads of an array that it is given."""
        return node.op is ops.gather and all(a.type == INT for a in node.args[1:])

    def results(self) -> list[Node] | None:
        """The values of the loop's items after the work has left; None where none does."""
        self._early()
        sums = self._sums()
        late = self._late(sums)
        if not late and not self._leaving():
            return None
        return self._rebuilt(late)

    # --- before the loop ---------------------------------------------------------------------------

    def _early(self) -> None:
        """Find what depends on the step's number and on what is given alone."""
        self.outside.update(
            (i, Operand(o, False)) for i, o in zip(self.inputs[self.carried :], self.operands[self.carried :])
        )
        if self.counted:
            steps = ops.arange(start=Dim.of(0), step=1, count=self.length)
            self.outside[self.step] = Operand(steps, True)
        for node in self.order:
            if node.op.name not in RANDOM:
                image = self._image(node, self.outside)
                if image is not None:
                    self.outside[node] = image

    def _image(self, node: Node, known: dict[Node, Operand]) -> Operand | None:
        """The node outside of the loop, where all its arguments are there."""
        if node.type.kind == TUPLE or not all(a in known or _is_leaf(a) for a in node.args):
            return None
        if not node.args:
            return Operand(node, False) if _is_leaf(node) else None
        operands = [known.get(a) or Operand(a, False) for a in node.args]
        if not any(o.stacked for o in operands):
            return Operand(node.with_args(o.node for o in operands), False)
        if any(map(is_local, node.shape)) or degree(node.shape) > self.limit:
            return None
        image = self._rows(node, operands) or batched(node, operands, self.length)
        return None if image is None else Operand(image, True)

    def _rows(self, node: Node, operands: Sequence[Operand]) -> Node | None:
        """The rows of an array at positions that go with the step: a slice of it."""
        if node.op is not ops.gather or operands[0].stacked or len(node.args) != 2 or node.args[1].rank:
            return None
        position = affine(node.args[1], self.step)
        axis = next(i for i, item in enumerate(node["index"]) if item[0] == "array")
        rest = [item for i, item in enumerate(node["index"]) if i != axis]
        others = [dim for i, dim in enumerate(operands[0].node.shape) if i != axis]
        if position is None or not position[0] or rest != [whole(dim) for dim in others]:
            return None
        return rows_at(operands[0].node, axis, position, self.length)

    def _is_worth(self, roots: Iterable[Node], inside: frozenset[Node] = frozenset()) -> bool:
        """Whether a value is more than something read."""
        found = {n.op.name for n in topological(roots) if n not in inside}
        return bool(found & PRODUCTS) or (self.everything and not found <= READS)

    def _leaving(self) -> list[Node]:
        """What leaves the loop for its begin, and is used in what stays."""
        return self._leaving_of(self.outputs)

    def _leaving_of(self, outputs: Sequence[Node]) -> list[Node]:
        found: dict[Node, None] = {}
        stack, seen = list(outputs), set()
        while stack:
            node = stack.pop()
            if node in seen or not node.args:
                continue
            seen.add(node)
            if node in self.outside and self._may_leave(node):
                found[node] = None
            else:
                stack.extend(node.args)
        return [node for node in self.order if node in found]

    def _may_leave(self, node: Node) -> bool:
        if not self.outside[node].stacked:
            return node.type.kind == "real" and node.op.name not in READS
        return self._is_worth([node])

    def stack_of(self, value: Node) -> Node:
        """Stands for the rows of a value that the loop computes."""
        if value not in self.stacks:
            type_ = value.type.with_shape((self.length, *value.shape))
            self.stacks[value] = argument(f"stack {len(self.stacks)}", type_)
        return self.stacks[value]

    # --- after the loop ----------------------------------------------------------------------------

    def _sums(self) -> dict[int, list[Node]]:
        """The carried values that are sums over the steps, and what each step adds."""
        if not self.counted:
            return {}
        uses: dict[Node, int] = {}
        for node in self.order:
            for arg in node.args:
                uses[arg] = uses.get(arg, 0) + 1
        for output in self.outputs:
            uses[output] = uses.get(output, 0) + 1
        found = {}
        for position, state in enumerate(self.states):
            terms = _terms(self.outputs[position], state, uses)
            if terms is not None:
                found[position] = terms
        return found

    def _late(self, sums: dict[int, list[Node]]) -> dict[int, Node]:
        """The results that can be computed after the loop, by position."""
        if not self.counted:
            return {}
        roots: dict[int, list[Node]] = {}
        for position, terms in sums.items():
            roots[position] = [t.args[1] if t.op is ops.add_at else t for t in terms]
        for position in range(self.carried, len(self.outputs)):
            roots[position] = [self.outputs[position]]
        staying = [p for p in range(self.carried) if p not in sums]
        needed = set(topological(self.outputs[p] for p in staying))
        pure = not staying
        chosen: dict[int, Node] = {}
        while True:
            chosen = {}
            for position, values in roots.items():
                result = self._result_late(position, values, sums, needed, pure)
                if result is not None:
                    chosen[position] = result
            stuck = [p for p in roots if p not in chosen]
            more = set(topological(self.outputs[p] for p in stuck)) - needed
            if not more:
                return chosen
            needed |= more
            pure = False

    def _result_late(
        self, position: int, values: list[Node], sums: dict[int, list[Node]], needed: set[Node], pure: bool
    ) -> Node | None:
        """A result computed after the loop; None where that can't be, or is no gain."""
        terms = sums.get(position)
        if not (pure or self._is_gain(position, values, terms, needed)):
            return None
        late = _Late(self, needed)
        return late.stack(values[0]) if terms is None else late.total(self.operands[position], terms)

    def _is_gain(
        self, position: int, values: list[Node], terms: list[Node] | None, needed: set[Node]
    ) -> bool:
        if self._is_worth(values, frozenset(needed | self.outside.keys())):
            return True
        return terms is not None and bool(self.states[position].rank)

    # --- the loop that is left ---------------------------------------------------------------------

    def _rebuilt(self, late: dict[int, Node]) -> list[Node]:
        used = set(topological(late.values()))
        stacked = [value for value, stack in self.stacks.items() if stack in used]
        kept = [p for p in range(len(self.outputs)) if p not in late]
        given: dict[Node, Node] = {}
        loop: tuple[Node, ...] = ()
        if kept or stacked:
            loop = self._loop(kept, stacked)
            given = {self.stacks[value]: item for value, item in zip(stacked, loop[len(kept) :])}
        results = [
            _filled(late[p], given) if p in late else loop[kept.index(p)] for p in range(len(self.outputs))
        ]
        return [*results, self.count if self.node.get("condition") is None else loop[-1]]

    def _loop(self, kept: Sequence[int], stacked: Sequence[Node]) -> tuple[Node, ...]:
        """The results of a loop of what stays, and the rows of further values."""
        fresh = Fresh(names_in(self.body))
        states = [p for p in kept if p < self.carried]
        outputs = [self.body.outputs[p] for p in kept] + [(fresh(self._name(v)), v) for v in stacked]
        inputs = (self.step, *(self.inputs[p] for p in states), *self.inputs[self.carried :])
        body, operands = self._body(outputs, fresh)
        added = body.inputs
        attrs = {**dict(self.node.attrs), "carried": len(states)}
        attrs["body"] = replace(body, inputs=(*inputs, *added))
        if self.node.get("condition") is not None:
            more = tuple(argument(node["name"], node.type) for node in added)
            attrs["condition"] = replace(
                self.node["condition"], inputs=(*self.node["condition"].inputs, *more)
            )
        given = (*(self.operands[p] for p in states), *self.operands[self.carried :], *operands)
        return items(ops.loop(self.count, *given, **attrs))

    def _name(self, value: Node) -> str:
        return (
            str(value["name"]) if value.op.name == "argument" else self.body.names.get(value, value.op.name)
        )

    def _body(self, outputs: list[tuple[str, Node]], fresh: Fresh) -> tuple[Graph, list[Node]]:
        """The body with what has left as its inputs (alone); and the operands for these."""
        images: dict[Node, Node] = {}
        inputs, operands = [], []
        for node in self._leaving_of([value for _, value in outputs]):
            outside = self.outside[node]
            given = argument(fresh(self._name(node)), outside.node.type)
            images[node] = row(given, self.step) if outside.stacked else given
            inputs.append(given)
            operands.append(outside.node)
            if node in self.body.names:
                self.names[outside.node] = self.body.names[node] + "s" * outside.stacked
        graph = replace(self.body, inputs=tuple(inputs), outputs=tuple(outputs))
        return graph.rewrite(lambda node, args: images.get(node) or node.with_args(args)), operands


def _filled(result: Node, given: Mapping[Node, Node]) -> Node:
    """A result with the rows in the places of what stands for them."""
    graph = Graph((), (("result", result),))
    return graph.rewrite(lambda node, args: given.get(node) or node.with_args(args)).outputs[0][1]


class _Late:
    """Values of all steps after the loop; what is `needed` in the loop, or has no other form, it stacks."""

    def __init__(self, loop: _Loop, needed: set[Node]):
        self.loop = loop
        self.needed = needed
        self.known: dict[Node, Operand | None] = {}

    def stack(self, value: Node) -> Node | None:
        """The rows of a value."""
        found = self.operand(value)
        return None if found is None else with_axis(found, self.loop.length)

    def operand(self, value: Node) -> Operand | None:
        for node in topological([value]):
            if node not in self.known:
                self.known[node] = self._found(node)
        return self.known[value]

    def _found(self, node: Node) -> Operand | None:
        loop = self.loop
        if node in loop.outside:
            return loop.outside[node]
        if _is_leaf(node):
            return Operand(node, False)
        read = node.op in (ops.gather, ops.getitem) and node.args[0] not in loop.outside
        if node not in self.needed and node.args and node.op.name not in RANDOM and not read:
            image = loop._image(node, {a: o for a in node.args if (o := self.known[a]) is not None})
            if image is not None:
                return image
        if node.type.kind == TUPLE or any(map(is_local, node.shape)) or degree(node.shape) > loop.limit:
            return None
        return Operand(loop.stack_of(node), True)

    def total(self, start: Node, terms: Sequence[Node]) -> Node | None:
        """A carried value after the last step: what it was before the first, and what each step adds."""
        empty = _is_zero(start)
        for term in reversed(terms):
            added = (
                self._updated(start, term, empty) if term.op in (ops.add_at, ops.set_at) else self.sum(term)
            )
            if added is None:
                return None
            in_place = term.op in (ops.add_at, ops.set_at)
            start = added if empty or in_place else start + added
            empty = False
        return start

    def _updated(self, start: Node, term: Node, empty: bool) -> Node | None:
        """The rows put where the steps put them; by a slice, or all positions at once."""
        _, value, *positions = term.args
        rows = self.stack(value)
        items_ = term["index"]
        axes = [i for i, item in enumerate(items_) if item[0] == "array"]
        if rows is None or len(axes) != 1 or any(item[0] == "new" for item in items_):
            return None
        axis, place = axes[0], affine(positions[0], self.loop.step)
        if place is not None and place[0]:
            index = tuple(
                ("slice", place[1], self.loop.length, place[0]) if i == axis else it
                for i, it in enumerate(items_)
            )
            return _placed(start, rows, index, axis, term.op is ops.set_at, empty)
        at = self.operand(positions[0])
        if term.op is ops.set_at or axis or at is None or not at.stacked:
            return None
        if empty:
            return ops.scatter_add(rows, at.node, shape=start.shape, index=items_)
        return ops.add_at(start, rows, at.node, index=items_)

    def sum(self, term: Node) -> Node | None:
        """The sum of a value over all steps."""
        total: Node | None = None
        pending = [(term, False)]
        while pending:
            node, negative = pending.pop()
            apart = node not in self.loop.outside and node not in self.needed
            if (
                apart
                and node.op in (ops.add, ops.sub)
                and node.args[0].type == node.args[1].type == node.type
            ):
                pending.append((node.args[1], negative != (node.op is ops.sub)))
                pending.append((node.args[0], negative))
            elif apart and node.op is ops.neg:
                pending.append((node.args[0], not negative))
            else:
                part = self._part(node, apart)
                if part is None:
                    return None
                if total is None:
                    total = -part if negative else part
                else:
                    total = total - part if negative else total + part
        return total

    def _part(self, node: Node, apart: bool) -> Node | None:
        if apart and node.op.name in PRODUCTS:
            product = self._product(node)
            if product is not None:
                return product
        if apart and node.op is ops.sum and node.rank:
            inner = self.operand(node.args[0])
            if inner is not None and inner.stacked:
                return (
                    ops.sum(inner.node, axis=(0, *(a + 1 for a in node["axis"])), keepdims=False)
                    if not node["keepdims"]
                    else None
                )
        found = self.operand(node)
        if found is None:
            return None
        if not found.stacked:
            count = ops.cast(ops.dim_value(self.loop.length), found.node.type.kind)
            return found.node * count
        return ops.sum(found.node, axis=(0,), keepdims=False)

    def _product(self, node: Node) -> Node | None:
        """The sum of products as one product of all rows."""
        a, b = node.args
        if node.op is ops.outer:
            left, right = self.operand(a), self.operand(b)
            if left is None or right is None or not (left.stacked and right.stacked):
                return None
            return ops.transpose(left.node, axes=(1, 0)) @ right.node
        if a.rank != 2 or b.rank != 2:
            return None
        if a.op is ops.transpose and a not in self.loop.outside:
            left, right = self.operand(a.args[0]), self.operand(b)
        else:
            left, right = self.operand(a), self.operand(b)
            if left is not None and left.stacked:
                left = Operand(ops.transpose(left.node, axes=(0, 2, 1)), True)
        if left is None or right is None or not (left.stacked and right.stacked):
            return None
        return ops.transpose(flat(left.node, 1), axes=(1, 0)) @ flat(right.node, 1)


def _placed(
    start: Node, rows: Node, index: tuple[tuple[object, ...], ...], axis: int, once: bool, empty: bool
) -> Node | None:
    """An array with these rows at a slice of an axis."""
    place = sum(item[0] != "at" for item in index[:axis])
    order = (*range(1, place + 1), 0, *range(place + 1, rows.rank))
    placed = rows if place == 0 else ops.transpose(rows, axes=order)
    full = index == tuple(map(whole, start.shape))
    if full:
        return placed if empty or once else start + placed
    if once:
        return None
    return (
        ops.put(placed, shape=start.shape, index=index) if empty else ops.add_at(start, placed, index=index)
    )


def _is_zero(node: Node) -> bool:
    value = node.args[0] if node.op is ops.broadcast_to else node
    return const_value(value) == 0.0 or node.op is ops.zeros_like


def _terms(total: Node, state: Node, uses: dict[Node, int]) -> list[Node] | None:
    """What a step adds to a carried value that it uses for nothing else; None where it does more."""
    terms: list[Node] = []
    while total is not state:
        if uses.get(total, 0) != 1:
            return None
        if total.op is ops.add_at or (total.op is ops.set_at and total["once"]):
            terms.append(total)
            total = total.args[0]
        elif total.op is ops.add:
            left, right = total.args
            onto = left if _leads_to(left, state) else right
            terms.append(right if onto is left else left)
            if _leads_to(terms[-1], state) or terms[-1].type != state.type:
                return None
            total = onto
        else:
            return None
    return terms if terms and uses.get(state, 0) == 1 else None


def _leads_to(node: Node, state: Node) -> bool:
    while node is not state:
        if node.op in (ops.add_at, ops.set_at):
            node = node.args[0]
        elif node.op is ops.add:
            node = node.args[0] if _leads_to(node.args[0], state) else node.args[1]
        else:
            return False
    return True
