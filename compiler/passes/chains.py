"""The order of chains of matrix products, by what they cost.

    (A @ B) @ x                  →    A @ (B @ x)
    (x @ V) @ W                  →    branch(cost of one order <= cost of the other, …)

Matrices multiply in any order; the number of operations may differ by the size of a dim (Godbole, "On
efficient computation of matrix chain products", IEEE Trans. Comput. 1973). Where one order is the best
whatever the dims are, or nearly, it is taken. Otherwise, if `choose`, the module compares at run time; else
the order of the model stays. What the model gives a name, and what is read twice, stays whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, reduce
from itertools import islice, product
from typing import Union

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from ..ops.control import is_local
from ..types import Dim
from .bodies import in_bodies

Order = Union[int, tuple["Order", "Order"]]  # a factor, or the product of two orders

MOST_FACTORS = 6  # of a chain of which all orders are looked at; a longer one stays as it is
MOST_ORDERS = 3  # that a module chooses between
SIZES = (2, 20, 200, 2000)  # of dims that are not known
TRIED = 1024  # combinations of sizes
NEARLY = 1.25  # times the fewest operations: as good as the best


@record(frozen=True)
class Chains:
    choose: bool = False
    name: str = "chains"

    def run(self, graph: Graph) -> Graph:
        if ops.matmul not in graph.ops:
            return graph
        graph = in_bodies(graph, {}, lambda body, ranges, node: Chains().run(body))
        chains = _chains(graph)
        if not chains:
            return graph
        images: dict[Node, Node] = {}
        told: list[tuple[str, Node]] = []

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            new = node.with_args(args)
            if node in chains:
                present, factors = chains[node]
                orders = _best_orders(present, factors, self.choose)
                if orders != [present]:
                    new = _chosen(orders, [images[f] for f in factors])
                    told.append((_told(orders, factors, graph), node))
            images[node] = new
            return new

        after = graph.rewrite(step)
        for text, node in told:
            after = after.noted("ordered", text, node)
        return after


def _chains(graph: Graph) -> dict[Node, tuple[Order, list[Node]]]:
    """The products of three or more factors: their present order and the factors."""
    nodes = graph.nodes()
    uses = Counter(arg for node in nodes for arg in node.args)
    uses.update(node for _, node in graph.outputs)
    found: dict[Node, tuple[Order, list[Node]]] = {}
    inner: set[Node] = set()
    for node in reversed(nodes):
        if _is_product(node) and node not in inner:
            order, factors = _taken_apart(node, graph, uses, inner)
            if 3 <= len(factors) <= MOST_FACTORS:
                found[node] = order, factors
    return found


def _is_product(node: Node) -> bool:
    return node.op is ops.matmul and all(arg.rank <= 2 for arg in node.args)


def _taken_apart(root: Node, graph: Graph, uses: Counter[Node], inner: set[Node]) -> tuple[Order, list[Node]]:
    """The factors from left to right, and how they are multiplied now; products inside go to `inner`."""
    factors: list[Node] = []
    orders: list[Order] = []
    waiting: list[tuple[Node, bool]] = [(root, False)]
    while waiting:
        node, done = waiting.pop()
        if done:
            behind, ahead = orders.pop(), orders.pop()
            orders.append((ahead, behind))
        elif node is root or node in inner:
            left, right = node.args
            waiting.append((node, True))
            for arg in (right, left):
                if _is_product(arg) and arg.rank == 2 and uses[arg] == 1 and arg not in graph.names:
                    inner.add(arg)
                waiting.append((arg, False))
        else:
            orders.append(len(factors))
            factors.append(node)
    return orders[0], factors


def _orders(first: int, last: int) -> Iterator[Order]:
    """All ways to multiply the factors from `first` to `last`."""
    if first == last:
        yield first
        return
    for middle in range(first, last):
        for left in _orders(first, middle):
            for right in _orders(middle + 1, last):
                yield left, right


@cache
def _all_orders(count: int) -> tuple[Order, ...]:
    return tuple(_orders(0, count - 1))


def _cost(order: Order, dims: Sequence[Dim]) -> Dim:
    """Multiplications; factor i has dims[i] rows and dims[i + 1] columns."""
    total, pending = Dim.of(0), [order]
    while pending:
        current = pending.pop()
        if isinstance(current, tuple):
            left, right = current
            total = total + dims[_ends(left)[0]] * dims[_ends(right)[0]] * dims[_ends(right)[1] + 1]
            pending += current
    return total


def _ends(order: Order) -> tuple[int, int]:
    """The first and the last factor."""
    first = last = order
    while isinstance(first, tuple):
        first = first[0]
    while isinstance(last, tuple):
        last = last[1]
    return first, last


def _dims(factors: Sequence[Node]) -> list[Dim]:
    """The rows of each factor, and the columns of the last; of a vector at an end 1."""
    one = Dim.of(1)
    first, last = factors[0], factors[-1]
    rows = [first.shape[0] if first.rank == 2 else one, *(f.shape[0] for f in factors[1:])]
    return [*rows, last.shape[1] if last.rank == 2 else one]


def _best_orders(present: Order, factors: Sequence[Node], choose: bool) -> list[Order]:
    """The order to take, the present one if it is as good as any; several where it depends on the dims."""
    dims = _dims(factors)
    orders = [present, *(o for o in _all_orders(len(factors)) if o != present)]
    costs = [_cost(order, dims) for order in orders]
    symbols = sorted(set().union(*(cost.symbols for cost in costs)))
    points = [dict(zip(symbols, sizes)) for sizes in islice(product(SIZES, repeat=len(symbols)), TRIED)]
    counted = [[cost.evaluate(point) for cost in costs] for point in points]
    always = (i for i in range(len(orders)) if all(row[i] <= NEARLY * min(row) for row in counted))
    best = next(always, None)
    if best is not None:
        return [orders[best]]
    if not choose or any(map(is_local, dims)):
        return [present]
    won = Counter(row.index(min(row)) for row in counted)
    return [orders[i] for i, _ in won.most_common(MOST_ORDERS)]


def _multiplied(order: Order, factors: Sequence[Node]) -> Node:
    built: list[Node] = []
    waiting: list[tuple[Order, bool]] = [(order, False)]
    while waiting:
        current, done = waiting.pop()
        if not isinstance(current, tuple):
            built.append(factors[current])
        elif done:
            right, left = built.pop(), built.pop()
            built.append(ops.matmul(left, right))
        else:
            waiting += [(current, True), (current[1], False), (current[0], False)]
    return built[0]


def _chosen(orders: Sequence[Order], factors: Sequence[Node]) -> Node:
    """The product in the only order, or in whichever costs the least at run time."""
    first, *others = orders
    if not others:
        return _multiplied(first, factors)
    own, *costs = (ops.dim_value(_cost(order, _dims(factors))) for order in orders)
    condition = reduce(ops.logical_and, (ops.less_equal(own, cost) for cost in costs))
    given = tuple(dict.fromkeys(factors))
    inputs = {f: ops.argument(f"factor_{i}", f.type) for i, f in enumerate(given)}
    inside = [inputs[f] for f in factors]
    then, orelse = (
        Graph(tuple(inputs.values()), (("product", value),))
        for value in (_multiplied(first, inside), _chosen(others, inside))
    )
    return ops.item(ops.branch(condition, *given, then=then, orelse=orelse), position=0)


def _told(orders: Sequence[Order], factors: Sequence[Node], graph: Graph) -> str:
    names = [graph.names.get(f) or (f["name"] if f.op.name == "argument" else "…") for f in factors]
    texts = [_text(order, names) for order in orders]
    return texts[0] if len(texts) == 1 else "by the dims at run time: " + " or ".join(texts)


def _text(order: Order, names: Sequence[str]) -> str:
    if not isinstance(order, tuple):
        return names[order]
    left, right = (_text(o, names) for o in order)
    return f"{left} @ ({right})" if isinstance(order[1], tuple) else f"{left} @ {right}"
