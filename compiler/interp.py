"""The interpreter: a graph's values by NumPy, op by op. It is the oracle that everything is compared with.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> evaluate(Graph((x,), (("y", x * x + 1.0),)), {"x": np.array(3.0)}, {})
{'y': array(10.)}

Reals are float64, ints int64, scalars arrays of rank 0. Object arrays pass through: with an `elementwise`
function that knows what they hold (SymPy expressions, high-precision numbers) the same walk evaluates a
graph symbolically.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .ir import Array, Graph, Literal, Node
from .types import TUPLE, Dim

Elementwise = Callable[[Node, list[Array]], Array]
Watch = Callable[[Graph, Node], None]  # is told of each node before it is evaluated
Run = Callable[..., "list[Array]"]  # a body on the values of its inputs, and the sizes of dims of its own
DTYPES = {"real": np.float64, "int": np.int64, "bool": np.bool_}


def evaluate(
    graph: Graph,
    arguments: Mapping[str, Array],
    sizes: Mapping[str, int],
    elementwise: Elementwise | None = None,
) -> dict[str, Array]:
    """The values of the outputs."""
    found = values(graph, arguments, sizes, elementwise)
    return {name: found[node] for name, node in graph.outputs}


def results(
    graph: Graph,
    arguments: Mapping[str, Array],
    sizes: Mapping[str, int],
    elementwise: Elementwise | None = None,
    watch: Watch | None = None,
) -> list[Array]:
    """The values of the outputs, in order."""
    found = values(graph, arguments, sizes, elementwise, watch)
    return [found[node] for _, node in graph.outputs]


def values(
    graph: Graph,
    arguments: Mapping[str, Array],
    sizes: Mapping[str, int],
    elementwise: Elementwise | None = None,
    watch: Watch | None = None,
) -> dict[Node, Array]:
    """The value of every node that the outputs need."""
    found: dict[Node, Array] = {}

    def run(body: Graph, given: Mapping[str, Array], own: Mapping[str, int] = {}) -> list[Array]:
        return results(body, given, {**sizes, **own}, elementwise, watch)

    with np.errstate(all="ignore"):
        for node in graph.nodes():
            if watch is not None:
                watch(graph, node)
            if node.op.name == "argument":
                found[node] = _array(arguments[node["name"]], node)
            elif elementwise is not None and node.op.elementwise:
                found[node] = elementwise(node, [found[a] for a in node.args])
            else:
                found[node] = apply(node, [found[a] for a in node.args], sizes, run)
    return found


def apply(node: Node, args: list[Array], sizes: Mapping[str, int], run: Run | None = None) -> Array:
    """One node's value from its arguments' values; `run` evaluates the bodies of loops and branches."""
    if node.op.name == "const":
        value = node["value"]
        return _array(value.array if isinstance(value, Literal) else value, node)
    if node.op.name == "dim":
        return _array(node["dim"].evaluate(sizes), node)
    attrs = {name: resolve(value, sizes, run) for name, value in node.attrs}
    with np.errstate(all="ignore"):
        return _array(node.op.eval(*args, **attrs), node)


class Body:
    """A sub-graph as a function from arguments to results, of which it knows the dtypes and shapes."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int], run: Run):
        self.graph = graph
        self.sizes = sizes
        self.run = run
        self.names = [node["name"] for node in graph.inputs]

    @property
    def types(self) -> list[tuple[Any, tuple[int, ...]]]:
        types = [node.type for _, node in self.graph.outputs]
        return [(DTYPES[t.kind], tuple(_size(d, self.sizes) or 0 for d in t.shape)) for t in types]

    def __call__(self, *args: Array, **sizes: int) -> tuple[Array, ...]:
        return tuple(self.run(self.graph, dict(zip(self.names, args)), *([sizes] if sizes else [])))


def _size(dim: Dim, sizes: Mapping[str, int]) -> int | None:
    """A size; None for one that only a loop knows."""
    return dim.evaluate(sizes) if dim.symbols <= sizes.keys() else None


def resolve(value: Any, sizes: Mapping[str, int], run: Run | None = None) -> Any:
    """An attribute with its dims as numbers, and a sub-graph as a function from arguments to results."""
    if isinstance(value, Graph):
        plain: Run = lambda graph, given, own={}: results(graph, given, {**sizes, **own})  # noqa: E731
        return Body(value, sizes, run or plain)
    if isinstance(value, Dim):
        return _size(value, sizes)
    if isinstance(value, tuple):
        return tuple(resolve(v, sizes) for v in value)
    return value


def _array(value: Any, node: Node) -> Array:
    """As an array of the node's kind; objects and tuples stay what they are."""
    if node.type.kind == TUPLE:
        results: Array = value
        return results
    array = np.asarray(value)
    return array if array.dtype == object else np.asarray(array, DTYPES[node.type.kind])
