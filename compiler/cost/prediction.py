"""Predicted time and memory of a graph at given sizes, from a machine's measured numbers.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.cost.machine import machine_called
>>> from autodiffc.compiler.types import Dim, Type
>>> x = ops.argument("x", Type("real", (Dim.symbol("N"),)))
>>> graph = Graph((x,), (("y", ops.sum(ops.exp(x), axis=(0,), keepdims=False)),))
>>> cost = estimate(graph, {"N": 1000}, machine_called("AVX512"))
>>> cost.flops, cost.bytes, cost.peak, 1e-6 < cost.seconds < 1e-5
(2000, 24008, 8008, True)

A call has a price, and elements have one; where the arrays are larger than the cache, memory's speed is the
limit (Williams, Waterman, Patterson: Roofline, 2009), and fresh pages are paid for. The sizes that a caller
doesn't give are taken to be `ASSUMED`, the steps of a loop that only run time knows `STEPS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from autodiffc.grammar.records import record

from ..ir import Graph, Node, topological
from ..ops.control import is_local
from ..ops.tiles import TILE
from ..types import Dim, Shape
from .formulas import REAL_BYTES, bytes_of, counted, elements, graph_work, is_scalar, kind
from .machine import Machine

ASSUMED, STEPS = 128, 16
PAGE = 4096
# What stands in the machine's table for the kinds of ops that it doesn't have by name.
STANDING = {
    "elementwise": "mul", "reduction": "sum", "pick": "take", "update": "scatter", "move": "concatenate",
}  # fmt: skip
SLOW = 0.8  # ns for an element, from where an op on Python numbers calls a function of `math`


@record(frozen=True)
class Cost:
    """Predicted seconds, operations, bytes read and written, the most bytes alive at once."""

    seconds: float
    flops: int
    bytes: int
    peak: int


class _Sizes(dict[str, int]):
    """The sizes of dims, and an assumed one of those that are not given."""

    def __init__(self, given: Mapping[str, int], assumed: int):
        super().__init__(given)
        self.assumed = assumed

    def __missing__(self, name: str) -> int:
        return STEPS if is_local(Dim.symbol(name)) else self.assumed


class Costs:
    """What nodes cost at given sizes on a machine; `real` are the bytes of a real number."""

    def __init__(
        self,
        machine: Machine,
        sizes: Mapping[str, int] | None = None,
        real: int = REAL_BYTES,
        assumed: int = ASSUMED,
    ):
        self.machine = machine
        self.sizes = _Sizes(sizes or {}, assumed)
        self.real = real
        self._dims: dict[Dim, int] = {}

    def number(self, formula: Dim) -> int:
        """What a formula comes to; not less than 0."""
        if formula not in self._dims:
            self._dims[formula] = max(formula.evaluate(self.sizes), 0)
        return self._dims[formula]

    def count(self, shape: Shape) -> int:
        return prod(map(self.number, shape))

    def bytes(self, node: Node) -> int:
        """The bytes of a value."""
        if node.type.items:
            return self.number(bytes_of(node.type, self.real))
        return self.count(node.shape) * {"real": self.real, "int": 8, "bool": 1}[node.type.kind]

    def nanoseconds(self, node: Node) -> float:
        """The time of a node; of a loop or a branch, with its bodies."""
        found = kind(node)
        if found == "free":
            return self.machine.call("view") if node.op.view else 0.0
        if found == "control":
            return self._control(node)
        if is_scalar(node):
            return self.machine.scalar_call if self._element(node) > SLOW else self.machine.scalar
        if node.op.expand is not None:
            return self._parts(node)
        if found in ("product", "factorisation"):
            return self._product(node) + self._fresh(node)
        moved = self.bytes(node) + sum(self.bytes(a) for a in node.args if a.rank)
        computed = self.count(elements(node)) * self._element(node)
        if moved > self.machine.cache_bytes:
            computed = max(computed, moved / self.machine.memory_bytes)
        return self._call(node) + computed + self._fresh(node)

    def traffic(self, node: Node, moves: float, pages: float) -> float:
        """The time that a value's bytes take to go to or from memory so often, in so many fresh pages."""
        machine = self.machine
        return self.bytes(node) * (moves / machine.memory_bytes + pages * machine.fault / PAGE)

    def graph(self, graph: Graph) -> float:
        """The time of all nodes that the outputs need."""
        return sum(map(self.nanoseconds, graph.nodes()))

    def _row(self, node: Node) -> str:
        name = node.op.name
        return name if name in self.machine.ops else STANDING.get(kind(node), "mul")

    def _element(self, node: Node) -> float:
        return self.machine.element(self._row(node)) * self.real / REAL_BYTES

    def _call(self, node: Node) -> float:
        return self.machine.call(self._row(node))

    def _fresh(self, node: Node) -> float:
        """The pages of a result that is too large for the allocator to have it at hand."""
        size = self.bytes(node)
        return size / PAGE * self.machine.fault if size > self.machine.cache_bytes else 0.0

    def _product(self, node: Node) -> float:
        """By the operations, and by what is read: the products of a vector wait for the matrix."""
        machine = self.machine
        assert node.op.flops is not None
        flops = self.number(node.op.flops(node)) * self.real / REAL_BYTES
        moved = sum(map(self.bytes, (node, *node.args)))
        if kind(node) == "factorisation":
            return machine.lapack_call + flops / machine.lapack_flops
        rate = machine.einsum_flops if node.op.name in ("einsum", "contract") else machine.gemm_flops
        return machine.matmul_call + flops / rate + moved / machine.gemv_bytes

    def _parts(self, node: Node) -> float:
        assert node.op.expand is not None
        known = set(node.args)
        expanded = node.op.expand(*node.args, **dict(node.attrs))
        return sum(self.nanoseconds(part) for part in topological([expanded]) if part not in known)

    def inside(self, node: Node) -> tuple[Costs, int]:
        """What prices its body, and how often that is done: as many rows as the cache holds make a tile."""
        if node.op.name == "loop":
            return self, self.number(node["length"])
        if node.op.name != "tiled":
            return self, 1
        rows, width = self.number(node["length"]), self.number(node["width"])
        tiles = max(1, -(-rows * width * self.real // self.machine.cache_bytes))
        sizes = {**self.sizes, str(TILE): -(-rows // tiles)}
        return Costs(self.machine, sizes, self.real, self.sizes.assumed), tiles

    def _control(self, node: Node) -> float:
        inner, times = self.inside(node)
        bodies = [inner.graph(body) for body in counted(node)]
        if node.op.name == "branch":
            return max(bodies)
        return times * sum(bodies)

    def peak(self, graph: Graph) -> int:
        """The most bytes of values that are alive at once, beyond the graph's inputs."""
        order = graph.nodes()
        kept = {self._base(node) for _, node in graph.outputs}
        last = {self._base(arg): i for i, node in enumerate(order) for arg in (*node.args, node)}
        ends: dict[int, list[Node]] = {}
        for node, i in last.items():
            if node not in kept and kind(node) != "free":
                ends.setdefault(i, []).append(node)
        alive = most = 0
        for i, node in enumerate(order):
            if kind(node) != "free":
                alive += self.bytes(node)
            inside = max((self.inside(node)[0].peak(body) for body in counted(node)), default=0)
            most = max(most, alive + inside)
            alive -= sum(self.bytes(done) for done in ends.get(i, ()))
        return most

    def _base(self, node: Node) -> Node:
        """What a view shows."""
        while kind(node) == "free" and node.args:
            node = node.args[0]
        return node


def estimate(graph: Graph, sizes: Mapping[str, int], machine: Machine, real: int = REAL_BYTES) -> Cost:
    """What a graph costs at given sizes on a machine."""
    costs, done = Costs(machine, sizes, real), graph_work(graph, real)
    return Cost(
        1e-9 * costs.graph(graph), costs.number(done.flops), costs.number(done.bytes), costs.peak(graph)
    )
