"""Small concrete sizes and random arguments at which a model can be checked.

`real > 0` is drawn positive, `int[N] in range(K)` below K, params near where they start. What the model
leaves open (that `log(x)` needs a positive x) is found by drawing again in other ways:

>>> draw_reals(np.random.default_rng(0), (2,), (0.0, 1.0), "wide").round(2)
array([0.61, 0.32])
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain, islice, product
from math import isfinite, prod

import numpy as np

from .ir import Array, Interval
from .model import Argument, Program
from .symmetry import definite, symmetric_arguments
from .types import Shape

Generator = np.random.Generator
Sizes = Mapping[str, int]

# How a real or an int is drawn where the model says nothing; each attempt takes others.
REAL_STYLES: Mapping[str, Interval] = {
    "wide": (-2.0, 2.0),
    "positive": (0.3, 1.7),
    "inside": (0.05, 0.95),
    "above one": (1.1, 2.5),
    "narrow": (-0.9, 0.9),
}
INT_STYLES: Mapping[str, tuple[int, ...]] = {"signs": (-1, 1), "counts": (1, 2), "bits": (0, 1)}
CHOICES, ENOUGH = 2_000, 30  # sizes that are thought of, sizes that are tried
LARGER = (9, 8, 7, 6, 5, 4)
WIDEST = 300  # columns of a sparse matrix
LARGEST = 10_000_000  # elements of an array
SEED = "the seed of the masks"  # no argument of a model is called so
AWAY = 0.1  # of zero, so that no step of a difference is too small for its argument


class BadSizes(ValueError):
    """Sizes that the model cannot have; the message says why."""


def refuse_unknown(program: Program, given: Sizes) -> None:
    """BadSizes unless these are sizes of dims that are bound at run time."""
    for name, size in given.items():
        if name in program.constants:
            raise BadSizes(f"{name} is a constant of the model; -D {name}={size} sets it")
        if name not in program.dims:
            known = ", ".join(program.dims) or "none"
            raise BadSizes(f"the model has no dim {name} that is bound at run time; it has: {known}")
        if size < 1:
            raise BadSizes(f"{name}={size}: a size is at least 1")


def size_choices(program: Program, given: Sizes) -> Iterator[dict[str, int]]:
    """Sizes of all dims, the given ones and small distinct ones first, with which all shapes make sense."""
    shapes = {node.shape for node in (*program.graph.inputs, *program.graph.nodes())}
    free = [dim for dim in program.dims if dim not in given]
    distinct = ({dim: 2 + i + shift for i, dim in enumerate(free)} for shift in range(12))
    others = (dict(zip(free, sizes)) for sizes in product(range(1, 9), repeat=len(free)))
    choices = islice(chain(distinct, others), CHOICES) if free else iter([{}])
    sensible = ({**program.constants, **given, **choice} for choice in choices)
    return islice((sizes for sizes in sensible if fit(program, shapes, sizes)), ENOUGH)


def larger_sizes(program: Program, given: Sizes) -> Iterator[dict[str, int]]:
    """Sizes of all dims that are larger, where there are such; those of too large matrices last."""
    shapes = {node.shape for node in (*program.graph.inputs, *program.graph.nodes())}
    free = [dim for dim in program.dims if dim not in given]
    choices = ({dim: size + i for i, dim in enumerate(free)} for size in LARGER if free)
    sensible = ({**program.constants, **given, **choice} for choice in choices)
    found = [sizes for sizes in sensible if fit(program, shapes, sizes)]
    return iter(sorted(found, key=lambda sizes: max(WIDEST, _columns(program, sizes))))


def _columns(program: Program, sizes: Sizes) -> int:
    """Of a Jacobian by all that is differentiated."""
    wrt = [a.type.shape for a in program.arguments if a.name in program.wrt]
    return sum(prod(dim.evaluate(sizes) for dim in shape) for shape in wrt)


def fit(program: Program, shapes: Collection[Shape], sizes: Sizes) -> bool:
    """Whether every array has a size, none is empty or too large, and no slice reaches too far."""
    try:
        counts = [[dim.evaluate(sizes) for dim in shape] for shape in shapes]
        possible = all(min(dims, default=1) > 0 and prod(dims) <= LARGEST for dims in counts)
        return possible and all(r.slack.evaluate(sizes) >= 0 for r in program.requirements)
    except ZeroDivisionError:
        return False


def draw(program: Program, sizes: Sizes, generator: Generator, attempt: int) -> dict[str, Array]:
    """Random arguments and masks; later attempts stray further from the plainest choice."""
    found = {a.name: _draw_argument(a, sizes, generator, attempt) for a in program.arguments}
    found |= {name: definite(found[name]) for name in symmetric_arguments(program.graph)}
    return found | _draw_masks(program, sizes, generator) if program.draws else found


def _draw_masks(program: Program, sizes: Sizes, generator: Generator) -> dict[str, Array]:
    """The masks of dropout, as a module draws them from a generator of the seed that goes with them."""
    seed = int(generator.integers(2**31))
    masks = np.random.default_rng(seed)
    return {SEED: np.asarray(seed), **{d.name: d.sample(masks, sizes) for d in program.draws}}


def _draw_argument(argument: Argument, sizes: Sizes, generator: Generator, attempt: int) -> Array:
    shape = tuple(dim.evaluate(sizes) for dim in argument.type.shape)
    if argument.type.kind == "bool":
        return np.asarray(generator.integers(0, 2, shape) == 1)
    if argument.type.kind == "int":
        return _draw_ints(argument, shape, sizes, generator, attempt)
    style = _style(list(REAL_STYLES), generator, attempt)
    values = draw_reals(generator, shape, argument.interval, style)
    start = _start(argument, shape) if attempt < 8 else None
    if start is None:
        return values
    near = np.where(start == 0.0, values, start * (1.0 + 0.1 * generator.uniform(-1.0, 1.0, shape)))
    low, high = argument.interval
    return np.where((low < near) & (near < high), near, values)


def _style(styles: list[str], generator: Generator, attempt: int) -> str:
    return styles[0] if attempt < 2 else styles[generator.integers(len(styles))]


def draw_reals(generator: Generator, shape: tuple[int, ...], within: Interval, style: str) -> Array:
    """Reals of a style inside the open interval."""
    low, high = within
    style_low, style_high = REAL_STYLES[style]
    if not isfinite(low) and not isfinite(high):
        values = generator.uniform(style_low, style_high, shape)
        return np.where(np.abs(values) < AWAY, values + np.copysign(AWAY, values), values)
    width = 2.0 if not isfinite(high - low) else high - low
    start = low if isfinite(low) else high - width
    return np.asarray(start + width * generator.uniform(0.1, 0.9, shape))


def _draw_ints(
    argument: Argument, shape: tuple[int, ...], sizes: Sizes, generator: Generator, attempt: int
) -> Array:
    if argument.range is not None:
        start, stop = (dim.evaluate(sizes) for dim in argument.range)
        return np.asarray(generator.integers(start, max(stop, start + 1), shape))
    low, high = argument.interval
    choices = INT_STYLES[_style(list(INT_STYLES), generator, attempt)]
    allowed = [c for c in choices if low <= c <= high]
    fallback = int(low) + 1 if isfinite(low) else int(high) - 1 if isfinite(high) else 1
    return np.asarray(generator.choice(allowed or [fallback], shape), dtype=np.int64)


def _start(argument: Argument, shape: tuple[int, ...]) -> Array | None:
    """Where a param starts, if that is a value of its own and not a random one."""
    init = argument.init
    if init is None or init.kind not in ("ones", "full", "value"):
        return None
    value = 1.0 if init.kind == "ones" else init.numbers[0] if init.kind == "full" else init.value
    return np.broadcast_to(np.asarray(value, dtype=np.float64), shape)
