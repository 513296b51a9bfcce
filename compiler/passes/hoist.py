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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node, Origin, topological
from ..ops import argument
from ..ops.control import items
from ..ops.indexing import row
from ..types import TUPLE
from .batch_control import origins_of
from .bodies import loops_replaced, settling
from .early import Early
from .late import Late, Term, terms_of
from .operands import Operand
from .structured import Fresh, names_in


@record(frozen=True)
class Hoist:
    """`everything`: also where it makes arrays of the values of all steps."""

    everything: bool = False
    name: str = "hoist"

    def run(self, graph: Graph) -> Graph:
        if not any(node.type.kind == TUPLE for node in graph.nodes()):
            return graph
        names: dict[Node, str] = {}
        origins: dict[Node, tuple[Origin, ...]] = {}

        def values(node: Node) -> list[Node] | None:
            loop = _Loop(node, self.everything)
            results = loop.results()
            if results is not None:
                loop.tell(results, names, origins)
            return results

        after = loops_replaced(graph, self._in_body, values)
        if after is graph:
            return graph
        return replace(after, names={**names, **after.names}, origins={**after.origins, **origins})

    def _in_body(self, body: Graph) -> Graph:
        return settling(body, (self.name, self.everything), self.run)


@dataclass
class _Loop(Early):
    """One loop under way."""

    is_left: bool = False
    images: dict[Node, list[Operand]] = field(default_factory=dict)  # outside, of values of the body

    def results(self) -> list[Node] | None:
        """The values of the loop's items after the work has left; None where none does."""
        self.find()
        sums = self._sums()
        late = self._late(sums)
        if not late and not self._leaving():
            return None
        return self._rebuilt(late)

    def _leaving(self) -> list[Node]:
        """What leaves the loop for its begin, and is used in what stays."""
        return self.leaving_of(self.outputs)

    def tell(
        self, results: Sequence[Node], names: dict[Node, str], origins: dict[Node, tuple[Origin, ...]]
    ) -> None:
        """What is called after values of the body; where it comes from, if no loop is left to come from."""
        outside = {self.count, *self.operands}
        made = set(topological(results, outside))
        found = [(node, image) for node in self.order for image in self._images(node) if image.node in made]
        for node, image in found:
            if node in self.body.names:
                names.setdefault(image.node, self.body.names[node] + "s" * image.stacked)
        if self.is_left:
            return
        pairs = ((node, image.node) for node, image in found)
        told = origins_of(pairs, self.body.origins, outside)
        origins.update((node, places) for node, places in told.items() if places and node in made)

    def _images(self, node: Node) -> list[Operand]:
        """The values outside that stand for a value of the body."""
        early = self.outside.get(node)
        return [*([early] if early is not None else []), *self.images.get(node, ())]

    # --- after the loop ----------------------------------------------------------------------------

    def _sums(self) -> dict[int, list[Term]]:
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
            terms = terms_of(self.outputs[position], state, self.body.users, uses)
            if terms is not None:
                found[position] = terms
        return found

    def _late(self, sums: dict[int, list[Term]]) -> dict[int, Node]:
        """The results that can be computed after the loop, by position."""
        if not self.counted:
            return {}
        roots: dict[int, list[Node]] = {}
        for position, terms in sums.items():
            roots[position] = [term.value for term in terms]
        for position in range(self.carried, len(self.outputs)):
            roots[position] = [self.outputs[position]]
        staying = [p for p in range(self.carried) if p not in sums]
        if staying and self.of_numbers:
            return {}  # one more sum of numbers is cheaper than its terms in an array
        needed = set(topological(self.outputs[p] for p in staying))
        pure = not staying
        chosen: dict[int, Node] = {}
        while True:
            chosen = {}
            inside = None if pure else needed | self.outside.keys()
            late = Late(self, needed)
            for position, values in roots.items():
                result = None
                if inside is None or self._is_gain(position, values, sums.get(position), inside):
                    result = self._result_late(late, position, values, sums.get(position))
                if result is not None:
                    chosen[position] = result
            for node, image in late.known.items():
                if image is not None:
                    self.images.setdefault(node, []).append(image)
            stuck = [self.outputs[p] for p in roots if p not in chosen]
            made = set(topological(chosen.values()))
            stacked = [value for value, stack in self.stacks.items() if pure and stack in made]
            more = set(topological([*stuck, *stacked])) - needed
            if not more:
                return chosen
            needed |= more
            pure = False

    def _result_late(
        self, late: Late, position: int, values: list[Node], terms: list[Term] | None
    ) -> Node | None:
        """A result computed after the loop; None where that can't be."""
        if terms is None:
            return late.stack(values[0])
        return late.total(self.operands[position], terms)

    def _is_gain(
        self, position: int, values: list[Node], terms: list[Term] | None, inside: set[Node]
    ) -> bool:
        """Whether less work is left to the steps, of which all values `inside` are there anyway."""
        if self.is_worth(values, inside):
            return True
        if terms is None and self.everything and values[0].rank and values[0] in self.outside:
            return True  # it is stacked anyway
        return terms is not None and bool(self.states[position].rank)

    # --- the loop that is left ---------------------------------------------------------------------

    def _rebuilt(self, late: dict[int, Node]) -> list[Node]:
        used = set(topological(late.values()))
        stacked = [value for value, stack in self.stacks.items() if stack in used]
        kept = [p for p in range(len(self.outputs)) if p not in late]
        given: dict[Node, Node] = {}
        loop: tuple[Node, ...] = ()
        self.is_left = bool(kept or stacked)
        if self.is_left:
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
        for node in self.leaving_of([value for _, value in outputs]):
            outside = self.outside[node]
            given = argument(fresh(self._name(node)), outside.node.type)
            images[node] = row(given, self.step) if outside.stacked else given
            inputs.append(given)
            operands.append(outside.node)
        graph = replace(self.body, inputs=tuple(inputs), outputs=tuple(outputs))
        return graph.with_images(images), operands


def _filled(result: Node, given: Mapping[Node, Node]) -> Node:
    """A result with the rows in the places of what stands for them."""
    graph = Graph((), (("result", result),))
    return graph.with_images(given).outputs[0][1]
