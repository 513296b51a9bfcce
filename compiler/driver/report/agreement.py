"""How far the gradients that are shown are from those of the emitted module, and whether that is rounding.

A deep network or a long recurrence may amplify the rounding of one operation a millionfold. How much a model
does is seen by moving its arguments by their last digits: what that changes, another order of operations may
change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from autodiffc.compiler.compiled import Compiled
from autodiffc.compiler.ir import Array
from autodiffc.compiler.model import Program
from autodiffc.compiler.samples import SEED
from autodiffc.compiler.tape import Gradients, traced

from .given import Given
from .numbers import number

PLENTY = 1_000.0  # roundings that a well-conditioned model may add up
UNDERFLOW = 1e-290  # where numbers lose digits, one order of operations gives 0 and another not
NOISY = 100.0  # times what the last digits of the arguments change


@dataclass(frozen=True)
class Difference:
    """The largest difference of a gradient, relative to its largest element; `noise` likewise."""

    size: float
    noise: float

    def is_rounding(self, epsilon: float) -> bool:
        """Whether arithmetic of this precision explains it; `noise` is that of double precision."""
        return self.size <= max(PLENTY * epsilon, NOISY * self.noise * epsilon / 2.0**-52)

    def __str__(self) -> str:
        return f"{number(self.size, 2)}, relative to the largest element"


def difference(program: Program, module: ModuleType, given: Given, gradients: Gradients) -> Difference:
    """The difference from every way to a gradient that the module has."""
    own = _named(program, gradients)
    target = str(program.target)
    graph = gradients.tape.graph
    ones = np.ones_like(gradients.tape.records[gradients.tape.found[graph.output(target)]].value)
    found = Compiled(program, module).gradients(given.arguments, {target: ones})
    size = max(_distance(theirs, own) for _, theirs in found)
    if not size:
        return Difference(0.0, 0.0)
    moved = traced(graph, _moved(given.arguments), given.sizes).backward(target, program.wrt)
    return Difference(size, _distance(_named(program, moved), own))


def _named(program: Program, gradients: Gradients) -> dict[str, Array]:
    tape = gradients.tape
    inputs = {node["name"]: tape.records[tape.found[node]] for node in tape.graph.inputs}
    found = {name: gradients.of(inputs[name].number) for name in program.wrt}
    return {name: np.zeros_like(inputs[name].value) if g is None else g for name, g in found.items()}


def _moved(arguments: Mapping[str, Array]) -> dict[str, Array]:
    """Reals moved by a unit in the last place, away from zero or toward it."""
    generator = np.random.default_rng(0)
    return {
        name: np.nextafter(array, array + generator.choice([-1.0, 1.0], array.shape))
        if array.dtype.kind == "f" and name != SEED
        else array
        for name, array in arguments.items()
    }


def _distance(a: Mapping[str, Array], b: Mapping[str, Array]) -> float:
    return max((_relative(np.asarray(a[name]), b[name]) for name in b), default=0.0)


def _relative(a: Array, b: Array) -> float:
    """0 where both are the same, NaN and infinities among them."""
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) < UNDERFLOW)
        if same.all():
            return 0.0
        scale = max(float(np.abs(b).max(initial=0.0, where=np.isfinite(b))), 1e-300)
        error = float(np.max(np.where(same, 0.0, np.abs(a - b))) / scale)
    return error if error == error else float("inf")
