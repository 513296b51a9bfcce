"""What must hold of any model: all ways to its value and its gradient agree.

    check(whole_model(Random(7)), seed=7)     the outcome in a word; Disagreement where two ways differ

The value is compared with the interpreter's on the graph as the model was written, the gradient with differences of
that value along random directions, levels with one another, `forward` and `backward` with `value_and_grad`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import numpy as np
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler.interp import evaluate
from autodiffc.grammar.source import Source
from whole_models import Argument, Model

Arguments = Mapping[str, Any]
Gradient = dict[str, np.ndarray]
STEP = 3e-4
LARGEST = 1e4  # a value beyond it leaves too few digits to a difference


class Disagreement(AssertionError):
    """Two ways to the same number differ."""


class Unfit(Exception):
    """The model has no moderate value at this point, or a kink is near; the message says which."""


@dataclass(frozen=True, eq=False)
class Case:
    """A model at a point."""

    model: Model
    program: Any
    sizes: Mapping[str, int]
    arguments: Arguments

    def value(self, at: Arguments) -> float:
        try:
            return float(evaluate(self.program.graph, at, self.sizes)["L"])
        except np.linalg.LinAlgError as error:
            raise Unfit("singular") from error

    @property
    def given(self) -> list[Any]:
        return [self.arguments[a.name] for a in self.program.arguments]

    def module(self, options: Options) -> Any:
        return module_of(module_text(self.program, options), "model")


def case_of(model: Model, seed: int, sizes: Mapping[str, int], text: str | None = None) -> Case:
    program = program_of(Source("random.dsl", text or model.text))
    arguments = model.arguments(seed, sizes)
    for array in arguments.values():
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return Case(model, program, sizes, arguments)


def check(model: Model, seed: int, levels: tuple[int, ...] = (0, 1, 2), small: bool = False) -> str:
    """The word `ok`, or why the model cannot be compared here."""
    sizes = model.small_sizes(Random(seed)) if small else model.sizes
    case = case_of(model, seed, sizes)
    try:
        expected = moderate(case.value(case.arguments))
        found = [results(case, Options(level=level)) for level in levels]
        for level, (value, gradient) in zip(levels, found):
            agree(value, expected, 1e-10, 1e-12, f"value at -O{level}, of the interpreter")
            same(gradient, found[0][1], 1e-9, f"gradient at -O{level}, at -O{levels[0]}")
        if seed % 4 == 0:
            value, gradient = results(case, Options(level=1, numerics="precise"))
            same(gradient, found[0][1], 1e-9, "gradient with precise numerics")
        directions(case, found[0][1], seed)
        if seed % 4 == 1:
            single(case, found[0][1])
    except Unfit as reason:
        return str(reason)
    return "ok"


def check_text(text: str, seed: int) -> str:
    """The same for a file: its arguments are those of a whole model or have the shapes that it states."""
    return check(model_of(text), seed)


def model_of(text: str) -> Model:
    program = program_of(Source("found.dsl", text))
    nodes = {node["name"]: node.type for node in program.graph.inputs}
    reals = tuple(
        Argument(a.name, nodes[a.name].shape, (-1.0, 1.0), a.role == "param")
        for a in program.arguments
        if nodes[a.name].kind == "real"
    )
    return Model(text, reals, program.wrt, {})


def same_results(one: Case, other: Case) -> None:
    """Two models that mean the same give the same."""
    (value, gradient), (again, slopes) = (results(case, Options(level=1)) for case in (one, other))
    agree(again, value, 1e-10, 1e-12, "value of the variant")
    same(slopes, gradient, 1e-9, "gradient of the variant")


def moderate(value: float) -> float:
    if not np.isfinite(value) or abs(value) > LARGEST:
        raise Unfit("not finite" if not np.isfinite(value) else "large")
    return value


def agree(one: Any, other: Any, relative: float, absolute: float, what: str) -> None:
    if not np.allclose(one, other, rtol=relative, atol=absolute):
        raise Disagreement(f"{what}: {one} and {other}")


def same(one: Gradient, other: Gradient, relative: float, what: str) -> None:
    size = largest(other)
    for name, array in other.items():
        agree(one[name], array, relative, relative * size, f"{what}, by {name}")


def largest(gradient: Gradient) -> float:
    size = max(float(np.abs(g).max(initial=0.0)) for g in gradient.values())
    if not size < LARGEST:
        raise Unfit("a large gradient")
    return size + 1e-3


def results(case: Case, options: Options) -> tuple[float, Gradient]:
    """Value and gradient, which all functions of the module give, and give again."""
    module = case.module(options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, grads = module.value_and_grad(*case.given)
        gradient = dict(zip(case.model.wrt, grads))
        outputs, cache = module.forward(*case.given)
        again = [
            module.backward(cache),
            module.backward(cache),
            module.grad(*case.given),
            module.value_and_grad(*case.given)[1],
        ]
    last_bits = 0.0 if options.level < 2 else 1e-13  # -O2 may add up in another order
    if not abs(value - outputs.L) <= last_bits * abs(value) or type(value) is not float:
        raise Disagreement(f"forward: {outputs.L!r}, value_and_grad: {value!r}")
    for name, g in gradient.items():
        if np.shape(g) != np.shape(case.arguments[name]) or type(g) is not (
            np.ndarray if np.ndim(g) else float
        ):
            raise Disagreement(f"{name}: a gradient of shape {np.shape(g)} and type {type(g)}")
    exact = 1e-10 if options.dtype == "float64" else 2e-3
    for other in again:
        same(dict(zip(case.model.wrt, other)), gradient, exact, "gradients of one module")
    if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(again[-1], grads)):
        raise Disagreement("the same call gives another gradient")
    _is_owned(case, module, list(grads), gradient)
    return value, gradient


def _is_owned(case: Case, module: Any, grads: list[Any], gradient: Gradient) -> None:
    """What is returned belongs to the caller: a later call neither writes to it nor reads from it."""
    kept = {name: np.copy(g) for name, g in gradient.items()}
    second = module.value_and_grad(*case.given)[1]
    for array in second:
        if isinstance(array, np.ndarray):
            array[...] = np.nan
    module.grad(*case.given)
    for name, array in zip(case.model.wrt, grads):
        if not np.array_equal(array, kept[name], equal_nan=True):
            raise Disagreement(f"the gradient by {name} is overwritten later")


# --- differences ---------------------------------------------------------------------------------------


def directions(case: Case, gradient: Gradient, seed: int, count: int = 2) -> None:
    """The gradient along random directions of all arguments against differences of the interpreter's value."""
    rng = np.random.default_rng(seed)
    size = largest(gradient)
    for _ in range(count):
        tangents = {name: rng.choice((-1.0, 1.0), np.shape(case.arguments[name])) for name in case.model.wrt}
        expected, doubt = slope(partial(_along, case, tangents))
        elements = sum(t.size for t in tangents.values())
        if doubt > 1e-5 * size:
            raise Unfit("a kink")
        found = sum(float(np.sum(gradient[name] * t)) for name, t in tangents.items())
        if not abs(found - expected) < 1e-7 * size * max(elements, 1) ** 0.5 + 20.0 * doubt:
            raise Disagreement(f"along a direction: {found}, by differences {expected} ± {doubt}")


def _along(case: Case, tangents: Gradient, t: float) -> float:
    """The value at a step along a direction."""
    moved = {name: case.arguments[name] + t * tangent for name, tangent in tangents.items()}
    return case.value({**case.arguments, **moved})


def slope(f: Callable[[float], float]) -> tuple[float, float]:
    """The derivative at 0 to fourth order, and how far two steps are apart; Unfit at a kink."""
    centre = f(0.0)
    found, bends = [], []
    for step in (STEP, STEP / 3):
        ends = [moderate(f(k * step)) for k in (-2, -1, 1, 2)]
        found.append((8.0 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12.0 * step))
        bends.append(abs(ends[1] + ends[2] - 2.0 * centre) / step)
    if bends[1] > 0.6 * bends[0] and bends[1] > 1e-6:  # a smooth curve bends by a third
        raise Unfit("a kink")
    return found[1], abs(found[0] - found[1])


# --- single precision ----------------------------------------------------------------------------------


def single(case: Case, gradient: Gradient) -> None:
    """The float32 module against the float64 one."""
    _, found = results(case, Options(level=1, dtype="float32"))
    depth = len(case.model.text.splitlines()) * 10
    for name, array in gradient.items():
        agree(found[name], array, 0.0, 1e-5 * (1.0 + largest(gradient)) * depth**0.5, f"float32, by {name}")


# --- another opinion -----------------------------------------------------------------------------------


def against_jax(model: Model, seed: int) -> str:
    """Value and gradient against JAX's, element by element."""
    import jax
    from jax_reading import reading

    case = case_of(model, seed, model.sizes)
    try:
        value, gradient = results(case, Options(level=1))
        moderate(value)
        directions(case, gradient, seed)
        reals = {name: jax.numpy.asarray(case.arguments[name]) for name in model.wrt}
        f = reading(model.text, model.sizes)
        expected, slopes = jax.value_and_grad(lambda r: f({**case.arguments, **r}))(reals)
        agree(value, expected, 1e-10, 1e-11, "value, of JAX")
        same(gradient, {name: np.asarray(s) for name, s in slopes.items()}, 1e-9, "gradient, of JAX")
    except Unfit as reason:
        return str(reason)
    return "ok"
