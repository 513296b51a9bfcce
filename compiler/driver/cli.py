"""The command `autodiffc`.

    autodiffc model.dsl -o model.py      compile
    autodiffc check model.dsl            prove the gradient
    autodiffc derive model.dsl           print the derivatives as formulas
    autodiffc explain model.dsl -o x.html  show graph, gradients, derivation and code on a page
    autodiffc graph model.dsl -o x.svg   draw the graph
    autodiffc diagnose model.dsl --data  look for dead units, vanishing gradients, …
    autodiffc fmt model.dsl              put the file in canonical form
    autodiffc completion bash            complete commands and options in a shell
    autodiffc lsp                        serve an editor: errors while typing, hovers, definitions

Exit status: 0, 1 for an error in the model (or a gradient that differs, or a finding), 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autodiffc.grammar.diagnostics import (
    Diagnostic,
    ModelError,
    in_order,
    render_all,
    render_concise,
    render_json,
)
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source

from .files import write_whole
from .garbage import spare_the_last, uncollected
from .parsers import COMMANDS, EMITTED, PARSERS, with_lints

if TYPE_CHECKING:
    from autodiffc.compiler.model import Program
    from autodiffc.compiler.passes.base import Observe

    from .api import Options

_RENDERERS = {"full": render_all, "concise": render_concise, "json": render_json}


class UsageError(Exception):
    """Wrong usage: a message for the terminal, exit status 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status. Without arguments those of the process, which then ends."""
    if argv is not None:
        return _status(list(argv))
    try:
        return _status(sys.argv[1:])
    finally:
        spare_the_last()


def _status(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        return _run(arguments)
    except UsageError as error:
        print(f"autodiffc: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("autodiffc: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone (`autodiffc … | head`): nothing more to say, nor to complain of at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: list[str]) -> int:
    command = arguments[0] if arguments and arguments[0] in COMMANDS else "compile"
    rest = arguments[1:] if command != "compile" else arguments
    options = PARSERS[command]().parse_args(with_lints(rest))
    try:
        with uncollected():
            return int(_ACTIONS[command](options))
    except ModelError as error:
        _show(options, error.diagnostics)
        return 1


def _show(options: argparse.Namespace, diagnostics: Sequence[Diagnostic]) -> None:
    """Print findings to standard error, as `--errors` says."""
    print(_RENDERERS[options.errors](diagnostics), file=sys.stderr)
    if options.errors == "full":
        kinds = Counter(diagnostic.severity for diagnostic in in_order(diagnostics))
        counts = ", ".join(f"{number} {kind}{'s' if number != 1 else ''}" for kind, number in kinds.items())
        print(f"\n{counts} in {options.model}", file=sys.stderr)


# --- what the commands do ---------------------------------------------------------------------------


def _source(path: str) -> Source:
    try:
        return read_source(path)
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _compile(options: argparse.Namespace) -> int:
    from .api import CannotEmit, Options, module_text, program_of

    source = _source(options.model)
    _refuse_overwriting(options.model, options.output)
    chosen = Options(
        dict(options.dims), options.level, options.dtype, options.numerics, tuple(dict.fromkeys(options.emit))
    )
    if options.dump:
        from .dumps import dump

        sys.stdout.write(dump(source, options.dump, chosen))
        if not options.output:
            return 0
    program = program_of(source, chosen.dims)
    if _warned(options, program):
        return 1
    if options.explain_cost:
        from .explain_cost import BadSizes, explain_cost

        try:
            sys.stdout.write(explain_cost(program, chosen, options.sizes, options.cpu))
        except BadSizes as problem:
            raise UsageError(f"--sizes: {problem}") from None
        if not options.output:
            return 0
    for imported in program.imports:
        _refuse_overwriting(str(imported.path), options.output, "a file that the model imports")
    try:
        if options.dump_dir or options.timings or options.verify:
            text = _watched(options, lambda observe: module_text(program, chosen, observe))
        else:
            text = module_text(program, chosen)
    except CannotEmit as error:
        raise UsageError(f"--emit {error}") from None
    if options.output:
        _write(options.output, text)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
    return 0


def _watched(options: argparse.Namespace, compile: Callable[[Observe], str]) -> str:
    """Compile with an eye on the passes."""
    from .dumps import Watch

    watch = Watch(options.dump_dir, options.verify)
    text = compile(watch.observe)
    if options.timings:
        print(watch.report(), file=sys.stderr)
    return text


def _warned(options: argparse.Namespace, program: Program) -> bool:
    """Print the warnings that `-W` asks for; whether they are errors."""
    if options.lints is None:
        return False
    from autodiffc.compiler.lint import UnknownLint, chosen, findings

    try:
        choice = chosen(options.lints)
    except UnknownLint as problem:
        raise UsageError(f"-W: {problem}") from None
    found = findings(program, choice.lints, choice.as_errors)
    if found:
        _show(options, found)
    return any(finding.severity == "error" for finding in found)


def _refuse_overwriting(source: str, output: str | None, what: str = "the model") -> None:
    if output and os.path.exists(output) and os.path.samefile(source, output):
        raise UsageError(f"{output}: the output would overwrite {what}")


def _write(path: str, text: str | bytes) -> None:
    try:
        write_whole(Path(path), text)
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _check(options: argparse.Namespace) -> int:
    from .api import CannotEmit, program_of
    from .check_command import run

    source = _source(options.model)
    if options.lints is not None and _warned(options, program_of(source, dict(options.dims))):
        return 1
    try:
        return run(
            source, dims=dict(options.dims), sizes=options.sizes, seed=options.seed, level=options.level,
            dtype=options.dtype, numerics=options.numerics, emit=options.emit, surrogates=options.surrogate,
        )  # fmt: skip
    except CannotEmit as error:
        raise UsageError(f"--emit {error}") from None


def _derive(options: argparse.Namespace) -> int:
    from .derive_command import WrongRequest, formulas

    source = _source(options.model)
    wrt = [name.strip() for name in options.wrt.split(",") if name.strip()]
    try:
        text = formulas(source, wrt, options.format, dict(options.dims), options.order)
    except WrongRequest as problem:
        raise UsageError(f"{options.model}: {problem}") from None
    sys.stdout.write(text)
    return 0


def _diagnose(options: argparse.Namespace) -> int:
    from .diagnose_command import WrongRequest, run

    source = _source(options.model)
    _refuse_overwriting(options.model, options.output)
    if os.path.exists(options.data):
        _refuse_overwriting(options.data, options.output, "the data")
    try:
        return run(
            source, options.data, dims=dict(options.dims), sizes=options.sizes, seed=options.seed,
            json=options.json, page=options.output,
        )  # fmt: skip
    except WrongRequest as problem:
        raise UsageError(str(problem)) from None


def _explain(options: argparse.Namespace) -> int:
    from .explain_command import BadPoint, Request, explain

    program = _program_to_show(options)
    chosen = _options(options)
    try:
        text = explain(program, chosen, Request(options.at, options.sizes, options.seed))
    except BadPoint as problem:
        raise UsageError(str(problem)) from None
    _write(options.output, text)
    return 0


def _graph(options: argparse.Namespace) -> int:
    from .explain_command import FORMS, BadPoint, NoGraphviz, Request, graph_picture

    form = Path(options.output).suffix.removeprefix(".").lower()
    if form not in FORMS:
        raise UsageError(f"-o {options.output}: the name of a picture ends with .svg, .png or .dot")
    program = _program_to_show(options)
    request = Request(options.at, options.sizes, options.seed)
    try:
        _write(options.output, graph_picture(program, form, request, options.unfold))
    except (BadPoint, NoGraphviz) as problem:
        raise UsageError(str(problem)) from None
    return 0


def _program_to_show(options: argparse.Namespace) -> Program:
    """The model, if what is asked for makes sense and the output overwrites no source."""
    from .api import program_of

    if options.at and options.sizes:
        raise UsageError("--at gives the sizes, too: leave out --sizes")
    source = _source(options.model)
    for path in filter(None, (options.model, options.at)):
        if os.path.exists(path):
            _refuse_overwriting(path, options.output, "the model" if path == options.model else "the values")
    program = program_of(source, dict(options.dims))
    for imported in program.imports:
        _refuse_overwriting(str(imported.path), options.output, "a file that the model imports")
    return program


def _options(options: argparse.Namespace) -> Options:
    from .api import Options

    return Options(dict(options.dims), options.level, options.dtype, options.numerics)


def _fmt(options: argparse.Namespace) -> int:
    from autodiffc.grammar.formatter import format_source

    source = _source(options.model)
    text = format_source(source)
    if options.stdout:
        sys.stdout.write(text)
        return 0
    changed = text != source.text
    if options.check:
        if changed:
            print(f"{options.model} would change", file=sys.stderr)
        return int(changed)
    if changed:
        _write(options.model, text)
    return 0


def _completion(options: argparse.Namespace) -> int:
    from .completion import script

    sys.stdout.write(script(options.shell, {name: make() for name, make in PARSERS.items()}, EMITTED))
    return 0


def _lsp(options: argparse.Namespace) -> int:
    try:
        from .language_server.server import run
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise UsageError("lsp needs the package pygls: pip install 'autodiffc[lsp]'") from None
    run()
    return 0


_ACTIONS = {
    "compile": _compile,
    "check": _check,
    "derive": _derive,
    "diagnose": _diagnose,
    "explain": _explain,
    "graph": _graph,
    "fmt": _fmt,
    "completion": _completion,
    "lsp": _lsp,
}
