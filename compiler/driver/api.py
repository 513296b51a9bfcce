"""The stages joined up: source text in, module text (or a loaded module) out."""

from __future__ import annotations

import builtins
import linecache
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from os import PathLike, fspath
from types import ModuleType
from typing import SupportsIndex

from autodiffc.codegen.module import emit
from autodiffc.compiler.frontend.model import check
from autodiffc.compiler.model import CannotEmit, Derivative, Program
from autodiffc.compiler.passes.base import Observe
from autodiffc.compiler.passes.pipeline import derive
from autodiffc.grammar.diagnostics import Diagnostic
from autodiffc.grammar.parser import parse
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source

from .cards import LoadedModule
from .garbage import uncollected
from .version import VERSION

LEVELS = (0, 1, 2)
DTYPES = ("float64", "float32")
NUMERICS = ("stable", "precise")


@dataclass(frozen=True)
class Options:
    """How to compile.

    dims      values for dims, as `-D K=20` gives them
    level     0 (one chain-rule step a line), 1 (readable), 2 (buffers reused)
    dtype     of `real`: float64 or float32
    numerics  stable or precise (see docs/numerics.md)
    emit      functions beyond the usual ones: jvp, vjp, hvp, jacobian, hessian, gauss_newton
    """

    dims: Mapping[str, int] | None = None
    level: int = 1
    dtype: str = "float64"
    numerics: str = "stable"
    emit: Sequence[str] = ()

    def __post_init__(self) -> None:
        for value, allowed, what in (
            (self.level, LEVELS, "level"),
            (self.dtype, DTYPES, "dtype"),
            (self.numerics, NUMERICS, "numerics"),
        ):
            if value not in allowed:
                raise ValueError(f"{what} is one of {', '.join(map(str, allowed))}, not {value!r}")
        for name, size in (self.dims or {}).items():
            if not isinstance(size, SupportsIndex):
                raise TypeError(f"the dim {name} is an int, not {size!r}")


def names_in(emit: str | Sequence[str]) -> tuple[str, ...]:
    """Functions on request: a sequence of names, or a text with commas as the command takes it."""
    return tuple(filter(None, map(str.strip, emit.split(",")))) if isinstance(emit, str) else tuple(emit)


def program_of(source: Source, dims: Mapping[str, int] | None = None) -> Program:
    """The checked model; ModelError with everything that is wrong with it."""
    model, diagnostics = parse(source)
    return check(model, diagnostics, dims)


def derivative_of(program: Program, options: Options, observe: Observe | None = None) -> Derivative:
    """The optimised graphs of the model and its derivative."""
    return derive(program, options.level, observe, options.numerics, options.emit, options.dtype)


def module_text(program: Program, options: Options, observe: Observe | None = None) -> str:
    """The text of the emitted module."""
    derivative = derivative_of(program, options, observe)
    return emit(program, derivative, level=options.level, dtype=options.dtype, version=VERSION)


def compile(
    source: str,
    *,
    name: str = "model.dsl",
    folder: str | PathLike[str] | None = None,
    dims: Mapping[str, int] | None = None,
    level: int = 1,
    dtype: str = "float64",
    numerics: str = "stable",
    emit: str | Sequence[str] = (),
) -> str:
    """Compile the text of a model to the text of a Python module.

    `name` is what messages and the module's SPEC call the source. `folder` is where its file imports are
    looked for; without it they are refused. Raises ModelError where the model is wrong, ValueError where an
    option is.
    """
    options = Options(dims, level, dtype, numerics, names_in(emit))
    path = None if folder is None else os.path.join(fspath(folder), os.path.basename(name))
    return _compiled(Source(name, source, path), options)[0]


def load(
    path: str | PathLike[str],
    *,
    dims: Mapping[str, int] | None = None,
    level: int = 1,
    dtype: str = "float64",
    numerics: str = "stable",
    emit: str | Sequence[str] = (),
) -> ModuleType:
    """Compile a model file in memory and import the module.

    Raises OSError where the file cannot be read, ModelError where the model is wrong.
    """
    options = Options(dims, level, dtype, numerics, names_in(emit))
    source = read_source(fspath(path))
    module = module_of(*_compiled(source, options))
    module.__model__ = source, options.dims
    return module


def _compiled(source: Source, options: Options) -> tuple[str, str]:
    """The text of the module and the model's name."""
    with uncollected():
        program = program_of(source, options.dims)
        return module_text(program, options), program.name


def lint(
    source: str,
    *,
    name: str = "model.dsl",
    folder: str | PathLike[str] | None = None,
    dims: Mapping[str, int] | None = None,
    lints: str = "usual",
) -> tuple[Diagnostic, ...]:
    """What is no error in a model, but likely no intention either.

    `lints` are names with commas, as `-W` takes them. Raises ModelError where the model is wrong, ValueError
    where there is no such lint.
    """
    from autodiffc.compiler.lint import chosen, findings

    choice = chosen([lints])
    path = None if folder is None else os.path.join(fspath(folder), os.path.basename(name))
    return findings(program_of(Source(name, source, path), dims), choice.lints, choice.as_errors)


def module_of(text: str, name: str) -> LoadedModule:
    """The module of an emitted text; tracebacks and `inspect` can show its lines. Not in sys.modules."""
    module = LoadedModule(name)
    filename = f"<autodiffc {name}-{sha256(text.encode()).hexdigest()[:12]}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    module.__file__ = filename
    exec(builtins.compile(text, filename, "exec"), module.__dict__)
    return module


__all__ = [
    "CannotEmit", "Options", "compile", "derivative_of", "lint", "load", "module_of", "module_text",
    "program_of",
]  # fmt: skip
