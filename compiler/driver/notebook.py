"""IPython and Jupyter: `%load_ext autodiffc` gives the magic `%%autodiffc`, which compiles a cell.

    %%autodiffc
    model product
    input x, y, z: real
    output f = (x + y) * z
    grad f wrt x, y, z

    product.value_and_grad(2.0, 3.0, 4.0)        # in the next cell

The module gets the model's name, or that which the magic's line gives: `%%autodiffc net -O2 -W`.
Lines in messages are counted as the notebook counts them, with that of the magic.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterable, Sequence
from keyword import iskeyword
from types import ModuleType, TracebackType
from typing import Any, NoReturn

from autodiffc.compiler.model import CannotEmit, Program
from autodiffc.grammar.diagnostics import Diagnostic, ModelError, render_all
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Source

from .api import Options, module_of, module_text, program_of
from .cards import LoadedModule, findings_card, graph_card, is_emitted, module_card
from .parsers import Parser, compilation, emission, linting, with_lints

CELL = "cell"


@record(frozen=True)
class Shown:
    """Something with a form for the terminal and one for the notebook."""

    text: str
    html: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


class CellError(Exception):
    """A cell that does not compile: what is wrong is shown already, a traceback would say nothing more."""

    def _render_traceback_(self) -> list[str]:
        return [f"ModelError: {self}"]


class _Usage(Exception):
    """The magic's line is wrong."""


class _LineParser(Parser):
    def error(self, message: str) -> NoReturn:
        raise _Usage(message)


def parser() -> _LineParser:
    """What the magic's line takes: what the command does."""
    made = _LineParser(prog="%%autodiffc", description="Compile the model in the cell.", add_help=False)
    made.add_argument(
        "name", nargs="?", default="", help="what the module is called (default: as the model is)"
    )
    compilation(made)
    emission(made, "functions to add")
    linting(made)
    made.add_argument("--no-graph", action="store_true", help="leave out the picture")
    made.add_argument("-h", "--help", action="store_true", help="show this help, and compile nothing")
    return made


def compiled(line: str, cell: str) -> tuple[str, LoadedModule, Program, argparse.Namespace]:
    """The module of a cell, and its name; ModelError where the model is wrong, _Usage where the line is."""
    chosen = _chosen(line)
    dims, emit = dict(chosen.dims), tuple(dict.fromkeys(chosen.emit))
    options = Options(dims, chosen.level, chosen.dtype, chosen.numerics, emit)
    source = Source(CELL, f"\n{cell}", os.path.join(os.getcwd(), CELL))
    program = program_of(source, dims)
    try:
        module = module_of(module_text(program, options), program.name)
    except CannotEmit as problem:
        raise _Usage(f"--emit {problem}") from None
    module.__model__ = source, dims
    return chosen.name or _variable(program.name), module, program, chosen


def _chosen(line: str) -> argparse.Namespace:
    try:
        chosen = parser().parse_args(with_lints(shlex.split(line)))
    except ValueError as problem:
        raise _Usage(str(problem)) from None
    if chosen.name and (iskeyword(chosen.name) or not chosen.name.isidentifier()):
        raise _Usage(f"{chosen.name} is not a name")
    return chosen


def _variable(name: str) -> str:
    return "model" if name == CELL else name


# --- in IPython ---------------------------------------------------------------------------------------


def load(shell: Any) -> None:
    """What `%load_ext autodiffc` does: the magic, the display of modules and of errors."""
    shell.register_magic_function(lambda line, cell=None: magic(shell, line, cell), "line_cell", "autodiffc")
    shell.display_formatter.formatters["text/html"].for_type(ModuleType, _module_html)
    shell.set_custom_exc((ModelError,), _show_model_error)


def magic(shell: Any, line: str, cell: str | None) -> None:
    """Compile the cell; show the module and its graph, or what is wrong. `-h` needs no cell."""
    from IPython.core.error import UsageError

    try:
        if _chosen(line).help:
            print(parser().format_help(), end="")
            return
        if cell is None:
            raise _Usage("the model stands in the cell, below `%%autodiffc`")
        name, module, program, chosen = compiled(line, cell)
        found = _warnings(program, chosen.lints)
    except _Usage as problem:
        raise UsageError(f"%%autodiffc: {problem}") from None
    except ModelError as error:
        found = error.diagnostics
    if found:
        _display(findings(found))
    wrong = sum(diagnostic.severity == "error" for diagnostic in found)
    if wrong:
        raise CellError(_counted(wrong))
    shell.user_ns[name] = module
    _display(Shown(_line(name, module), module_card(module, program)))
    if not chosen.no_graph:
        _display(Shown("", graph_card(program)))


def _warnings(program: Program, lints: Sequence[str] | None) -> tuple[Diagnostic, ...]:
    """What `-W` asks for."""
    if lints is None:
        return ()
    from autodiffc.compiler.lint import UnknownLint, chosen
    from autodiffc.compiler.lint import findings as linted

    try:
        choice = chosen(lints)
    except UnknownLint as problem:
        raise _Usage(f"-W: {problem}") from None
    return tuple(linted(program, choice.lints, choice.as_errors))


def _display(shown: Shown) -> None:
    from IPython import display

    show: Any = display.display
    show(shown)


def findings(diagnostics: Iterable[Diagnostic]) -> Shown:
    found = tuple(diagnostics)
    return Shown(render_all(found), findings_card(found))


def _counted(count: int) -> str:
    return f"{count} error{'s' if count != 1 else ''} in the model"


def _line(name: str, module: ModuleType) -> str:
    spec = module.SPEC
    return f"{name}: {', '.join([*spec['inputs'], *spec['params']])} → {', '.join(spec['outputs'])}"


def _module_html(module: ModuleType) -> str | None:
    """Of an emitted module; others are shown as ever."""
    if isinstance(module, LoadedModule):
        return module._repr_html_()
    return module_card(module) if is_emitted(module) else None


def _show_model_error(
    shell: Any, kind: type[ModelError], error: ModelError, trace: TracebackType, tb_offset: int | None = None
) -> list[str]:
    """A wrong model, from `autodiffc.load` or `compile`: its findings, without the compiler's own frames."""

    _display(findings(error.diagnostics))
    return [f"ModelError: {_counted(len(error.diagnostics))}"]
