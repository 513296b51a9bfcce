"""Losses: cross-entropy with labels and with probabilities, Huber's.

    ops.cross_entropy(x, y)                   # -log_softmax(x) at the labels y, a value for each row

Expanded it is log(s) - d[y] with the parts of softmax, and its slope softmax less one-hot: a forward and a
backward pass share one exponential.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Node, Op, declare
from ..types import Dim, Shape, Type, TypeProblem, broadcast, size_of
from .activations import ANY, TAILS
from .base import COERCIONS, INF, elementwise
from .normalise import below_max, exponentials, log_softmax_reference, unexpanded
from .reduce import finished, restored
from .selection import clip, maximum

# --- labels --------------------------------------------------------------------------------------


def _rows(shape: Shape) -> Dim:
    return size_of(shape[:-1])


def _label_index(x: Node, y: Node) -> tuple[Node, tuple[Node, ...]]:
    """x as a matrix (or a vector, if it is one) and the index arrays of its labelled elements."""
    if x.rank == 1:
        return x, (y,)
    count = _rows(x.shape)
    if x.rank > 2:
        x, y = ops.reshape(x, shape=(count, x.shape[-1])), ops.reshape(y, shape=(count,))
    return x, (ops.arange(start=Dim.of(0), step=1, count=count), y)


def at_labels(x: Node, y: Node) -> Node:
    """For each row the element that its label names."""
    matrix, index = _label_index(x, y)
    picked = ops.gather(matrix, *index, index=tuple(("array", k) for k in range(len(index))))
    return picked if picked.shape == y.shape else ops.reshape(picked, shape=y.shape)


def less_one_hot(p: Node, y: Node) -> Node:
    """p less 1 at each row's label."""
    matrix, index = _label_index(p, y)
    result = ops.decrement(matrix, *index)
    return result if result.shape == p.shape else ops.reshape(result, shape=p.shape)


# --- cross-entropy -------------------------------------------------------------------------------


def _cross_entropy_infer(x: Type, y: Type) -> Type:
    if y.kind != "int":
        raise TypeProblem("E0204", f"labels are ints, not {y}")
    if not x.rank or y.rank != x.rank - 1:
        raise TypeProblem("E0203", f"cross_entropy of {x} with labels {y}: a label for each row is needed")
    for have, want in zip(y.shape, x.shape):
        if have != want:
            raise TypeProblem("E0203", f"cross_entropy of {x} with labels {y}: {want} is not {have}")
    return Type("real", y.shape)


def _cross_entropy_eval(x: Array, y: Array) -> Any:
    return -np.take_along_axis(log_softmax_reference(x, axis=-1), np.asarray(y)[..., None], axis=-1)[..., 0]


def _cross_entropy_vjp(g: Node, out: Node, x: Node, y: Node) -> tuple[Node, None]:
    p = ops.softmax(x, axis=x.rank - 1)
    return restored(g, x, (x.rank - 1,)) * less_one_hot(p, y), None


def _cross_entropy_expand(x: Node, y: Node) -> Node:
    axis = (x.rank - 1,)
    d = below_max(x, axis)
    s = exponentials(d, axis)[1]
    return ops.log(finished(s, x, axis, False)) - at_labels(d, y)


def _first_real(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return ops.cast(nodes[0], "real"), *nodes[1:]


cross_entropy = declare(
    Op(
        "cross_entropy",
        ("x", "y"),
        "-log_softmax(x) at the label, classes on the last axis.",
        _cross_entropy_infer,
        _cross_entropy_eval,
        _cross_entropy_vjp,
        py=unexpanded,
        expand=_cross_entropy_expand,
        coerce=_first_real,
        bounds=lambda x, y: (0.0, INF),
    )
)


def _probs_infer(x: Type, t: Type) -> Type:
    if not x.rank or not t.rank or x.shape[-1] != t.shape[-1]:
        raise TypeProblem("E0203", f"cross_entropy of {x} with {t}: the last axes are the classes")
    return Type("real", broadcast(x.shape, t.shape)[:-1])


def _probs_eval(x: Array, t: Array) -> Any:
    with np.errstate(invalid="ignore"):
        return -np.where(t == 0, 0, t * log_softmax_reference(x, axis=-1)).sum(axis=-1)


def _probs_vjp(g: Node, out: Node, x: Node, t: Node) -> tuple[Node, Node]:
    last = x.rank - 1
    wide = ops.reshape(g, shape=(*g.shape, Dim.of(1)))
    mass = ops.sum(t, axis=(t.rank - 1,), keepdims=True)
    return wide * (ops.softmax(x, axis=last) * mass - t), wide * -ops.log_softmax(x, axis=last)


def _probs_expand(x: Node, t: Node) -> Node:
    terms = ops.gate(t * ops.log_softmax(x, axis=x.rank - 1), ops.not_equal(t, 0.0))
    return -ops.sum(terms, axis=(terms.rank - 1,), keepdims=False)


cross_entropy_probs = declare(
    Op(
        "cross_entropy_probs",
        ("x", "t"),
        "-sum(t * log_softmax(x)) over the last axis; 0 * -inf counts as 0.",
        _probs_infer,
        _probs_eval,
        _probs_vjp,
        py=unexpanded,
        expand=_probs_expand,
        coerce=COERCIONS["real"],
    )
)


# --- Huber's loss --------------------------------------------------------------------------------


def _huber_vjp(g: Node, out: Node, r: Node, delta: Node) -> tuple[Node, Node]:
    return g * clip(r, -delta, delta), g * maximum(ops.abs(r) - delta, 0.0)


def _huber_expand(r: Node, delta: Node) -> Node:
    slope = clip(r, -delta, delta)
    return slope * (r - 0.5 * slope)


huber = elementwise(
    "huber",
    "r**2 / 2 up to delta, and from there on its tangent (Huber, Ann. Math. Statist. 35 (1964), 73-101).",
    ("r", "delta"),
    vjp=_huber_vjp,
    np=lambda r, delta: np.clip(r, -delta, delta) * (r - 0.5 * np.clip(r, -delta, delta)),
    py="np.clip(r, -delta, delta) * (r - 0.5 * np.clip(r, -delta, delta))",
    scalar="0.5 * r * r if abs(r) <= delta else delta * (abs(r) - 0.5 * delta)",
    sympy=lambda sp, r, delta: sp.Piecewise(
        (r**2 / 2, sp.Abs(r) <= delta), (delta * (sp.Abs(r) - delta / 2), True)
    ),
    expand=_huber_expand,
    domain=(ANY, (0.5, 2.0)),
    special=tuple((x, 1.5) for (x,) in TAILS),
    bounds=lambda r, delta: (0.0 if delta[0] >= 0.0 else -INF, INF),
)
