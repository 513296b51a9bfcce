"""How one axis runs through an op: which axes of its operands are cut with it, and what that gives.

    add(x: real[N, K], b: real[K])              x cut along axis 0, b whole     rows, cut along axis 0
    sum(x: real[N, K], axis=(1,))               x cut along axis 0              rows
    matmul(x: real[D, N], d: real[N, K])        x along axis 1, d along axis 0  a sum over the tiles
    gather(x: real[N, K], arange(N), y)         all along axis 0                rows, numbered in the tile

`flows` gives for an op all ways in which an axis of a given size can run through it. Ops without a rule
have none: they see arrays as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from autodiffc.grammar.records import record

from ..ir import Node
from ..ops.indexing import indexed_shape, whole
from ..ops.tiles import TILE, Axes
from ..types import Dim, Shape, Type, TypeProblem, size_of

OVER_AXES = frozenset({
    "sum", "mean", "prod", "max", "min", "all", "any", "argmax", "argmin", "max_shift", "logsumexp",
    "exp_share", "var", "centred_squares", "norm",
})  # fmt: skip
ALONG_AXIS = frozenset({
    "softmax", "log_softmax", "cumsum", "cumprod", "exclusive_cumprod", "flip", "roll",
})  # fmt: skip
ADDED_UP = frozenset({"sum", "mean", "scatter_add"})  # a mean is a sum over a number known outside


@record(frozen=True)
class Flow:
    """One way: the axis along which each operand is cut (None: it is whole), the attributes in a tile.

    `adds`: the result is a part of a sum. `numbers` are operands that number the rows from 0, in a tile too.
    """

    axes: Axes
    attrs: Mapping[str, Any] = field(default_factory=dict)
    adds: bool = False
    numbers: frozenset[int] = frozenset()


def cut(shape: Shape, axis: int) -> Shape:
    """The shape of a tile."""
    return (*shape[:axis], TILE, *shape[axis + 1 :])


def flows(node: Node, length: Dim) -> Iterator[Flow]:
    """All ways in which an axis of this size can run through a node."""
    rule = _broadcasting if node.op.elementwise else RULES.get(node.op.name)
    found = iter(()) if rule is None else rule(node, length)
    return (flow for flow in found if len(flow.axes) == len(node.args))


def result_axis(node: Node, flow: Flow) -> int | None:
    """The axis along which the result is cut, None where it is a part of a sum; TypeProblem if that fails."""
    types = [
        Type(a.type.kind, a.shape if axis is None else cut(a.shape, axis))
        for a, axis in zip(node.args, flow.axes)
    ]
    result = node.op.infer(*types, **{**dict(node.attrs), **flow.attrs})
    places = [i for i, dim in enumerate(result.shape) if TILE.symbols <= dim.symbols]
    if flow.adds and not places and result == node.type:
        return None
    if flow.adds or len(places) != 1 or result.shape != cut(node.shape, places[0]):
        raise TypeProblem("E0203", f"{result} is not a tile of {node.type}")
    return places[0]


def _places(shape: Shape, length: Dim) -> list[int]:
    return [i for i, dim in enumerate(shape) if dim == length]


# --- elementwise, and what broadcasts ----------------------------------------------------------------


def _aligned(shape: Shape, rank: int, axis: int, length: Dim) -> int | None:
    """The axis of an operand that meets an axis of the result; None where it is broadcast along that."""
    own = axis - (rank - len(shape))
    return own if own >= 0 and shape[own] == length else None


def _broadcasting(node: Node, length: Dim) -> Iterator[Flow]:
    for axis in _places(node.shape, length):
        yield Flow(tuple(_aligned(a.shape, node.rank, axis, length) for a in node.args))


def _broadcast_to(node: Node, length: Dim) -> Iterator[Flow]:
    for axis in _places(node.shape, length):
        own = _aligned(node.args[0].shape, node.rank, axis, length)
        yield Flow((own,), {"shape": cut(node.shape, axis)})


# --- reductions --------------------------------------------------------------------------------------


def _over_axes(node: Node, length: Dim) -> Iterator[Flow]:
    for axis in _places(node.args[0].shape, length):
        if axis not in node["axis"]:
            yield Flow((axis,))
        elif node.op.name in ADDED_UP and length not in node.shape:
            yield Flow((axis,), adds=True)


def _along_axis(node: Node, length: Dim) -> Iterator[Flow]:
    along = node["axis"] if isinstance(node["axis"], tuple) else (node["axis"],)
    yield from (Flow((axis,)) for axis in _places(node.shape, length) if axis not in along)


# --- products ----------------------------------------------------------------------------------------


def _by_letters(terms: Sequence[str], result: str, node: Node, length: Dim) -> Iterator[Flow]:
    """Products whose axes are named by letters, those that the result lacks being summed over."""
    sizes = {c: dim for term, a in zip(terms, node.args) for c, dim in zip(term, a.shape) if dim.known != 1}
    for letter in dict.fromkeys("".join([result, *terms])):
        if sizes.get(letter) == length and all(term.count(letter) < 2 for term in terms):
            found = [term.find(letter) if letter in term else None for term in terms]
            axes = [
                None if axis is None or a.shape[axis] != length else axis for axis, a in zip(found, node.args)
            ]
            yield Flow(tuple(axes), adds=letter not in result)


def _matmul(node: Node, length: Dim) -> Iterator[Flow]:
    a, b = (arg.rank for arg in node.args)
    stack = "ABCDEFGH"
    left = (stack[: max(a - 2, 0)][::-1] + "mk")[-a:] if a > 1 else "k"
    right = stack[: max(b - 2, 0)][::-1] + ("kn" if b > 1 else "k")
    rows, columns = "m" * (a > 1), "n" * (b > 1)
    yield from _by_letters((left, right), stack[: max(a - 2, b - 2, 0)][::-1] + rows + columns, node, length)


def _outer(node: Node, length: Dim) -> Iterator[Flow]:
    return _by_letters(("m", "n"), "mn", node, length)


def _einsum(node: Node, length: Dim) -> Iterator[Flow]:
    terms, _, result = node["spec"].partition("->")
    return _by_letters(terms.split(","), result, node, length)


def _tensordot(node: Node, length: Dim) -> Iterator[Flow]:
    first, second = node["axes"]
    a, b = (arg.rank for arg in node.args)
    left = "".join(chr(ord("a") + i) for i in range(a))
    right = "".join(left[first[second.index(i)]] if i in second else chr(ord("A") + i) for i in range(b))
    kept = [c for i, c in enumerate(left) if i not in first]
    return _by_letters((left, right), "".join(kept + [c for c in right if c.isupper()]), node, length)


# --- moves of elements -------------------------------------------------------------------------------


def _transpose(node: Node, length: Dim) -> Iterator[Flow]:
    yield from (Flow((axis,)) for axis in _places(node.args[0].shape, length))


def _reshape(node: Node, length: Dim) -> Iterator[Flow]:
    old, new = node.args[0].shape, node.shape
    for axis in _places(old, length):
        before = size_of(old[:axis])
        for place in _places(new, length):
            if size_of(new[:place]) == before:
                yield Flow((axis,), {"shape": cut(new, place)})


def _joined(node: Node, length: Dim) -> Iterator[Flow]:
    """concatenate and stack along another axis."""
    for axis in _places(node.args[0].shape, length):
        if axis != node["axis"] or node.op.name == "stack":
            yield Flow((axis,) * len(node.args))


def _axes_of(index: Sequence[Any]) -> list[int]:
    """The positions of the items of an index that stand for axes."""
    return [i for i, item in enumerate(index) if item[0] != "new"]


def _with_item(index: Sequence[Any], place: int, item: Any) -> tuple[Any, ...]:
    return (*index[:place], item, *index[place + 1 :])


def _indexed(
    shape: Shape, index: Any, arrays: Sequence[Node], length: Dim
) -> Iterator[tuple[int | None, Flow]]:
    """Ways through `x[index]`: the axis of x that is cut, those of the index arrays, the index in a tile."""
    plain = (None,) * len(arrays)
    for axis, place in enumerate(_axes_of(index)):
        if shape[axis] != length:
            continue
        if index[place] == whole(length):
            yield axis, Flow(plain, {"index": _with_item(index, place, whole(TILE))})
        elif index[place][0] == "array" and _counts(arrays[index[place][1]], length):
            picked = max(arrays, key=lambda a: a.rank)
            at = [
                _aligned(
                    a.shape,
                    picked.rank,
                    _places(arrays[index[place][1]].shape, length)[0]
                    + picked.rank
                    - arrays[index[place][1]].rank,
                    length,
                )
                for a in arrays
            ]
            yield axis, Flow(tuple(at), {"index": index}, numbers=frozenset({index[place][1]}))
    rank = max((a.rank for a in arrays), default=0)
    for axis in range(rank):
        at = [_aligned(a.shape, rank, axis, length) for a in arrays]
        if any(i is not None for i in at):
            yield None, Flow(tuple(at), {"index": index})


def _counts(array: Node, length: Dim) -> bool:
    """Whether an index array numbers the rows: arange(N), or that with axes of length 1."""
    inner = array.args[0] if array.op.name == "reshape" else array
    if inner.op.name != "arange" or Dim.of(inner["count"]) != length:
        return False
    return Dim.of(inner["start"]).known == 0 and inner["step"] == 1 and size_of(array.shape) == length


def _picked(node: Node, length: Dim) -> Iterator[Flow]:
    """getitem and gather."""
    x, *arrays = node.args
    for axis, flow in _indexed(x.shape, node["index"], arrays, length):
        yield Flow((axis, *flow.axes), flow.attrs, numbers=frozenset(k + 1 for k in flow.numbers))


def _value_axis(shape: Shape, flow: Flow, axis: int | None, arrays: Sequence[Node]) -> int | None:
    """The axis along which what is put into the picked elements is cut."""
    shapes = [a.shape if i is None else cut(a.shape, i) for a, i in zip(arrays, flow.axes)]
    picked = indexed_shape(shape if axis is None else cut(shape, axis), flow.attrs["index"], shapes)
    return picked.index(TILE) if TILE in picked else None


def _placed(node: Node, length: Dim) -> Iterator[Flow]:
    """put and scatter_add: zeros but for what is put into the picked elements."""
    _, *arrays = node.args
    for axis, flow in _indexed(node.shape, node["index"], arrays, length):
        if axis is not None:
            value = _value_axis(node.shape, flow, axis, arrays)
            attrs = {**flow.attrs, "shape": cut(node.shape, axis)}
            yield Flow((value, *flow.axes), attrs, numbers=frozenset(k + 1 for k in flow.numbers))
        elif node.op.name in ADDED_UP and length not in node.shape:
            yield Flow((_value_axis(node.shape, flow, axis, arrays), *flow.axes), flow.attrs, adds=True)


def _updated(node: Node, length: Dim) -> Iterator[Flow]:
    """set_at and add_at: an array with the picked elements changed."""
    a, _, *arrays = node.args
    for axis, flow in _indexed(a.shape, node["index"], arrays, length):
        if axis is not None:
            value = _value_axis(a.shape, flow, axis, arrays)
            numbers = frozenset(k + 2 for k in flow.numbers)
            yield Flow((axis, value, *flow.axes), flow.attrs, numbers=numbers)


def _decrement(node: Node, length: Dim) -> Iterator[Flow]:
    p, *arrays = node.args
    index = tuple(("array", k) for k in range(len(arrays))) + tuple(map(whole, p.shape[len(arrays) :]))
    for axis, flow in _indexed(p.shape, index, arrays, length):
        if axis is not None:
            yield Flow((axis, *flow.axes), numbers=frozenset(k + 1 for k in flow.numbers))


def _of_each(node: Node, length: Dim) -> Iterator[Flow]:
    """take_along, put_along: one element for each slice along an axis."""
    for axis in _places(node.shape, length):
        if axis != node["axis"]:
            yield Flow((axis,) * len(node.args))


def _one_hot(node: Node, length: Dim) -> Iterator[Flow]:
    yield from (Flow((axis,)) for axis in _places(node.args[0].shape, length))


def _matrices(node: Node, length: Dim) -> Iterator[Flow]:
    """Ops on the last two axes."""
    yield from (Flow((axis,)) for axis in _places(node.shape[:-2], length))


def _last_axis(node: Node, length: Dim) -> Iterator[Flow]:
    """cross_entropy: labels have the axes of the logits but the last."""
    yield from (Flow((axis,) * len(node.args)) for axis in _places(node.args[0].shape[:-1], length))


RULES: dict[str, Callable[[Node, Dim], Iterator[Flow]]] = {
    "broadcast_to": _broadcast_to,
    "matmul": _matmul,
    "outer": _outer,
    "einsum": _einsum,
    "contract": _einsum,
    "tensordot": _tensordot,
    "transpose": _transpose,
    "reshape": _reshape,
    "concatenate": _joined,
    "stack": _joined,
    "getitem": _picked,
    "gather": _picked,
    "put": _placed,
    "scatter_add": _placed,
    "set_at": _updated,
    "add_at": _updated,
    "decrement": _decrement,
    "take_along": _of_each,
    "put_along": _of_each,
    "one_hot": _one_hot,
    "tril": _matrices,
    "triu": _matrices,
    "cross_entropy": _last_axis,
    **dict.fromkeys(OVER_AXES, _over_axes),
    **dict.fromkeys(ALONG_AXIS, _along_axis),
}
