"""The ops of the precise profile: the same functions, with rules that keep their digits in the far tails.

sigmoid' is z * (1 - z) from the saved output in the stable profile: 0 for x > 37, where the slope is
exp(-x). `--numerics=precise` has a pass put these ops in the place of the plain ones before
differentiation; afterwards they expand to the plain ones again, so that only the slopes cost more:

    sigmoid    slope u / (1 + u)**2 with u = exp(-abs(x))
    tanh       slope 4u / (1 + u)**2 with u = exp(-2 * abs(x))
    log_softmax, logsumexp, cross_entropy
               log(sum(exp(d))) as log1p of the sum without its largest term, which is 1
    cross_entropy
               slope at the label expm1(log p) instead of p - 1
"""

from __future__ import annotations

from dataclasses import replace

from .. import ops
from ..ir import Node, Op, declare
from .activations import sigmoid
from .losses import at_labels, cross_entropy, less_one_hot
from .normalise import below_max, log_softmax, logsumexp
from .reduce import broadcasting, finished, restored
from .trigonometric import tanh


def _sigmoid_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    u = ops.exp(-ops.abs(x))
    return (g * (u / ops.square(1.0 + u)),)


def _tanh_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    u = ops.exp(-2.0 * ops.abs(x))
    return (g * (4.0 * u / ops.square(1.0 + u)),)


tight_sigmoid = declare(replace(sigmoid, name="tight_sigmoid", vjp=_sigmoid_vjp, expand=lambda x: sigmoid(x)))
tight_tanh = declare(replace(tanh, name="tight_tanh", vjp=_tanh_vjp, expand=lambda x: tanh(x)))


# --- sums of exponentials --------------------------------------------------------------------------


def _log_of_sum(d: Node, axis: int) -> Node:
    """log(sum(exp(d))) along an axis, which is kept, where the largest d is 0: its exp is exactly 1.

    What is equal to the largest is counted; the sum is -inf where there is nothing to count.
    """
    largest = ops.equal(d, 0.0)
    others = broadcasting(ops.sum, ops.where(largest, 0.0, ops.exp(d)), (axis,))
    ties = broadcasting(ops.sum, ops.where(largest, 1.0, 0.0), (axis,))
    return ops.log1p(others + (ties - 1.0))


def _log_softmax_expand(x: Node, *, axis: int) -> Node:
    d = below_max(x, (axis,))
    return d - _log_of_sum(d, axis)


def _logsumexp_expand(x: Node, *, axis: tuple[int, ...], keepdims: bool) -> Node:
    if len(axis) != 1:
        return logsumexp(x, axis=axis, keepdims=keepdims)
    m = broadcasting(ops.max_shift, x, axis)
    return finished(_log_of_sum(ops.shifted(x, m), axis[0]) + m, x, axis, keepdims)


def _cross_entropy_expand(x: Node, y: Node) -> Node:
    axis = x.rank - 1
    d = below_max(x, (axis,))
    return finished(_log_of_sum(d, axis), x, (axis,), False) - at_labels(d, y)


def _cross_entropy_vjp(g: Node, out: Node, x: Node, y: Node) -> tuple[Node, None]:
    error = less_one_hot(ops.softmax(x, axis=x.rank - 1), y)
    # At the label p - 1 cancels: what is missing of expm1(log p) is added there.
    missing = ops.expm1(-out) - at_labels(error, y)
    error = error + restored(missing, x, (x.rank - 1,)) * ops.one_hot(y, classes=x.shape[-1])
    return restored(g, x, (x.rank - 1,)) * error, None


tight_log_softmax = declare(replace(log_softmax, name="tight_log_softmax", expand=_log_softmax_expand))
tight_logsumexp = declare(replace(logsumexp, name="tight_logsumexp", expand=_logsumexp_expand))
tight_cross_entropy = declare(
    replace(cross_entropy, name="tight_cross_entropy", vjp=_cross_entropy_vjp, expand=_cross_entropy_expand)
)

PRECISE: dict[str, Op] = {
    "sigmoid": tight_sigmoid,
    "tanh": tight_tanh,
    "log_softmax": tight_log_softmax,
    "logsumexp": tight_logsumexp,
    "cross_entropy": tight_cross_entropy,
}
