"""What of a loop's body can be computed before the loop, for all steps at once.

    loop(T, h_0, x, W; (t, h, x, W) -> tanh(x[t] @ W + h))        x[t] @ W for all t:  x @ W

A value can that depends on the step's number and on what is given alone, and whose op has a form on the
values of all steps (`batch.py`). What depends on what is given alone is computed once.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .. import ops
from ..cost import Costs, machine_called
from ..ir import Graph, Node, topological
from ..ops import argument
from ..ops.control import is_local, may_be_missing
from ..ops.indexing import whole
from ..types import INT, TUPLE, Dim, Shape
from .batch import affine, rows_at
from .batch_control import RANDOM, image_of, inside, is_leaf
from .operands import Operand
from .unroll_small import is_of_numbers

PRODUCTS = frozenset({"matmul", "outer"})
READS = frozenset({
    "gather", "getitem", "reshape", "transpose", "broadcast_to", "to_real", "to_int", "to_bool", "argument",
    "const", "dim", "stop_gradient",
})  # fmt: skip

# The rows of a stack; dims that only run time knows are taken to be so small.
ROWS = Costs(machine_called("AVX2"), assumed=32)


def degree(shape: Shape) -> int:
    """How many dims that only run time knows are multiplied in the size."""
    total = 0
    for dim in shape:
        total += max((len(monomial) for monomial, _ in dim.terms), default=0)
    return total


def is_short(row: Node) -> bool:
    """Whether a call in each step is dearer than a row that goes to memory and comes back from it.

    Numbers are computed without a call of NumPy's, as quickly as a number in an array is written and read.
    """
    if not row.rank and not any(arg.rank for arg in row.args):
        return False
    return ROWS.traffic(row, 2.0, 0.2) < ROWS.machine.call("mul")


@dataclass
class Early:
    """One loop; `outside` are the values of all steps, or those that no step changes."""

    node: Node
    everything: bool
    outside: dict[Node, Operand] = field(default_factory=dict)
    stacks: dict[Node, Node] = field(default_factory=dict)  # stand for the rows of a step's values

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
        # Rows of which a branch left some out are kept in lists, which are read one by one.
        pairs = zip(self.inputs, self.operands)
        self.loose = frozenset(i for i, o in pairs if may_be_missing(o))
        written = (ops.set_at, ops.add_at)  # arrays of which a step handles an element
        handled = [s for s, new in zip(self.states, self.outputs) if new.op not in written]
        handled += [*self.outputs[self.carried :], *filter(self.is_read, self.order)]
        self.limit = max((degree(node.shape) for node in handled), default=0)
        self.of_numbers = self.everything and is_of_numbers(self.body)

    def is_read(self, node: Node) -> bool:
        """What a step reads of an array that it is given."""
        return node.op is ops.gather and all(a.type == INT for a in node.args[1:])

    def find(self) -> None:
        """Find what depends on the step's number and on what is given alone."""
        given = zip(self.inputs[self.carried :], self.operands[self.carried :])
        self.outside.update((i, Operand(o, False)) for i, o in given if i not in self.loose)
        if self.counted:
            steps = ops.arange(start=Dim.of(0), step=1, count=self.length)
            self.outside[self.step] = Operand(steps, True)
        for node in self.order:
            if node.op.name not in RANDOM:
                image = self.image(node, self.outside)
                if image is not None:
                    self.outside[node] = image

    def image(self, node: Node, known: Mapping[Node, Operand]) -> Operand | None:
        """The node outside of the loop, where all its arguments are there."""
        if node.type.kind == TUPLE and not self.node.get("directions"):
            return None  # it might read what is only there where the loop has steps
        if not node.args:
            return Operand(node, False) if is_leaf(node) else None
        if not all(a in known or is_leaf(a) for a in node.args):
            return None
        operands = [known.get(a) or Operand(a, False) for a in node.args]
        if not any(o.stacked for o in operands):
            return image_of(node, operands, self.length)
        if not all(map(self._fits, inside(node))):
            return None
        rows = self.rows(node, operands)
        return Operand(rows, True) if rows is not None else image_of(node, operands, self.length)

    def _fits(self, node: Node) -> bool:
        """Whether the rows of such a value may be handled together; what is given is there as it is."""
        return node.op.name == "argument" or (
            not any(map(is_local, node.shape)) and degree(node.shape) <= self.limit
        )

    def rows(self, node: Node, operands: Sequence[Operand]) -> Node | None:
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

    def is_worth(self, roots: Iterable[Node], inside: Container[Node] = (), short: bool = True) -> bool:
        """Whether a value is more than something read; without products, where its rows are short."""
        found = {n.op.name for n in topological(roots, inside)}
        return bool(found & PRODUCTS) or (self.everything and short and not found <= READS)

    def leaving_of(self, outputs: Sequence[Node]) -> list[Node]:
        found: dict[Node, None] = {}
        stack, seen = list(outputs), set()
        while stack:
            node = stack.pop()
            if node in seen or not node.args:
                continue
            seen.add(node)
            if node in self.outside and self.may_leave(node):
                found[node] = None
            else:
                stack.extend(node.args)
        return [node for node in self.order if node in found]

    def may_leave(self, node: Node) -> bool:
        if node.type.kind == TUPLE or node.op is ops.item:
            return False
        if not self.outside[node].stacked:
            return node.type.kind == "real" and node.op.name not in READS
        # What is computed of the step's number is no faster read from a list.
        short = bool(self.node.get("directions")) or (is_short(node) and not self.of_numbers)
        return (node.type.kind != "int" or node.rank > 0) and self.is_worth([node], short=short)

    def stack_of(self, value: Node) -> Node:
        """Stands for the rows of a value that the loop computes."""
        if value not in self.stacks:
            type_ = value.type.with_shape((self.length, *value.shape))
            self.stacks[value] = argument(f"stack {len(self.stacks)}", type_)
        return self.stacks[value]
