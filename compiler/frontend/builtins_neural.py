"""The built-in functions of neural networks: convolutions, pools, batch norm, dropout.

    h = relu(conv2d(x, w, b, stride=2, padding=1))       x: real[N, C, H, W], w: real[O, C, 3, 3]
    h = dropout(max_pool2d(h, 2), 0.25)

Layouts and arguments are PyTorch's: examples, then channels, then the axes that windows slide over; a single
example may come without the first. A convolution is the product of the weights with the patches of x.
"""

from __future__ import annotations

from autodiffc.grammar.records import record

from .. import ir, ops
from ..ir import Node
from ..ops.products import GROUPED
from ..ops.windows import room_of
from ..types import Dim, Shape, TypeProblem
from .signature import Flag, Number, Raw, Real, Size, builtin, one_axis, sizes_of
from .values import ArgumentProblem, Static, Text, Value, as_real, as_value_node

ONE = Dim.of(1)
# Defaults of arguments.
NONE_AROUND, ONE_STEP = Static(Dim.of(0)), Static(ONE)
SIZES = ("L",), ("H", "W")  # the names of the axes, in messages


@record(frozen=True)
class Sliding:
    """A window of `kernel` elements and how it slides along as many axes."""

    kernel: Shape
    stride: tuple[int, ...]
    padding: Shape
    dilation: tuple[int, ...]

    def patches(self, x: Node) -> Node:
        """Every element of every window, [C, *kernel, N, *places]."""
        if self._is_single:
            order = (1, 0, *range(2, x.rank))
            turned = ops.transpose(x, axes=order)
            return ops.reshape(turned, shape=(x.shape[1], *self.kernel, x.shape[0], *x.shape[2:]))
        return ops.patches(x, **vars(self))

    @property
    def _is_single(self) -> bool:
        """Whether each window is one element, and every element one window."""
        return {*self.kernel, *map(Dim.of, self.stride)} == {ONE} and {*self.padding} == {Dim.of(0)}

    def check(self, x: Node, argument: str) -> None:
        """ArgumentProblem where a window is seen not to fit on an axis of x."""
        for size, k, p, d in zip(x.shape[2:], self.kernel, self.padding, self.dilation):
            room = room_of(size, k, p, d).known
            if room is not None and room < 0:
                span = d * (k - 1) + 1
                rim = f" with a padding of {p}" if p.known != 0 else ""
                raise ArgumentProblem("E0203", f"a window of {span} on an axis of {size}{rim}", argument)


def _each(value: Value, axes: int, name: str, least: int) -> Shape:
    """A number for every axis: one for all, or a tuple."""
    sizes = sizes_of(value if isinstance(value, tuple) else (value,), name)
    if len(sizes) not in (1, axes):
        raise ArgumentProblem("E0205", f"one number or {axes}, not {len(sizes)}", name)
    if any(size.known is not None and size.known < least for size in sizes):
        raise ArgumentProblem("E0205", f"{name} is at least {least}", name)
    return sizes * (axes // len(sizes))


def _steps(value: Value, axes: int, name: str) -> tuple[int, ...]:
    """The same, of whole numbers that the compiler knows."""
    sizes = [size.known for size in _each(value, axes, name, 1)]
    known = tuple(size for size in sizes if size is not None)
    if len(known) < len(sizes):
        raise ArgumentProblem("E0204", "expected a whole number that the compiler knows", name)
    return known


def _batched(x: Node, axes: int) -> Node:
    """x with an axis of examples."""
    if x.rank not in (axes + 1, axes + 2):
        layout = ", ".join(("N", "C", *SIZES[axes - 1]))
        raise ArgumentProblem("E0203", f"expected real[{layout}], not {x.type}", "x")
    return x if x.rank == axes + 2 else ops.reshape(x, shape=(ONE, *x.shape))


def _as_given(y: Node, x: Node) -> Node:
    """A result with an axis of examples only where x has one."""
    return y if y.rank == x.rank else ops.reshape(y, shape=y.shape[1:])


def _examples_first(y: Node) -> Node:
    return ops.transpose(y, axes=(1, 0, *range(2, y.rank)))


# --- convolutions --------------------------------------------------------------------------------


def _conv(
    x: Node, w: Node, b: Value, axes: int, stride: Value, padding: Value, dilation: Value, groups: Dim
) -> Node:
    batch = _batched(x, axes)
    _check_weights(batch, w, axes, groups)
    apart = _steps(dilation, axes, "dilation")
    steps = _steps(stride, axes, "stride")
    if isinstance(padding, Text):
        batch, rim = _rim_by_name(padding.value, batch, w.shape[2:], steps, apart)
    else:
        rim = _each(padding, axes, "padding", 0)
    sliding = Sliding(w.shape[2:], steps, rim, apart)
    sliding.check(batch, "w")
    y = _examples_first(_product(sliding.patches(batch), w, axes, groups))
    if b is not None:
        y = y + _per_channel(as_real(as_value_node(b)), w.shape[0], axes)
    return _as_given(y, x)


def _rim_by_name(
    name: str, x: Node, kernel: Shape, stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[Node, Shape]:
    """`"valid"`: none; `"same"`: what keeps the size. Of an odd number x itself gets the last one."""
    if name not in ("same", "valid") or (name == "same" and set(stride) != {1}):
        raise ArgumentProblem(
            "E0205", 'padding is a number, "valid", or with a stride of 1 "same"', "padding"
        )
    if name == "valid":
        return x, (Dim.of(0),) * len(kernel)
    totals = [d * (k - 1) for k, d in zip(kernel, dilation)]
    odd = tuple((Dim.of(0), total - 2 * (total // 2)) for total in totals)
    if any(after.known != 0 for _, after in odd):
        none = (Dim.of(0), Dim.of(0))
        x = ops.pad(x, widths=(none, none, *odd), mode="constant", value=0.0)
    return x, tuple(total // 2 for total in totals)


def _check_weights(x: Node, w: Node, axes: int, groups: Dim) -> None:
    if w.rank != axes + 2:
        layout = ", ".join(("O", "C", *(f"k{name}" for name in SIZES[axes - 1])))
        raise ArgumentProblem("E0203", f"expected real[{layout}], not {w.type}", "w")
    if groups.known is not None and groups.known < 1:
        raise ArgumentProblem("E0205", "groups is at least 1", "groups")
    taken = w.shape[1] * groups
    if x.shape[1] != taken:
        shown = f"{taken}" if groups == ONE else f"{groups} groups of {w.shape[1]}"
        raise TypeProblem(
            "E0203", f"channels do not agree: {x.type} has {x.shape[1]}, {w.type} takes {shown}"
        )
    if (w.shape[0] % groups).known not in (0, None):
        raise ArgumentProblem("E0205", f"{groups} groups do not divide {w.shape[0]} channels", "groups")


def _product(patches: Node, w: Node, axes: int, groups: Dim) -> Node:
    """[O, N, *places]: each channel's weights times each patch."""
    if groups == ONE:
        return ops.tensordot(w, patches, axes=(tuple(range(1, axes + 2)), tuple(range(axes + 1))))
    own = ops.reshape(w, shape=(groups, w.shape[0] // groups, *w.shape[1:]))
    parted = ops.reshape(patches, shape=(groups, w.shape[1], *patches.shape[1:]))
    y = ops.einsum(own, parted, spec=GROUPED[axes - 1])
    return ops.reshape(y, shape=(w.shape[0], *y.shape[2:]))


def _per_channel(b: Node, channels: Dim, axes: int) -> Node:
    """A number for each channel, to be added to [N, C, …]."""
    if b.shape != (channels,):
        raise ArgumentProblem(
            "E0203", f"expected real[{channels}], a number for each channel, not {b.type}", "b"
        )
    return ops.reshape(b, shape=(channels, *(ONE,) * axes))


@builtin()
def conv1d(
    x: Real,
    w: Real,
    b: Raw = None,
    stride: Raw = ONE_STEP,
    padding: Raw = NONE_AROUND,
    dilation: Raw = ONE_STEP,
    groups: Size = ONE,
) -> Value:
    return _conv(x, w, b, 1, stride, padding, dilation, groups)


@builtin()
def conv2d(
    x: Real,
    w: Real,
    b: Raw = None,
    stride: Raw = ONE_STEP,
    padding: Raw = NONE_AROUND,
    dilation: Raw = ONE_STEP,
    groups: Size = ONE,
) -> Value:
    return _conv(x, w, b, 2, stride, padding, dilation, groups)


# --- pools ---------------------------------------------------------------------------------------


def _pool_windows(
    x: Node, axes: int, kernel: Value, stride: Value, padding: Value, dilation: Value
) -> Sliding:
    """The windows of a pool, which slide by their own size unless told otherwise."""
    sizes = _steps(kernel, axes, "kernel")
    rims = tuple(size.known for size in _each(padding, axes, "padding", 0))
    if any(rim is None or 2 * rim > size for rim, size in zip(rims, sizes)):
        raise ArgumentProblem("E0205", "the padding is a known number, at most half the kernel", "padding")
    sliding = Sliding(
        tuple(map(Dim.of, sizes)),
        sizes if stride is None else _steps(stride, axes, "stride"),
        tuple(Dim.of(rim or 0) for rim in rims),
        _steps(dilation, axes, "dilation"),
    )
    sliding.check(x, "kernel")
    return sliding


def _max_pool(x: Node, axes: int, kernel: Value, stride: Value, padding: Value, dilation: Value) -> Node:
    batch = _batched(x, axes)
    sliding = _pool_windows(batch, axes, kernel, stride, padding, dilation)
    return _as_given(ops.take_flat(batch, ops.window_argmax(batch, **vars(sliding))), x)


def _avg_pool(x: Node, axes: int, kernel: Value, stride: Value, padding: Value, whole: bool) -> Node:
    batch = _batched(x, axes)
    sliding = _pool_windows(batch, axes, kernel, stride, padding, ONE_STEP)
    inside = tuple(range(1, axes + 1))
    patches = sliding.patches(batch)
    if whole or not any(p.known for p in sliding.padding):
        return _as_given(_examples_first(ops.mean(patches, axis=inside, keepdims=False)), x)
    ones = ops.broadcast_to(ir.const(1.0), shape=(ONE, ONE, *batch.shape[2:]))
    total = ops.sum(patches, axis=inside, keepdims=False)
    counts = ops.sum(sliding.patches(ones), axis=inside, keepdims=False)
    return _as_given(_examples_first(total / counts), x)


@builtin()
def max_pool1d(
    x: Real, kernel: Raw, stride: Raw = None, padding: Raw = NONE_AROUND, dilation: Raw = ONE_STEP
) -> Value:
    return _max_pool(x, 1, kernel, stride, padding, dilation)


@builtin()
def max_pool2d(
    x: Real, kernel: Raw, stride: Raw = None, padding: Raw = NONE_AROUND, dilation: Raw = ONE_STEP
) -> Value:
    return _max_pool(x, 2, kernel, stride, padding, dilation)


@builtin()
def avg_pool1d(
    x: Real, kernel: Raw, stride: Raw = None, padding: Raw = NONE_AROUND, count_include_pad: Flag = True
) -> Value:
    return _avg_pool(x, 1, kernel, stride, padding, count_include_pad)


@builtin()
def avg_pool2d(
    x: Real, kernel: Raw, stride: Raw = None, padding: Raw = NONE_AROUND, count_include_pad: Flag = True
) -> Value:
    return _avg_pool(x, 2, kernel, stride, padding, count_include_pad)


# --- normalisation and dropout -------------------------------------------------------------------


@builtin()
def batch_norm(
    x: Real,
    gamma: Real,
    beta: Real,
    mean: Raw = None,
    var: Raw = None,
    axis: Raw = ONE_STEP,
    eps: Number = 1e-5,
    training: Flag = False,
) -> Value:
    """By this batch's mean and variance, or by given ones; `training` keeps the given ones for predict()."""
    if eps <= 0:
        raise ArgumentProblem("E0205", "eps is above 0", "eps")
    if (mean is None) != (var is None):
        raise ArgumentProblem("E0205", "mean and var are given together", "mean" if var is None else "var")
    channel = one_axis(x, axis)
    others = tuple(a for a in range(x.rank) if a != channel)
    gamma, beta = (_along(p, x, channel) for p in (gamma, beta))
    if mean is None:
        if training:
            raise ArgumentProblem("E0205", "training needs mean and var, which predict() takes", "training")
        return ops.normalize(x, axis=others, eps=eps) * gamma + beta
    centre, spread = (_along(as_real(as_value_node(p)), x, channel) for p in (mean, var))
    fixed = (x - centre) * (gamma / ops.sqrt(spread + eps)) + beta
    if not training:
        return fixed
    return ops.in_training(ops.normalize(x, axis=others, eps=eps) * gamma + beta, fixed)


def _along(p: Node, x: Node, channel: int) -> Node:
    """A number for each channel (or one for all), to be combined with x."""
    if not p.rank:
        return p
    if p.shape != (x.shape[channel],):
        label = f"expected real[{x.shape[channel]}], a number for each channel of {x.type}, not {p.type}"
        raise TypeProblem("E0203", label)
    return ops.reshape(p, shape=p.shape + (ONE,) * (x.rank - 1 - channel))


@builtin()
def batch_moments(x: Real, axis: Raw = ONE_STEP) -> Value:
    """Each channel's mean and unbiased variance over the batch: what running statistics are updated by."""
    channel = one_axis(x, axis)
    others = tuple(a for a in range(x.rank) if a != channel)
    return (
        ops.mean(x, axis=others, keepdims=False),
        ops.var(x, axis=others, ddof=1, keepdims=False),
    )


@builtin()
def dropout(x: Real, rate: Number = 0.5) -> Value:
    """Each element 0 with the probability `rate`, else divided by 1 - rate; x itself in predict()."""
    if not 0.0 <= rate <= 1.0:
        raise ArgumentProblem("E0205", f"rate is a probability, not {rate}", "rate")
    kept = ops.gate(x, ops.random_mask(shape=x.shape, rate=rate))
    return ops.in_training(kept / (1.0 - rate) if rate < 1.0 else kept, x)
