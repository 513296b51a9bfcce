"""What the command and each of its subcommands take.

    PARSERS["check"]().parse_args(["model.dsl", "--sizes", "N=3"]).sizes      {"N": 3}

`compile` is what is done where no command is named. Shells complete what these parsers know (`completion/`),
and the notebook's magic takes the options of a compilation.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from .version import VERSION

ERRORS = ("full", "concise", "json")
EMITTED = ("jvp", "vjp", "hvp", "jacobian", "hessian", "gauss_newton", "workspace")
LINT_NAMES = re.compile(r"\w[\w-]*(,\w[\w-]*)*")  # as `-W` takes them


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"autodiffc: {message}", file=sys.stderr)
        raise SystemExit(2)


def _common(prog: str, description: str, epilog: str = "") -> Parser:
    parser = Parser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="the model file")
    parser.add_argument(
        "--errors", choices=ERRORS, default="full", help="how errors are shown (default: full)"
    )
    return parser


def _dims(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-D", dest="dims", action="append", type=_assignment, default=[], metavar="K=20",
                        help="give a dim a value")  # fmt: skip


def compilation(parser: Parser) -> None:
    _dims(parser)
    parser.add_argument("-O", dest="level", type=int, choices=(0, 1, 2), default=1,
                        help="0: every step, 1: readable (default), 2: for speed")  # fmt: skip
    parser.add_argument(
        "--dtype", choices=("float64", "float32"), default="float64", help="of `real` (default: float64)"
    )
    parser.add_argument("--numerics", choices=("stable", "precise"), default="stable",
                        help="stable (default), or precise also in the far tails")  # fmt: skip


def linting(parser: Parser) -> None:
    parser.add_argument("-W", dest="lints", action="append", default=None, metavar="[LINTS]",
                        help="warn: -W, or with all, names of lints, no-NAME, error")  # fmt: skip


def emission(parser: Parser, what: str) -> None:
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


def _compile_parser() -> Parser:
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
    compilation(parser)
    emission(parser, "functions to add")
    linting(parser)
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


def _check_parser() -> Parser:
    parser = _common("autodiffc check", "Compare the compiled derivatives with SymPy's and with differences.")
    compilation(parser)
    emission(parser, "functions to check beside the gradient (default: all that the model allows)")
    linting(parser)
    parser.add_argument(
        "--sizes", type=_sizes, default={}, metavar="N=3,D=2", help="sizes of the dims (default: small ones)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random arguments (default: 0)")
    parser.add_argument("--surrogate", action="append", default=[], metavar="NAME",
                        help="a function whose own adjoint is meant to be no derivative")  # fmt: skip
    return parser


def _derive_parser() -> Parser:
    parser = _common("autodiffc derive", "Print the derivatives of a model as formulas.")
    parser.add_argument("--wrt", default="", metavar="x,y", help="by what (default: the model's own choice)")
    parser.add_argument("--format", choices=("text", "latex", "mathml"), default="text",
                        help="how the formulas are written (default: text)")  # fmt: skip
    parser.add_argument("--order", type=int, choices=(1, 2), default=1,
                        help="2: second derivatives, too, of a model of scalars (default: 1)")  # fmt: skip
    parser.add_argument("--numerics", choices=("stable", "precise"), default="stable",
                        help="as elsewhere; the formulas are the same")  # fmt: skip
    _dims(parser)
    return parser


def _diagnose_parser() -> Parser:
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
    _dims(parser)
    return parser


def _explain_parser() -> Parser:
    parser = _common(
        "autodiffc explain",
        "Show a model's differentiation on one page: the graph with values and gradients, the derivation, "
        "source and module side by side, cost and memory.",
    )
    parser.add_argument("-o", dest="output", required=True, metavar="FILE.html", help="the page to write")
    compilation(parser)
    _values(parser, "the values to show (default: random ones)")
    return parser


def _graph_parser() -> Parser:
    parser = _common("autodiffc graph", "Draw the graph of a model; with numbers where values are given.")
    parser.add_argument("-o", dest="output", required=True, metavar="FILE.svg|png|dot",
                        help="the picture to write; svg and png need Graphviz")  # fmt: skip
    _dims(parser)
    parser.add_argument("--unfold", action="store_true", help="draw every value, also of a large graph")
    _values(parser, "values to show")
    return parser


def _values(parser: Parser, what: str) -> None:
    parser.add_argument("--at", default="", metavar="values.json",
                        help=f"{what}: an object with (lists of) numbers for all arguments")  # fmt: skip
    parser.add_argument("--sizes", type=_sizes, default={}, metavar="N=3,D=2", help="sizes of random values")
    parser.add_argument("--seed", type=int, help="of random values and of dropout (default: 0)")


def _sizes(text: str) -> dict[str, int]:
    return dict(_assignment(part) for part in text.split(",") if part.strip())


def _fmt_parser() -> Parser:
    parser = _common("autodiffc fmt", "Put a model file in canonical form, in place; comments are kept.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where the file would change"
    )
    parser.add_argument("--stdout", action="store_true", help="print the result instead of writing the file")
    return parser


def _completion_parser() -> Parser:
    from .completion import SHELLS

    about = "Print a script that completes commands and options in a shell."
    parser = Parser(prog="autodiffc completion", description=about)
    parser.add_argument("shell", choices=tuple(SHELLS), help="which shell")
    return parser


def _lsp_parser() -> Parser:
    about = "Serve an editor by the Language Server Protocol, on standard input and output."
    parser = Parser(prog="autodiffc lsp", description=about)
    parser.add_argument("--stdio", action="store_true", help="on standard input and output (always)")
    return parser


PARSERS = {
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
COMMANDS = tuple(name for name in PARSERS if name != "compile")
