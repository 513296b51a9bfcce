"""Params that get no gradient, or all the same one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from autodiffc.compiler.ir import Array

from .advice import HELPS, SHIFTED, ZERO, ZEROS
from .finding import Finding
from .seen import Learned, Observation
from .thresholds import ROUNDING
from .words import list_of


def no_gradient(seen: Observation) -> Iterator[Finding]:
    """Params by which the gradient is 0, by structure or at these data."""
    for param in seen.params:
        if param.value.size and _is_without(param):
            sentence, advice = _reason(seen, param)
            yield Finding("no gradient", param.label, param.line, sentence, advice)


def _is_without(param: Learned) -> bool:
    """Whether the gradient is 0; one that cancels out here only (classes in equal numbers) soon isn't."""
    if param.gradient is None or param.cancels == "always":
        return True
    return not param.gradient.any() and not param.cancels


def _reason(seen: Observation, param: Learned) -> tuple[str, str]:
    name = param.label
    if param.gradient is None:
        return (
            f"{seen.target} doesn't depend on {name}, or only through what has no derivative (rounding, "
            "comparisons, argmax, stop_gradient) or through a branch that isn't taken here"
        ), ""
    if param.cancels:
        return (
            f"the gradient of {name} adds up to 0: what follows takes out a shift (a normalisation subtracts "
            f"the mean, a softmax only compares), so that {seen.target} doesn't depend on it"
        ), SHIFTED
    zeros = [p.label for p in seen.params if p is not param and p.factor and not p.value.any()]
    off = [layer.label for layer in seen.layers if layer.rectifies and len(layer.silent) == layer.units]
    sentence = f"every element of the gradient of {name} is exactly 0 at these data"
    if zeros:
        are = f"{list_of(zeros)} {'is' if len(zeros) == 1 else 'are'}"
        return f"{sentence}, as {are} 0", ZEROS.format(list_of(zeros))
    if off:
        return f"{sentence}, as no unit of {list_of(off)} fires", HELPS["dead units"]
    return sentence, ZERO


def symmetric(seen: Observation) -> Iterator[Finding]:
    """Weights whose units are equal and stay so.

    (I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning", 2016, section 8.4.)
    """
    for param in seen.params:
        axis = _symmetric_axis(param)
        if axis is not None:
            count = param.value.shape[axis]
            sentence = (
                f"the {count} slices of {param.label} along axis {axis} are equal and get equal gradients: "
                "they stay equal for ever, and all of them do the work of one"
            )
            yield Finding("symmetric units", param.label, param.line, sentence)


def _symmetric_axis(param: Learned) -> int | None:
    gradient = param.gradient
    if gradient is None or param.value.ndim < 2 or not gradient.any():
        return None
    axes = range(param.value.ndim)
    return next((k for k in axes if _alike(param.value, k) and _alike(gradient, k)), None)


def _alike(array: Array, axis: int) -> bool:
    if array.shape[axis] < 2:
        return False
    apart = np.abs(array - np.take(array, [0], axis)).max(initial=0.0)
    return bool(apart <= ROUNDING * np.abs(array).max(initial=0.0))
