"""The built-in functions that arrange and fill: shapes, joins, fills, one-hot, embedding."""

from __future__ import annotations

from .. import ir, ops
from ..ir import Node
from ..types import Dim, Shape, TypeProblem, broadcast, promote, same_size, shape_text, size_of
from .signature import (
    Number,
    Option,
    Raw,
    Real,
    Size,
    Tensor,
    Whole,
    axes_of,
    builtin,
    lengths_of,
    one_axis,
    one_size,
    one_whole,
    sizes_of,
    wholes_of,
    within,
)  # fmt: skip
from .values import ArgumentProblem, Static, Value, as_kind, as_value_node

# Defaults of arguments.
FIRST, UNIT_STEP, FIFTY = Static(Dim.of(0)), Static(Dim.of(1)), Dim.of(50)

# --- shapes --------------------------------------------------------------------------------------------


@builtin()
def reshape(x: Tensor, *shape: Raw) -> Value:
    dims = list(sizes_of(shape))
    unknown = [i for i, d in enumerate(dims) if d.known == -1]
    total = size_of(x.shape)
    if len(unknown) > 1:
        raise ArgumentProblem("E0203", "more than one -1", "shape")
    lengths_of(tuple(Static(d) for d in dims if d.known != -1))
    written = shape_text(tuple(dims))
    if unknown:
        rest = size_of(tuple(d for i, d in enumerate(dims) if i != unknown[0]))
        whole, part = (d.multiplied_out()[0] for d in (total, rest))
        dims[unknown[0]] = whole // part if part.known != 0 else Dim.of(0)
    if not same_size(x.shape, tuple(dims)):
        other = "does not divide that" if unknown else f"has {size_of(tuple(dims))}"
        raise ArgumentProblem(
            "E0203", f"{shape_text(x.shape)} has {total} elements, {written} {other}", "shape"
        )
    return ops.reshape(x, shape=tuple(dims))


@builtin()
def transpose(x: Tensor, *axes: Raw) -> Value:
    order = wholes_of(axes, "axes") if axes and axes != (None,) else tuple(reversed(range(x.rank)))
    counted = tuple(a % x.rank if -x.rank <= a < x.rank else a for a in order) if x.rank else order
    if sorted(counted) != list(range(x.rank)):
        raise ArgumentProblem("E0207", f"axes {order} are no order of the axes of {x.type}", "axes")
    return ops.transpose(x, axes=counted)


@builtin()
def swapaxes(x: Tensor, axis1: Raw, axis2: Raw) -> Value:
    a, b = one_axis(x, axis1, "axis1"), one_axis(x, axis2, "axis2")
    order = list(range(x.rank))
    order[a], order[b] = b, a
    return ops.transpose(x, axes=tuple(order))


@builtin()
def squeeze(x: Tensor, axis: Raw = None) -> Value:
    axes = axes_of(x, axis) if axis is not None else tuple(i for i, d in enumerate(x.shape) if d.known == 1)
    for a in axes:
        if x.shape[a].known != 1:
            raise ArgumentProblem("E0203", f"axis {a} of {x.type} has {x.shape[a]} elements, not 1", "axis")
    return ops.reshape(x, shape=tuple(d for i, d in enumerate(x.shape) if i not in axes))


@builtin()
def expand_dims(x: Tensor, axis: Raw) -> Value:
    given = wholes_of(axis if isinstance(axis, tuple) else (axis,), "axis")
    rank = x.rank + len(given)
    if any(not -rank <= a < rank for a in given) or len({a % rank for a in given}) < len(given):
        raise ArgumentProblem("E0207", f"axis {axis_text(given)} of a result of {rank} dims", "axis")
    dims = iter(x.shape)
    places = {a % rank for a in given}
    return ops.reshape(x, shape=tuple(Dim.of(1) if i in places else next(dims) for i in range(rank)))


def axis_text(axes: tuple[int, ...]) -> str:
    return str(axes[0]) if len(axes) == 1 else str(axes)


@builtin()
def ravel(x: Tensor) -> Value:
    return ops.reshape(x, shape=(size_of(x.shape),))


@builtin()
def broadcast_to(x: Tensor, *shape: Raw) -> Value:
    dims = lengths_of(shape)
    if not _fits(x, dims):
        raise ArgumentProblem(
            "E0203", f"{shape_text(x.shape)} does not broadcast to {shape_text(dims)}", "shape"
        )
    return ops.broadcast_to(x, shape=dims)


def _fits(x: Node, shape: Shape) -> bool:
    """Whether an array broadcasts to a shape."""
    try:
        return broadcast(x.shape, shape) == shape
    except TypeProblem:
        return False


def _parts(values: tuple[Value, ...], what: str) -> tuple[Node, ...]:
    """Arrays as one tuple or list literal, or one by one; of one kind."""
    given = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
    nodes = tuple(as_value_node(v) for v in given)
    if not nodes:
        raise TypeProblem("E0205", f"{what} of nothing")
    if len(nodes) == 1 and not isinstance(values[0], tuple):
        raise TypeProblem("E0205", f"{what} takes its arrays as a tuple: {what}((a, b), axis=0)")
    kind = promote(*(n.type.kind for n in nodes))
    return tuple(as_kind(n, kind) for n in nodes)


@builtin()
def concatenate(*arrays: Raw, axis: Raw = FIRST) -> Value:
    arrays, axis = _trailing_axis(arrays, axis)
    nodes = _parts(arrays, "concatenate")
    if any(n.rank != nodes[0].rank for n in nodes) or not nodes[0].rank:
        shown = " and ".join(str(n.type) for n in nodes)
        scalars = "; scalars have no axis: use stack" if not any(n.rank for n in nodes) else ""
        raise TypeProblem("E0203", f"concatenate of {shown}{scalars}")
    return ops.concatenate(*nodes, axis=one_axis(nodes[0], axis))


def _trailing_axis(arrays: tuple[Value, ...], axis: Value) -> tuple[tuple[Value, ...], Value]:
    """`concatenate((a, b), 1)`: a second positional argument after the tuple is the axis."""
    if len(arrays) == 2 and isinstance(arrays[0], tuple) and isinstance(arrays[1], Static):
        return arrays[:1], arrays[1]
    return arrays, axis


@builtin()
def stack(*arrays: Raw, axis: Raw = FIRST) -> Value:
    arrays, axis = _trailing_axis(arrays, axis)
    nodes = _parts(arrays, "stack")
    for n in nodes[1:]:
        if n.shape != nodes[0].shape:
            raise TypeProblem("E0203", f"stack of {nodes[0].type} and {n.type}: they are not of one shape")
    place = one_whole(axis, "axis")
    rank = nodes[0].rank + 1
    if not -rank <= place < rank:
        raise ArgumentProblem("E0207", f"axis {place} of a result of {rank} dims", "axis")
    return ops.stack(*nodes, axis=place % rank)


_PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


@builtin()
def pad(x: Tensor, pad_width: Raw, mode: Option = "constant", constant_values: Number = 0.0) -> Value:
    if mode not in _PAD_MODES:
        raise ArgumentProblem("E0205", f"mode is one of {', '.join(_PAD_MODES)}", "mode")
    if not x.rank:
        raise ArgumentProblem("E0203", "a scalar has no axis to pad", "x")
    widths = tuple(_pair(w) for w in _per_axis(x, pad_width))
    if any(d.known is not None and d.known < 0 for pair in widths for d in pair):
        raise ArgumentProblem("E0205", "a width is not negative", "pad_width")
    return ops.pad(x, widths=widths, mode=mode, value=constant_values)


def _per_axis(x: Node, width: Value) -> tuple[Value, ...]:
    """NumPy's spellings: 1, (1, 2) for every axis, ((1, 2), (0, 0)) axis by axis."""
    if not isinstance(width, tuple) or not any(isinstance(w, tuple) for w in width):
        return (width,) * x.rank
    if len(width) == 1:
        return width * x.rank
    if len(width) != x.rank:
        raise ArgumentProblem("E0205", f"{len(width)} pairs for {x.type}", "pad_width")
    return width


def _pair(width: Value) -> tuple[Dim, Dim]:
    sizes = sizes_of(width if isinstance(width, tuple) else (width,), "pad_width")
    if len(sizes) not in (1, 2):
        raise ArgumentProblem("E0205", "a width is a number or (before, after)", "pad_width")
    return sizes[0], sizes[-1]


@builtin()
def flip(x: Tensor, axis: Raw = None) -> Value:
    return ops.flip(x, axis=axes_of(x, axis))


@builtin()
def roll(x: Tensor, shift: Raw, axis: Raw = None) -> Value:
    shifts = sizes_of(shift if isinstance(shift, tuple) else (shift,), "shift")
    if axis is None:
        flat = ops.roll(ops.reshape(x, shape=(size_of(x.shape),)), shift=shifts[:1], axis=(0,))
        return ops.reshape(flat, shape=x.shape)
    axes = tuple(one_axis(x, a) for a in (axis if isinstance(axis, tuple) else (axis,)))
    if len(shifts) == 1:
        shifts = shifts * len(axes)
    if len(shifts) != len(axes):
        raise ArgumentProblem("E0205", f"{len(shifts)} shifts for {len(axes)} axes", "shift")
    return ops.roll(x, shift=shifts, axis=axes)


@builtin()
def repeat(x: Tensor, repeats: Size, axis: Raw = None) -> Value:
    if axis is None:
        x, axis = ops.reshape(x, shape=(size_of(x.shape),)), Static(Dim.of(0))
    return ops.repeat(x, repeats=repeats, axis=one_axis(x, axis))


@builtin()
def tile(x: Tensor, *reps: Raw) -> Value:
    sizes = lengths_of(reps, "reps")
    rank = max(x.rank, len(sizes))
    padded = (Dim.of(1),) * (rank - len(sizes)) + sizes
    if x.rank < rank:
        x = ops.reshape(x, shape=(Dim.of(1),) * (rank - x.rank) + x.shape)
    return ops.tile(x, reps=padded)


# --- classes and tables ----------------------------------------------------------------------------------


def _integer(x: Node, name: str) -> Node:
    if x.type.kind != "int":
        raise ArgumentProblem("E0204", f"expected ints, not {x.type}", name)
    return x


@builtin()
def one_hot(x: Tensor, classes: Size) -> Value:
    return ops.one_hot(within(_integer(x, "x"), Dim.of(0), classes, "x"), classes=classes)


@builtin()
def embedding(table: Tensor, index: Tensor) -> Value:
    whole = tuple(("slice", Dim.of(0), d, 1) for d in table.shape[1:])
    if not table.rank:
        raise ArgumentProblem("E0203", f"a table has rows, {table.type} has none", "table")
    rows = within(_integer(index, "index"), -table.shape[0], table.shape[0], "index")
    return ops.gather(table, rows, index=(("array", 0), *whole))


# --- fills -----------------------------------------------------------------------------------------------


@builtin()
def zeros(*shape: Raw) -> Value:
    return ops.broadcast_to(ir.const(0.0), shape=lengths_of(shape))


@builtin()
def ones(*shape: Raw) -> Value:
    return ops.broadcast_to(ir.const(1.0), shape=lengths_of(shape))


def _of_kind(value: int, kind: str) -> Node:
    return ir.const({"real": float, "int": int, "bool": bool}[kind](value))


@builtin()
def zeros_like(x: Tensor) -> Value:
    return ops.broadcast_to(_of_kind(0, x.type.kind), shape=x.shape)


@builtin()
def ones_like(x: Tensor) -> Value:
    return ops.broadcast_to(_of_kind(1, x.type.kind), shape=x.shape)


@builtin()
def full(shape: Raw, value: Tensor) -> Value:
    dims = lengths_of(shape if isinstance(shape, tuple) else (shape,))
    if not _fits(value, dims):
        raise ArgumentProblem("E0203", f"{value.type} does not fill {shape_text(dims)}", "value")
    return ops.broadcast_to(value, shape=dims)


@builtin()
def eye(n: Size, m: Raw = None, k: Whole = 0) -> Value:
    columns = n if m is None else lengths_of((Static(one_size(m, "m")),), "m")[0]
    return ops.eye(n=n, m=columns, k=k)


@builtin()
def arange(start: Raw, stop: Raw = None, step: Raw = UNIT_STEP) -> Value:
    """`arange(stop)`, `arange(start, stop, step)` with ints made of dims: ints, as in NumPy."""
    first, last = Dim.of(0), one_size(start, "start")
    if stop is not None:
        first, last = last, one_size(stop, "stop")
    stride = one_whole(step, "step")
    if not stride:
        raise ArgumentProblem("E0205", "the step is not 0", "step")
    span = last - first if stride > 0 else first - last
    count = span if abs(stride) == 1 else (span + (abs(stride) - 1)) // abs(stride)
    if count.known is not None:
        count = count.maximum(0)
    return ops.arange(start=first, step=stride, count=count)


@builtin()
def linspace(start: Real, stop: Real, num: Size = FIFTY) -> Value:
    if start.rank or stop.rank:
        raise TypeProblem(
            "E0203", f"linspace goes from a scalar to a scalar, not {start.type} to {stop.type}"
        )
    return ops.linspace(start, stop, count=num)
