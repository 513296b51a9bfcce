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
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

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
from .garbage import uncollected
from .version import VERSION

if TYPE_CHECKING:
    from autodiffc.compiler.model import Program
    from autodiffc.compiler.passes.base import Observe

    from .api import Options

COMMANDS = ("check", "fmt", "derive", "diagnose", "explain", "graph", "completion", "lsp")
EMITTED = ("jvp", "vjp", "hvp", "jacobian", "hessian", "gauss_newton", "workspace")
LINT_NAMES = re.compile(r"\w[\w-]*(,\w[\w-]*)*")  # as `-W` takes them
_RENDERERS = {"full": render_all, "concise": render_concise, "json": render_json}


class UsageError(Exception):
    """Wrong usage: a message for the terminal, exit status 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
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
    options = _PARSERS[command]().parse_args(with_lints(rest))
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


# --- what the command takes ----------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"autodiffc: {message}", file=sys.stderr)
        raise SystemExit(2)


def _common(prog: str, description: str, epilog: str = "") -> _Parser:
    parser = _Parser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="the model file")
    parser.add_argument(
        "--errors", choices=tuple(_RENDERERS), default="full", help="how errors are shown (default: full)"
    )
    return parser


def _compilation(parser: _Parser) -> None:
    parser.add_argument("-D", dest="dims", action="append", type=_assignment, default=[], metavar="K=20",
                        help="give a dim a value")  # fmt: skip
    parser.add_argument("-O", dest="level", type=int, choices=(0, 1, 2), default=1,
                        help="0: every step, 1: readable (default), 2: reuses buffers")  # fmt: skip
    parser.add_argument(
        "--dtype", choices=("float64", "float32"), default="float64", help="of `real` (default: float64)"
    )
    parser.add_argument("--numerics", choices=("stable", "precise"), default="stable",
                        help="stable (default), or precise also in the far tails")  # fmt: skip


def _linting(parser: _Parser) -> None:
    parser.add_argument("-W", dest="lints", action="append", default=None, metavar="[LINTS]",
                        help="warn: -W, or with all, names of lints, no-NAME, error")  # fmt: skip


def _emission(parser: _Parser, what: str) -> None:
    parser.add_argument("--emit", action="extend", type=_functions, default=[], metavar="NAMES",
                        help=f"{what}, with commas: {', '.join(EMITTED)}")  # fmt: skip


def with_lints(arguments: Sequence[str]) -> list[str]:
    """The arguments with a word after each `-W`: `-W model.dsl` has none of its own.

    >>> with_lints(["-W", "model.dsl", "-W", "no-shadowed,W0301"])
    ['-Wusual', 'model.dsl', '-Wno-shadowed,W0301']
    """
    found: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "-W":
            follows = rest and LINT_NAMES.fullmatch(rest[0]) and not os.path.exists(rest[0])
            word += rest.pop(0) if follows else "usual"
        found.append(word)
    return found


def _assignment(text: str) -> tuple[str, int]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise argparse.ArgumentTypeError(f"expected NAME=NUMBER, not {text!r}")
    try:
        return name.strip(), int(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number after `=`, not {value!r}") from None


def _functions(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in EMITTED:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(EMITTED)}")
    return names


def _compile_parser() -> _Parser:
    parser = _common(
        "autodiffc",
        "Compile a model into a standalone NumPy module with its gradient.",
        "warnings: -W, or -W all, -W singular, -W no-shadowed, -W error (docs/diagnostics.md)\n\n"
        "other commands:\n"
        "  autodiffc check model.dsl   compare the compiled derivatives with SymPy's and with differences\n"
        "  autodiffc derive model.dsl  print the derivatives as formulas\n"
        "  autodiffc explain model.dsl -o report.html\n"
        "                              show graph, gradients, derivation, code and costs on a page\n"
        "  autodiffc graph model.dsl -o graph.svg\n"
        "                              draw the graph (svg, png, dot)\n"
        "  autodiffc diagnose model.dsl --data data.npz\n"
        "                              look for dead units, vanishing gradients, badly scaled inputs …\n"
        "  autodiffc fmt model.dsl     put the file in canonical form\n"
        "  autodiffc completion bash   print what completes commands and options (bash, zsh, fish)\n"
        "  autodiffc lsp               serve an editor (errors while typing, hovers, definitions)\n",
    )
    parser.add_argument(
        "-o", dest="output", metavar="FILE", help="the module to write (default: standard output)"
    )
    _compilation(parser)
    _emission(parser, "functions to add")
    _linting(parser)
    parser.add_argument("--dump", metavar="STAGE", help="print a stage: ast, ir, ir:PASS, schedule or dot")
    parser.add_argument("--dump-dir", metavar="DIR", help="write the graph after every pass into a folder")
    parser.add_argument("--timings", action="store_true", help="print how long each pass took")
    parser.add_argument("--verify", action="store_true", help="verify the graph after every pass")
    parser.add_argument("--explain-cost", action="store_true",
                        help="print what the functions cost: formulas, predicted times")  # fmt: skip
    parser.add_argument("--sizes", type=_sizes, default={}, metavar="N=1000,D=50",
                        help="sizes of the dims for --explain-cost (default: some)")  # fmt: skip
    parser.add_argument("--cpu", choices=("AVX512", "AVX2"), type=str.upper,
                        help="whose times --explain-cost predicts (default: this one's)")  # fmt: skip
    parser.add_argument("--version", action="version", version=f"autodiffc {VERSION}")
    return parser


def _check_parser() -> _Parser:
    parser = _common("autodiffc check", "Compare the compiled derivatives with SymPy's and with differences.")
    _compilation(parser)
    _emission(parser, "functions to check beside the gradient (default: all that the model allows)")
    _linting(parser)
    parser.add_argument(
        "--sizes", type=_sizes, default={}, metavar="N=3,D=2", help="sizes of the dims (default: small ones)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random arguments (default: 0)")
    return parser


def _derive_parser() -> _Parser:
    parser = _common("autodiffc derive", "Print the derivatives of a model as formulas.")
    parser.add_argument("--wrt", default="", metavar="x,y", help="by what (default: the model's own choice)")
    parser.add_argument("--format", choices=("text", "latex", "mathml"), default="text",
                        help="how the formulas are written (default: text)")  # fmt: skip
    parser.add_argument("--order", type=int, choices=(1, 2), default=1,
                        help="2: second derivatives, too, of a model of scalars (default: 1)")  # fmt: skip
    parser.add_argument("--numerics", choices=("stable", "precise"), default="stable",
                        help="as elsewhere; the formulas are the same")  # fmt: skip
    parser.add_argument("-D", dest="dims", action="append", type=_assignment, default=[], metavar="K=20",
                        help="give a dim a value")  # fmt: skip
    return parser


def _diagnose_parser() -> _Parser:
    parser = _common(
        "autodiffc diagnose",
        "Look for what keeps a model from learning: dead and saturated units, gradients that\n"
        "vanish or explode, badly scaled inputs. Exit status 1 where something is found.",
    )
    parser.add_argument("--data", required=True, metavar="FILE.npz",
                        help="inputs by name; params too, or they start as init_params does")  # fmt: skip
    parser.add_argument("-o", "--html", dest="output", metavar="FILE", help="write a page with plots, too")
    parser.add_argument("--json", action="store_true", help="print numbers instead of a report")
    parser.add_argument("--sizes", type=_sizes, default={}, metavar="H=32",
                        help="sizes that the data don't give, to start params")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of params and dropout (default: 0)")
    parser.add_argument("-D", dest="dims", action="append", type=_assignment, default=[], metavar="K=20",
                        help="give a dim a value")  # fmt: skip
    return parser


def _explain_parser() -> _Parser:
    parser = _common(
        "autodiffc explain",
        "Show a model's differentiation on one page: the graph with values and gradients, the derivation, "
        "source and module side by side, cost and memory.",
    )
    parser.add_argument("-o", dest="output", required=True, metavar="FILE.html", help="the page to write")
    _compilation(parser)
    _values(parser, "the values to show (default: random ones)")
    return parser


def _graph_parser() -> _Parser:
    parser = _common("autodiffc graph", "Draw the graph of a model; with numbers where values are given.")
    parser.add_argument("-o", dest="output", required=True, metavar="FILE.svg|png|dot",
                        help="the picture to write; svg and png need Graphviz")  # fmt: skip
    parser.add_argument("-D", dest="dims", action="append", type=_assignment, default=[], metavar="K=20",
                        help="give a dim a value")  # fmt: skip
    parser.add_argument("--unfold", action="store_true", help="draw every value, also of a large graph")
    _values(parser, "values to show")
    return parser


def _values(parser: _Parser, what: str) -> None:
    parser.add_argument("--at", default="", metavar="values.json",
                        help=f"{what}: an object with (lists of) numbers for all arguments")  # fmt: skip
    parser.add_argument("--sizes", type=_sizes, default={}, metavar="N=3,D=2", help="sizes of random values")
    parser.add_argument("--seed", type=int, help="of random values and of dropout (default: 0)")


def _sizes(text: str) -> dict[str, int]:
    return dict(_assignment(part) for part in text.split(",") if part.strip())


def _fmt_parser() -> _Parser:
    parser = _common("autodiffc fmt", "Put a model file in canonical form, in place; comments are kept.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where the file would change"
    )
    parser.add_argument("--stdout", action="store_true", help="print the result instead of writing the file")
    return parser


def _completion_parser() -> _Parser:
    from .completion import SHELLS

    about = "Print a script that completes commands and options in a shell."
    parser = _Parser(prog="autodiffc completion", description=about)
    parser.add_argument("shell", choices=tuple(SHELLS), help="which shell")
    return parser


def _lsp_parser() -> _Parser:
    about = "Serve an editor by the Language Server Protocol, on standard input and output."
    parser = _Parser(prog="autodiffc lsp", description=about)
    parser.add_argument("--stdio", action="store_true", help="on standard input and output (always)")
    return parser


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
            dtype=options.dtype, numerics=options.numerics, emit=options.emit,
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

    sys.stdout.write(script(options.shell, {name: make() for name, make in _PARSERS.items()}, EMITTED))
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


_PARSERS = {
    "compile": _compile_parser,
    "check": _check_parser,
    "derive": _derive_parser,
    "diagnose": _diagnose_parser,
    "explain": _explain_parser,
    "graph": _graph_parser,
    "fmt": _fmt_parser,
    "completion": _completion_parser,
    "lsp": _lsp_parser,
}
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
