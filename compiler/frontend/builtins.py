"""The built-in functions that are no plain op: reductions, normalisers, losses.

Names and meaning are NumPy's, SciPy's or PyTorch's. Where a function is a formula of simpler ones it is
written as that formula here; what needs a derivative rule of its own is an op.
"""

from __future__ import annotations

from .. import ir, ops
from ..ir import Node
from ..types import Dim, TypeProblem, size_of
from .expressions import same_kind
from .signature import Flag, Number, Option, Raw, Real, Tensor, Whole, axes_of, builtin, one_axis, within
from .values import ArgumentProblem, Static, Value, as_kind, as_real

# Defaults of arguments.
LAST, FIRST = Static(Dim.of(-1)), Static(Dim.of(0))
ONE, MINUS_ONE, HUNDREDTH = ir.const(1.0), ir.const(-1.0), ir.const(0.01)

# --- elementwise, as their ops are ---------------------------------------------------------------

_UNARY = (
    "sqrt cbrt exp expm1 log log1p log2 log10 sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh "
    "arccosh arctanh floor ceil round sigmoid log_sigmoid softplus relu selu silu logit log1mexp reciprocal "
    "erf erfc erfcx ndtr lgamma digamma"
)
_BINARY = "arctan2 hypot logaddexp xlogy xlog1py rel_entr lbeta"


def _enter_plain_ops() -> None:
    def unary(op: ir.Op) -> None:
        def make(x: Real) -> Value:
            return op(x)

        builtin(op.name)(make)

    def binary(op: ir.Op) -> None:
        def make(x: Real, y: Real) -> Value:
            return op(x, y)

        builtin(op.name)(make)

    for name in _UNARY.split():
        unary(ir.OPS[name])
    for name in _BINARY.split():
        binary(ir.OPS[name])


_enter_plain_ops()


def _number(x: Node) -> Node:
    return as_kind(x, "int") if x.type.kind == "bool" else x


@builtin()
def stop_gradient(x: Tensor) -> Value:
    return ops.stop_gradient(x)


@builtin()
def abs_(x: Tensor) -> Value:
    return ops.abs(_number(x))


@builtin()
def sign(x: Tensor) -> Value:
    return ops.sign(_number(x))


@builtin()
def square(x: Tensor) -> Value:
    return ops.square(_number(x))


@builtin()
def maximum(x: Tensor, y: Tensor) -> Value:
    return ops.maximum(*same_kind(x, y))


@builtin()
def minimum(x: Tensor, y: Tensor) -> Value:
    return ops.minimum(*same_kind(x, y))


@builtin()
def clip(x: Tensor, lo: Tensor, hi: Tensor) -> Value:
    x, lo = same_kind(x, lo)
    x, hi = same_kind(x, hi)
    return ops.clip(x, same_kind(lo, x)[0], hi)


@builtin()
def where(condition: Tensor, x: Tensor, y: Tensor) -> Value:
    if condition.type.kind != "bool":
        raise ArgumentProblem("E0204", f"a condition is a bool, not {condition.type}", "condition")
    return ops.where(condition, *same_kind(x, y, lowest="bool"))


@builtin()
def leaky_relu(x: Real, slope: Real = HUNDREDTH) -> Value:
    return ops.leaky_relu(x, slope)


@builtin()
def prelu(x: Real, slope: Real) -> Value:
    return ops.leaky_relu(x, slope)


@builtin()
def elu(x: Real, alpha: Real = ONE) -> Value:
    return ops.elu(x, alpha)


@builtin()
def gelu(x: Real, approximate: Option = "none") -> Value:
    if approximate == "tanh":
        return ops.gelu_tanh(x)
    if approximate == "none":
        return ops.gelu(x)
    raise ArgumentProblem("E0205", 'approximate is "none" or "tanh"', "approximate")


@builtin()
def hardtanh(x: Real, lo: Real = MINUS_ONE, hi: Real = ONE) -> Value:
    return ops.clip(x, lo, hi)


@builtin()
def relu6(x: Real) -> Value:
    return ops.clip(x, 0.0, 6.0)


# --- reductions and scans --------------------------------------------------------------------------


def _nonempty(x: Node, axes: tuple[int, ...], what: str) -> None:
    if any(x.shape[a].known == 0 for a in axes):
        raise TypeProblem("E0204", f"{what} of no elements: {x.type}")


@builtin()
def sum_(x: Tensor, axis: Raw = None, keepdims: Flag = False) -> Value:
    return ops.sum(_number(x), axis=axes_of(x, axis), keepdims=keepdims)


@builtin()
def prod(x: Tensor, axis: Raw = None, keepdims: Flag = False) -> Value:
    return ops.prod(_number(x), axis=axes_of(x, axis), keepdims=keepdims)


@builtin()
def mean(x: Real, axis: Raw = None, keepdims: Flag = False) -> Value:
    return ops.mean(x, axis=axes_of(x, axis), keepdims=keepdims)


@builtin("max")
def max_(x: Tensor, axis: Raw = None, keepdims: Flag = False) -> Value:
    """One array: its largest element. Two ints of the dims: the larger one, as in `max(0, i - 5)`."""
    axes = axes_of(x, axis)
    _nonempty(x, axes, "max")
    return ops.max(_number(x), axis=axes, keepdims=keepdims)


@builtin("min")
def min_(x: Tensor, axis: Raw = None, keepdims: Flag = False) -> Value:
    axes = axes_of(x, axis)
    _nonempty(x, axes, "min")
    return ops.min(_number(x), axis=axes, keepdims=keepdims)


def _row(x: Node, axis: Value, keepdims: bool) -> tuple[Node, tuple[int, ...], bool]:
    """What to reduce over which axes; a scalar is reduced as an array of one element."""
    axes = axes_of(x, axis)
    return (x, axes, keepdims) if x.rank else (ops.reshape(x, shape=(Dim.of(1),)), (0,), False)


@builtin()
def var(x: Real, axis: Raw = None, ddof: Whole = 0, keepdims: Flag = False) -> Value:
    x, axes, keepdims = _row(x, axis, keepdims)
    return ops.var(x, axis=axes, ddof=ddof, keepdims=keepdims)


@builtin()
def std(x: Real, axis: Raw = None, ddof: Whole = 0, keepdims: Flag = False) -> Value:
    x, axes, keepdims = _row(x, axis, keepdims)
    return ops.std(x, axis=axes, ddof=ddof, keepdims=keepdims)


@builtin()
def norm(x: Real, ord: Whole = 2, axis: Raw = None, keepdims: Flag = False) -> Value:
    if ord not in (1, 2):
        raise ArgumentProblem("E0205", "ord is 1 or 2", "ord")
    x, axes, keepdims = _row(x, axis, keepdims)
    return ops.norm(x, axis=axes, ord=ord, keepdims=keepdims)


@builtin()
def logsumexp(x: Real, axis: Raw = None, keepdims: Flag = False) -> Value:
    x, axes, keepdims = _row(x, axis, keepdims)
    return ops.logsumexp(x, axis=axes, keepdims=keepdims)


def _arg(op: ir.Op, x: Node, axis: Value, keepdims: bool) -> Node:
    axes = tuple(range(x.rank)) if axis is None else (one_axis(x, axis),)
    _nonempty(x, axes, op.name)
    return op(_number(x), axis=axes, keepdims=keepdims)


@builtin()
def argmax(x: Tensor, axis: Raw = None, keepdims: Flag = False) -> Value:
    return _arg(ops.argmax, x, axis, keepdims)


@builtin()
def argmin(x: Tensor, axis: Raw = None, keepdims: Flag = False) -> Value:
    return _arg(ops.argmin, x, axis, keepdims)


def _bools(x: Node) -> Node:
    return x if x.type.kind == "bool" else ops.not_equal(x, as_kind(ir.const(0), x.type.kind))


@builtin("all")
def all_(x: Tensor, axis: Raw = None, keepdims: Flag = False) -> Value:
    return ops.all(_bools(x), axis=axes_of(x, axis), keepdims=keepdims)


@builtin("any")
def any_(x: Tensor, axis: Raw = None, keepdims: Flag = False) -> Value:
    return ops.any(_bools(x), axis=axes_of(x, axis), keepdims=keepdims)


def _scan(op: ir.Op, x: Node, axis: Value) -> Node:
    x = _number(x)
    if axis is None:
        x, axis = ops.reshape(x, shape=(size_of(x.shape),)), FIRST
    return op(x, axis=one_axis(x, axis))


@builtin()
def cumsum(x: Tensor, axis: Raw = None) -> Value:
    return _scan(ops.cumsum, x, axis)


@builtin()
def cumprod(x: Tensor, axis: Raw = None) -> Value:
    return _scan(ops.cumprod, x, axis)


# --- normalisers -------------------------------------------------------------------------------------


@builtin()
def softmax(x: Real, axis: Raw = LAST) -> Value:
    return ops.softmax(x, axis=one_axis(x, axis))


@builtin()
def log_softmax(x: Real, axis: Raw = LAST) -> Value:
    return ops.log_softmax(x, axis=one_axis(x, axis))


@builtin()
def layer_norm(x: Real, gamma: Real, beta: Real, axis: Raw = LAST, eps: Number = 1e-5) -> Value:
    if eps <= 0:
        raise ArgumentProblem("E0205", "eps is above 0", "eps")
    return ops.normalize(x, axis=axes_of(x, axis), eps=eps) * gamma + beta


# --- losses ------------------------------------------------------------------------------------------


@builtin()
def cross_entropy(logits: Real, target: Tensor) -> Value:
    if target.type.kind == "int":
        classes = logits.shape[-1] if logits.rank else Dim.of(1)
        return ops.cross_entropy(logits, within(target, Dim.of(0), classes, "target"))
    if target.rank == logits.rank - 1:
        label = f"class labels are ints, not {target.type}; probabilities are {logits.type}"
        raise ArgumentProblem("E0204", label, "target")
    return ops.cross_entropy_probs(logits, as_real(target))


@builtin()
def binary_cross_entropy(p: Real, target: Real) -> Value:
    return -(ops.xlogy(target, p) + ops.xlog1py(1.0 - target, -p))


@builtin()
def binary_cross_entropy_with_logits(logits: Real, target: Real) -> Value:
    return ops.bce_with_logits(logits, target)


@builtin()
def mse(prediction: Real, target: Real) -> Value:
    return _mean(ops.square(prediction - target))


@builtin()
def mae(prediction: Real, target: Real) -> Value:
    return _mean(ops.abs(prediction - target))


def _mean(x: Node) -> Node:
    return ops.mean(x, axis=tuple(range(x.rank)), keepdims=False)


@builtin()
def huber(prediction: Real, target: Real, delta: Number = 1.0) -> Value:
    if delta <= 0:
        raise ArgumentProblem("E0205", "delta is above 0", "delta")
    return ops.huber(prediction - target, delta)


@builtin()
def hinge(score: Real, label: Real) -> Value:
    return ops.maximum(1.0 - label * score, 0.0)


@builtin()
def kl_div(p: Real, q: Real) -> Value:
    if not max(p.rank, q.rank):
        raise TypeProblem("E0203", "kl_div sums over the last axis; scalars have none")
    terms = ops.rel_entr(p, q)
    return ops.sum(terms, axis=(terms.rank - 1,), keepdims=False)
