"""Rules for ops that move elements: reshapes of reshapes, broadcasts that broadcasting does anyway.

    mul(broadcast_to(s), y)                   →   mul(s, y)
    mul(2.0, broadcast_to(s))                 →   broadcast_to(mul(2.0, s))
    reshape(sum(x, keepdims=True))            →   sum(x, keepdims=False)

They give the same bits. A rule is a function from a node to its replacement, None where it doesn't apply,
listed under the op that it is for; `ELEMENTWISE` is for every elementwise op.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ... import ops
from ...ir import Node
from ...ops.shape import swap_last
from ...types import broadcast
from .directions import of_both_sides, of_units, ones_on_diagonal, units_by_rows
from .factors import scale_through_view
from .parts import joined_parts, whole_put
from .spread import product_of_equals, sum_of_equals

StructureRule = Callable[[Node], "Node | None"]
REDUCTIONS = frozenset(["sum", "mean", "prod", "max", "min", "var", "std", "logsumexp", "norm", "all", "any"])


# --- reshape, transpose, broadcast_to ----------------------------------------------------------------


def _reshape(node: Node) -> Node | None:
    inner = node.args[0]
    if inner.shape == node.shape:
        return inner
    if inner.op.name == "reshape":
        return ops.reshape(inner.args[0], shape=node.shape)
    if inner.op.name == "broadcast_to" and inner.args[0].rank == 0:
        return ops.broadcast_to(inner.args[0], shape=node.shape) if node.shape else inner.args[0]
    return None


def without_kept_dims(node: Node) -> Node | None:
    """A reshape that drops what the reduction below kept; for reductions with no other use."""
    inner = node.args[0] if node.op.name == "reshape" else node
    if inner is node or inner.op.name not in REDUCTIONS or not inner["keepdims"]:
        return None
    dropped = inner.op(*inner.args, **{**dict(inner.attrs), "keepdims": False})
    return dropped if dropped.shape == node.shape else None


def sum_before_product(node: Node) -> Node | None:
    """sum(A @ B) over rows as sum(A) @ B, which is that much less work; for products with no other use."""
    product = node.args[0]
    rows = product.rank - 2
    if node.op is not ops.sum or product.op is not ops.matmul:
        return None
    if rows not in node["axis"] or product.args[0].rank < 2:
        return None
    left, right = product.args
    if right.rank < 2 or left.shape[-2].known == 1 or node.type.kind != "real":
        return None
    total = ops.matmul(ops.sum(left, axis=(left.rank - 2,), keepdims=True), right)
    return ops.reshape(total, shape=node.shape) if node["axis"] == (rows,) else node.with_args((total,))


def sum_of_products(node: Node) -> Node | None:
    """The sum over a stack of products as one, of all columns by all rows; for products with no other use."""
    product = node.args[0]
    if node.op is not ops.sum or node["axis"] != (0,) or node["keepdims"] or product.op is not ops.matmul:
        return None
    left, right = product.args
    if left.rank != 3 or right.rank != 3 or left.shape[0] != right.shape[0]:
        return None
    columns = _one_below_another(ops.transpose(left, axes=(0, 2, 1)))
    return ops.transpose(columns, axes=(1, 0)) @ _one_below_another(right)


def _one_below_another(stack: Node) -> Node:
    """The rows of all matrices of a stack."""
    return ops.reshape(stack, shape=(stack.shape[0] * stack.shape[1], stack.shape[2]))


def transposed_product(node: Node) -> Node | None:
    """(A @ B)ᵀ as Bᵀ @ Aᵀ, which lies in memory by rows; for products with no other use."""
    product, rank = node.args[0], node.rank
    if node.op is not ops.transpose or product.op is not ops.matmul or rank < 2:
        return None
    swapped = (*range(rank - 2), rank - 1, rank - 2)
    if node["axes"] != swapped or any(arg.rank < 2 for arg in product.args):
        return None
    return ops.matmul(*map(swap_last, reversed(product.args)))


def _transpose(node: Node) -> Node | None:
    inner, axes = node.args[0], node["axes"]
    if axes == tuple(range(len(axes))):
        return inner
    if inner.op.name == "transpose":
        return ops.transpose(inner.args[0], axes=tuple(inner["axes"][a] for a in axes))
    if inner.op.name == "broadcast_to" and inner.args[0].rank == 0:
        return ops.broadcast_to(inner.args[0], shape=node.shape)
    return None


def _broadcast_to(node: Node) -> Node | None:
    inner = node.args[0]
    if inner.shape == node.shape:
        return inner
    if inner.op.name == "broadcast_to" or (inner.op.name == "reshape" and _adds_leading_ones(inner)):
        return ops.broadcast_to(inner.args[0], shape=node.shape)
    return None


def _adds_leading_ones(reshape: Node) -> bool:
    old, new = reshape.args[0].shape, reshape.shape
    extra = len(new) - len(old)
    return extra > 0 and new[extra:] == old and all(d.known == 1 for d in new[:extra])


# --- elementwise ops ---------------------------------------------------------------------------------


def _needless_broadcast(node: Node) -> Node | None:
    """An operand as it is, where the others make the shape."""
    for i, arg in enumerate(node.args):
        if arg.op.name == "broadcast_to" or (arg.op.name == "reshape" and _adds_leading_ones(arg)):
            args = (*node.args[:i], arg.args[0], *node.args[i + 1 :])
            if broadcast(*(a.shape for a in args)) == node.shape:
                return node.with_args(args)
    return None


def _late_broadcast(node: Node) -> Node | None:
    """f(broadcast_to(s)) as broadcast_to(f(s)): computed once and not for every element."""
    if not any(a.op.name == "broadcast_to" for a in node.args):
        return None
    small = [a.args[0] if a.op.name == "broadcast_to" else a for a in node.args]
    shape = broadcast(*(a.shape for a in small))
    if shape == node.shape:
        return None
    return ops.broadcast_to(node.with_args(small), shape=node.shape)


# --- reductions --------------------------------------------------------------------------------------


def _of_nothing(node: Node) -> Node | None:
    """A sum over no axes."""
    return node.args[0] if not node["axis"] and node.args[0].type == node.type else None


def _of_negative(node: Node) -> Node | None:
    """sum(-x) as -sum(x)."""
    inner = node.args[0]
    return -node.with_args(inner.args) if inner.op.name == "neg" else None


def _cast(node: Node) -> Node | None:
    return node.args[0] if node.args[0].type == node.type else None


def _just_written(node: Node) -> Node | None:
    """hs[t] of the hs in which hs[t] = h has just been written is h."""
    inner = node.args[0]
    if inner.op.name != "set_at" or inner["index"] != node["index"] or inner.args[2:] != node.args[1:]:
        return None
    return inner.args[1] if inner.args[1].type == node.type else None


STRUCTURE_RULES: Mapping[str, tuple[StructureRule, ...]] = {
    "reshape": (_reshape,),
    "transpose": (_transpose,),
    "broadcast_to": (_broadcast_to,),
    "sum": (_of_nothing, _of_negative),
    "mean": (_of_nothing, _of_negative),
    "gather": (_just_written,),
    "getitem": (_just_written,),
    "to_real": (_cast,),
    "to_int": (_cast,),
    "to_bool": (_cast,),
}
ELEMENTWISE: tuple[StructureRule, ...] = (_needless_broadcast, _late_broadcast)
ADJOINT_STRUCTURE: Mapping[str, tuple[StructureRule, ...]] = {
    "sum": (sum_of_equals,),
    "add": (joined_parts, of_both_sides),
    "put": (whole_put,),
    "matmul": (of_units, units_by_rows, product_of_equals),
    "mul": (scale_through_view,),
    "put_diagonal": (ones_on_diagonal,),
}
