"""The point at which a model is explained: the arguments of `--at values.json`, or random ones.

    {"x": [[0.5, -1.0]], "y": [1], "W": [[0.1], [0.2]]}      an entry for each input and param

What is wrong with them is said in the model's terms, by the emitted module's own checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from autodiffc.compiler.ir import Array
from autodiffc.compiler.model import Program
from autodiffc.compiler.obstacles import FAILURES, failing
from autodiffc.compiler.points import NoPoint, PointFinder
from autodiffc.compiler.samples import SEED, BadSizes, refuse_unknown
from autodiffc.grammar.diagnostics import suggestion
from autodiffc.grammar.records import record

KINDS = {"real": np.float64, "int": np.int64, "bool": np.bool_}
REFUSED = (TypeError, ValueError, AssertionError)


class BadPoint(Exception):
    """Values that the model cannot take; the message says why."""


@record(frozen=True, eq=False)
class Given:
    """Arguments (and masks, with their seed) by name, the sizes of dims, and where they are from."""

    arguments: Mapping[str, Array]
    sizes: Mapping[str, int]
    told: str


def given_at(program: Program, module: ModuleType, path: str, seed: int) -> Given:
    """The arguments of a JSON file; BadPoint where it can't be read or the model can't take them."""
    values = _read(path)
    named = _known(program, values, path)
    arrays = {name: _array(name, value, path) for name, value in named.items()}
    drawing = [np.random.default_rng(seed)] if program.draws else []
    try:
        module.forward(*arrays.values(), *drawing)
    except FAILURES as problem:
        where = failing(program, *_typed(program, arrays, seed))
        raise BadPoint(f"{path}: {f'{where}: ' if where else ''}{problem}") from None
    except REFUSED as problem:
        raise BadPoint(f"{path}: {problem}") from None
    return Given(*_typed(program, arrays, seed), f"at the values of {Path(path).name}")


def _typed(
    program: Program, given: Mapping[str, Array], seed: int
) -> tuple[dict[str, Array], dict[str, int]]:
    """The arguments as the model has them, with masks, and the sizes of dims."""
    arrays: dict[str, Array] = {
        a.name: np.asarray(given[a.name], KINDS[a.type.kind]) for a in program.arguments
    }
    sizes = _sizes(program, arrays)
    masks = np.random.default_rng(seed)
    drawn = {draw.name: draw.sample(masks, sizes) for draw in program.draws}
    return {**arrays, **drawn, SEED: np.asarray(seed)}, sizes


def given_random(program: Program, sizes: Mapping[str, int], seed: int) -> Given:
    """Random arguments at small sizes, or these; BadPoint where none were found."""
    finder = PointFinder(program, np.random.default_rng(seed), reason="not compared with SymPy here")
    try:
        refuse_unknown(program, sizes)
        point = finder.find(sizes)
    except (BadSizes, NoPoint) as problem:
        raise BadPoint(f"--sizes: {problem}" if sizes else f"{problem}; give some by --at") from None
    return Given(point.arguments, point.sizes, f"at random values, seed {seed}")


def _read(path: str) -> Mapping[str, Any]:
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise BadPoint(f"{path}: {(problem.strerror or str(problem)).lower()}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BadPoint(f"{path}: not JSON: {problem}") from None
    if not isinstance(values, dict):
        raise BadPoint(f'{path}: expected an object with an entry for each argument, {{"x": [1.0, 2.0], …}}')
    return values


def _known(program: Program, values: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    names = [a.name for a in program.arguments]
    for name in values:
        if name not in names:
            hint = suggestion(name, names) or f"it has {', '.join(names) or 'none'}"
            raise BadPoint(f"{path}: the model has no input or param `{name}`; {hint}")
    missing = [name for name in names if name not in values]
    if missing:
        raise BadPoint(f"{path}: no value for {', '.join(missing)}")
    return {name: values[name] for name in names}


def _array(name: str, value: Any, path: str) -> Array:
    if value is None or isinstance(value, (dict, str)):
        raise BadPoint(f"{path}: {name}: expected a number or nested lists of numbers, got {_shown(value)}")
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        raise BadPoint(f"{path}: {name}: rows of different lengths") from None
    if array.dtype == object:
        raise BadPoint(f"{path}: {name}: expected a number or nested lists of numbers")
    return array


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:38] + " …"


def _sizes(program: Program, arrays: Mapping[str, Array]) -> dict[str, int]:
    bound = {b.dim: (arrays[b.argument].shape[b.axis] - b.offset) // b.factor for b in program.bindings}
    return {**program.constants, **bound}


def sizes_told(program: Program, sizes: Mapping[str, int]) -> Sequence[str]:
    """`N = 2`, for each dim."""
    return [f"{name} = {sizes[name]}" for name in (*program.dims, *program.constants) if name in sizes]
