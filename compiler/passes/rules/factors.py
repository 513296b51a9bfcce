"""Scalars that two arrays of a sum share: one multiplication or division for both.

    x / N + (-1.0 / N) * y        →   (x - y) / N
    s * x - s * y                               →   s * (x - y)
    sum(x * y[:, None], axis=1)                 →   sum(x, axis=1) * y

For sums whose terms nobody else reads; the last bit may differ. Two scalars on both sides of a view are one.
"""

from __future__ import annotations

from collections.abc import Sequence

from ... import ops
from ...ir import Graph, Node, const_value

DEEP = 6  # products that are looked into
MOST_NEAR = 16  # users of a value that are looked at
VIEWS = (ops.reshape, ops.transpose, ops.broadcast_to)


def scale_through_view(node: Node) -> Node | None:
    """s * reshape(t * x) as (s * t) * reshape(x): two scalars are multiplied before the array is."""
    found = scale_and_array(node)
    if found is None or found[1].op not in VIEWS:
        return None
    scale, view = found
    inner = scale_and_array(view.args[0])
    if inner is None:
        return None
    return (scale * inner[0]) * view.with_args((inner[1],))


def scale_behind_product(node: Node, alone: Sequence[bool]) -> Node | None:
    """(s * x) @ y as s * (x @ y) where that is smaller; `alone`: arguments that nothing else reads."""
    for position, arg in enumerate(node.args):
        if not alone[position] or node.rank >= arg.rank:
            continue
        found = _scale_taken_out(arg)
        if found is not None:
            scale, rest, over = found
            product = node.with_args(rest if i == position else a for i, a in enumerate(node.args))
            return product / scale if over else scale * product
    return None


def scaled_sum(node: Node) -> Node | None:
    """sum(s * x) as s * sum(x), or a mean: one multiplication for all; for products with no other use."""
    if node.type.kind != "real":
        return None
    found = _scale_taken_out(node.args[0])
    if found is None or found[1].type != node.args[0].type:
        return _factored_sum(node)
    scale, rest, over = found
    total = node.with_args((rest,))
    return total / scale if over else scale * total


def _factored_sum(node: Node) -> Node | None:
    """sum(x * y) as sum(x) * y, where y is the same along all that is summed."""
    product, axes = node.args[0], node["axis"]
    if product.op not in (ops.mul, ops.div):
        return None
    for rest, same in (product.args, product.args[::-1])[: 1 + (product.op is ops.mul)]:
        before = product.rank - same.rank
        if rest.type != product.type or not same.rank:
            continue
        if all(axis < before or same.shape[axis - before].known == 1 for axis in axes):
            left = [d for i, d in enumerate(same.shape) if node["keepdims"] or i + before not in axes]
            return product.op(node.with_args((rest,)), ops.reshape(same, shape=tuple(left)))
    return None


def _scale_taken_out(node: Node) -> tuple[Node, Node, bool] | None:
    """Of s * x * y / z the scalar s, the rest, and whether it divides; None where there is no scalar."""
    path: list[Node] = []
    while len(path) < DEEP:
        found = scale_and_array(node)
        if found is not None:
            scale, rest, over = *found, False
            break
        if node.op not in (ops.mul, ops.div):
            return None
        if node.op is ops.div and not node.args[1].rank and node.args[0].rank:
            rest, scale, over = *node.args, True
            break
        path.append(node)
        node = node.args[0]
    else:
        return None
    if any(outer.type != node.type for outer in path) or rest.type != node.type:
        return None
    for outer in reversed(path):
        rest = outer.with_args((rest, outer.args[1]))
    return scale, rest, over


def known_product(new: Node, old: Node, graph: Graph) -> Node | None:
    """(s * x) * y as s * (x * y), where the graph has x * y anyway; `old` is the node in the graph."""
    for before, arg, other in zip(old.args, new.args, reversed(new.args)):
        inner, now = scale_and_array(before), scale_and_array(arg)
        if inner is None or now is None or len(graph.users[before]) > 1 or now[1].type != new.type:
            continue
        partner = old.args[0] if before is old.args[1] else old.args[1]
        near = graph.users[inner[1]]
        if len(near) <= MOST_NEAR and any(
            u.op is ops.mul and partner in u.args and u is not before for u in near
        ):
            return now[0] * (now[1] * other)
    return None


def shared_scale(node: Node) -> Node | None:
    """A sum or difference of two arrays with what scales both taken out."""
    first, second = node.args
    if not node.rank or first.type != node.type or second.type != node.type:
        return None
    return _shared_divisor(node, first, second) or _shared_factor(node, first, second)


def _shared_factor(node: Node, first: Node, second: Node) -> Node | None:
    a, b = scale_and_array(first), scale_and_array(second)
    if a is None or b is None or a[0] is not b[0] or {a[1].type, b[1].type} != {node.type}:
        return None
    return a[0] * node.op(a[1], b[1])


def _shared_divisor(node: Node, first: Node, second: Node) -> Node | None:
    a, b = _over(first), _over(second)
    if a is None or b is None or a[1] is not b[1] or {a[0].type, b[0].type} != {node.type}:
        return None
    if first.op is not ops.div and second.op is not ops.div:
        return None  # as many steps as before
    return node.op(a[0], b[0]) / a[1]


def scale_and_array(node: Node) -> tuple[Node, Node] | None:
    """s and x of s * x."""
    if node.op is not ops.mul:
        return None
    for scale, array in (node.args, node.args[::-1]):
        if not scale.rank and array.rank:
            return scale, array
    return None


def _over(node: Node) -> tuple[Node, Node] | None:
    """x and s of x / s; of (c / s) * x with a constant c, c * x and s."""
    if node.op is ops.div and not node.args[1].rank:
        return node.args[0], node.args[1]
    found = scale_and_array(node)
    if found is None or found[0].op is not ops.div:
        return None
    (constant, divisor), array = found[0].args, found[1]
    value = const_value(constant)
    if not isinstance(value, float) or const_value(divisor) is not None:
        return None
    return (array if value == 1.0 else -array if value == -1.0 else constant * array), divisor
