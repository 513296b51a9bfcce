"""Gradients that vanish or explode, through depth and through time.

(X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010;
R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", 2013.)
"""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Finding
from .seen import Observation, Recurrence
from .thresholds import FADES, GROWS, LAYERS, SHRINKS, STEPS, SWELLS
from .words import counted, number, times

VANISHES = "the first ones hardly learn"
EXPLODES = "a step that suits the last one upsets the first"


def through_depth(seen: Observation) -> Iterator[Finding]:
    """A gradient whose length at the first layer is another than at the last."""
    layers = [layer for layer in seen.depths if layer.norm > 0.0]
    if len(layers) < LAYERS:
        return
    first, last = layers[0], layers[-1]
    ratio = first.norm / last.norm
    if SHRINKS <= ratio <= GROWS:
        return
    factor = ratio ** (1.0 / (len(layers) - 1))
    vanishes = ratio < SHRINKS
    sentence = (
        f"on its way back through {len(layers)} layers the gradient {'shrinks' if vanishes else 'grows'} "
        f"from {number(last.norm)} at `{last.label}` to {number(first.norm)} at `{first.label}`, "
        f"{times(factor)} a layer: {VANISHES if vanishes else EXPLODES}"
    )
    numbers = {"ratio": ratio, "layers": float(len(layers)), "factor": factor}
    kind = "vanishing gradient" if vanishes else "exploding gradient"
    yield Finding(kind, first.label, first.line, sentence, numbers=numbers)


def through_time(seen: Observation) -> Iterator[Finding]:
    """A gradient whose length before the first step is another than after the last."""
    for loop in seen.recurrences:
        numbers = {"ratio": loop.ratio, "steps": float(loop.steps), "radius": loop.radius}
        radius = f"the spectral radius of the steps' product is {number(loop.radius)} a step"
        if loop.steps >= STEPS and loop.ratio < FADES and loop.remembers:
            sentence = (
                f"a gradient by {loop.label} after the last step shrinks to {times(loop.ratio)} its length "
                f"in the {loop.steps} steps before, below 1% in {_horizon(loop)} ({radius}): what is "
                "further back isn't learned"
            )
            yield Finding("vanishing through time", loop.label, loop.line, sentence, numbers=numbers)
        elif loop.steps >= STEPS and loop.ratio > SWELLS:
            sentence = (
                f"a gradient by {loop.label} after the last step grows to {times(loop.ratio)} its length in "
                f"the {loop.steps} steps before ({radius}): one example may undo what many have taught"
            )
            yield Finding("exploding through time", loop.label, loop.line, sentence, numbers=numbers)


def _horizon(loop: Recurrence) -> str:
    """How many steps it takes to lose 99%."""
    reach = loop.reach[::-1]
    return counted(next(k for k, length in enumerate(reach) if length < 0.01 * reach[0]), "step")
