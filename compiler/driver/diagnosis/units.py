"""Units that never fire, and layers where activations are flat."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from .advice import HELPS, SIGMOID, SOFTMAX
from .finding import Finding
from .seen import Layer, Observation
from .thresholds import DEAD, PASSED, SAMPLES, SATURATED
from .words import counted, percent

NAMED = 8  # units whose numbers are given


def dead(seen: Observation) -> Iterator[Finding]:
    """Layers of which many units have slope 0 for all examples."""
    for layer in filter(is_dead, seen.layers):
        count = len(layer.silent)
        steps = f" in {counted(len(layer.values), 'step')}" if layer.looped else ""
        sentence = (
            f"{_who(layer)} never {'fires' if count == 1 else 'fire'} over "
            f"{counted(layer.samples, 'example')}{steps}: the slope there is always 0, and what lies below "
            f"gets no gradient from {'it' if count == 1 else 'them'}"
        )
        numbers = {"dead": float(count), "units": float(layer.units), "samples": float(layer.samples)}
        yield Finding("dead units", layer.label, layer.line, sentence, numbers=numbers)


def _who(layer: Layer) -> str:
    if layer.units == 1:
        return layer.label
    silent = layer.silent
    if len(silent) == layer.units:
        return f"all {counted(layer.units, 'unit')} of {layer.label}"
    which = ", ".join(map(str, silent[:NAMED])) + (", …" if len(silent) > NAMED else "")
    return f"{len(silent)} of the {counted(layer.units, 'unit')} of {layer.label} ({which})"


def is_dead(layer: Layer) -> bool:
    """Whether more units are off than chance would have it.

    Where the examples look alike to a layer (deep ones), units with random weights are off for all of them as
    often as they are on for all: by the sign test the dead ones must be more than those that are always on.
    """
    if not layer.rectifies or layer.samples < SAMPLES:
        return False
    off, on = len(layer.silent), layer.always_on
    return 2 * off > layer.units or (off >= DEAD * layer.units and off - on > 2.0 * sqrt(off + on))


def saturated(seen: Observation) -> Iterator[Finding]:
    """Layers of bounded activations that are flat in most places, where gradient is lost."""
    for layer in seen.activations():
        lossy = not layer.gradients or layer.passed < PASSED
        if layer.squashes and layer.saturated > SATURATED and lossy and not is_dead(layer):
            what = f"{'rows' if layer.op == 'softmax' else 'elements'} of {layer.label}"
            sentence = f"{percent(layer.saturated)} of the {what} are where {_function(layer)} is flat"
            if layer.gradients:
                sentence += f", and {percent(1.0 - layer.passed)} of the gradient is lost there"
            numbers = {"saturated": layer.saturated, "passed": layer.passed}
            yield Finding("saturated", layer.label, layer.line, sentence, _advice(layer.op), numbers)


def _function(layer: Layer) -> str:
    return "the function" if layer.op == "clip" else layer.op


def _advice(op: str) -> str:
    return SOFTMAX if op == "softmax" else HELPS["saturated"] + SIGMOID if op == "sigmoid" else ""
