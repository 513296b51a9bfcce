"""The arguments at which a model is observed: the data given, and params, by init_params if they aren't.

    Point.of(program, module, {"x": x, "y": y}, sizes={"H": 32}, seed=0)

What is given is checked as the emitted module checks it, and in its words.
"""

from __future__ import annotations

import inspect
import zipfile
from collections.abc import Mapping
from keyword import iskeyword
from os import PathLike, fspath
from types import ModuleType
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
from autodiffc.compiler.ir import Array
from autodiffc.compiler.model import Program
from autodiffc.compiler.obstacles import FAILURES, failing
from autodiffc.compiler.samples import SEED, BadSizes, refuse_unknown
from autodiffc.compiler.types import Dim
from autodiffc.grammar.diagnostics import suggestion
from autodiffc.grammar.records import record

from .words import list_of

DTYPES = {"real": np.float64, "int": np.int64, "bool": np.bool_}


class WrongData(ValueError):
    """The data are not what the model takes; the message says why."""


def read(path: str | PathLike[str]) -> dict[str, Array]:
    """The arrays of an .npz file. OSError where it can't be read, WrongData where it is something else."""
    name = fspath(path)
    try:
        file = np.load(name, allow_pickle=False)
        if not isinstance(file, np.ndarray):
            with file:
                return {key: file[key] for key in file.files}
    except (zipfile.BadZipFile, ValueError, EOFError):
        raise WrongData(f"{name} is no .npz file of numbers (write one with np.savez)") from None
    raise WrongData(f"{name} holds a single array; write it with np.savez(…, x=x), by names")


@record(frozen=True, eq=False)
class Point:
    """All arguments by name, the sizes of all dims, and what was done to get there."""

    arguments: Mapping[str, Array]
    sizes: Mapping[str, int]
    notes: tuple[str, ...]

    @staticmethod
    def of(
        program: Program,
        module: ModuleType,
        given: Mapping[str, Any],
        sizes: Mapping[str, int] | None = None,
        seed: int = 0,
    ) -> Point:
        """WrongData or BadSizes where that can't be."""
        refuse_unknown(program, sizes or {})
        names = [a.name for a in program.arguments]
        given = {
            name.removesuffix("_") if iskeyword(name[:-1]) else name: array for name, array in given.items()
        }
        data = {name: given[name] for name in names if name in given}
        _refuse_missing(program, data, given)
        known = _agreed(sizes or {}, _sizes(program, data))
        started = [a.name for a in program.params if a.name not in data]
        if started:
            data |= _started(program, module, started, known, seed)
        _refuse_wrong(program, module, data, seed)
        arrays, found = _typed(program, data, seed)
        notes = tuple(_notes(started, seed, [name for name in given if name not in names]))
        return Point(arrays, {**(sizes or {}), **found}, notes)


def _refuse_missing(program: Program, data: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    missing = [a.name for a in program.inputs if a.name not in data]
    if missing:
        others = [name for name in given if name not in data]
        hint = next((f"; {s}" for name in missing if (s := suggestion(name, others))), "")
        held = f"they hold {list_of(list(given))}" if given else "they hold nothing"
        raise WrongData(f"the data lack {list_of(missing)}; {held}{hint}")


def _sizes(program: Program, data: Mapping[str, Any]) -> dict[str, int]:
    """The dims that these arguments give, where they stand alone or linearly."""
    found: dict[str, int] = {}
    for argument in program.arguments:
        shape = np.shape(data[argument.name]) if argument.name in data else ()
        for dim, size in zip(argument.type.shape, shape):
            found |= {
                name: int(size) for name in dim.symbols if dim == Dim.symbol(name) and name not in found
            }
    for binding in program.bindings:
        shape = np.shape(data[binding.argument]) if binding.argument in data else ()
        if binding.axis < len(shape):
            found.setdefault(binding.dim, (int(shape[binding.axis]) - binding.offset) // binding.factor)
    return found


def _agreed(asked: Mapping[str, int], found: Mapping[str, int]) -> dict[str, int]:
    """The sizes that are asked for and those that the data have; BadSizes where they differ."""
    for name, size in asked.items():
        if found.get(name, size) != size:
            raise BadSizes(f"{name} is {found[name]} in the data")
    return {**asked, **found}


def _started(
    program: Program, module: ModuleType, names: list[str], known: Mapping[str, int], seed: int
) -> dict[str, Array]:
    """Params as init_params starts them."""
    taken = [
        p.name for p in inspect.signature(module.init_params).parameters.values() if p.kind is p.KEYWORD_ONLY
    ]
    missing = [dim for dim in taken if dim not in known]
    if missing:
        options = ",".join(f"{dim}=…" for dim in missing)
        raise WrongData(
            f"the data have no {list_of(names)}; to start params, the size of {list_of(missing)} is needed: "
            f"give --sizes {options}, or the params with the data"
        )
    try:
        params = module.init_params(seed, **{dim: known[dim] for dim in taken})
    except ValueError as problem:  # more elements than NumPy has numbers for
        raise BadSizes(str(problem)) from None
    return {a.name: np.asarray(value) for a, value in zip(program.params, params) if a.name in names}


def _refuse_wrong(program: Program, module: ModuleType, data: Mapping[str, Any], seed: int) -> None:
    """What is wrong with what is given; the emitted forward() says it."""
    order = [data[a.name] for a in program.arguments]
    generators = [np.random.default_rng(seed)] if program.draws else []
    try:
        with np.errstate(all="ignore"), catch_warnings():
            simplefilter("ignore")
            module.forward(*order, *generators)
    except FAILURES as problem:
        where = failing(program, *_typed(program, data, seed))
        raise WrongData(f"{where}: {problem}" if where else str(problem)) from problem
    except (TypeError, ValueError) as problem:
        raise WrongData(str(problem)) from problem


def _typed(program: Program, data: Mapping[str, Any], seed: int) -> tuple[dict[str, Array], dict[str, int]]:
    """The arguments as the model has them, with masks, and the sizes of dims."""
    arrays: dict[str, Array] = {
        a.name: np.array(data[a.name], DTYPES[a.type.kind]) for a in program.arguments
    }
    sizes = {**program.constants, **_sizes(program, arrays)}
    masks = np.random.default_rng(seed)
    drawn = {draw.name: draw.sample(masks, sizes) for draw in program.draws}
    return {**arrays, **drawn, **({SEED: np.asarray(seed)} if drawn else {})}, sizes


def _notes(started: list[str], seed: int, others: list[str]) -> list[str]:
    notes = [f"{list_of(started)} as init_params({seed}) starts them"] if started else []
    return notes + ([f"left aside, as no arguments of the model: {list_of(others)}"] if others else [])


__all__ = ["BadSizes", "Point", "WrongData", "read"]
