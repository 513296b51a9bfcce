"""What a notebook shows: a module and its interface, findings with the lines they are about, the graph.

    module = autodiffc.load("classifier.dsl")
    module                                     # in a notebook: its arguments, functions, derivatives

All of it is HTML with its own styles, which takes its colours from the notebook's theme.
"""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import count
from types import FunctionType, ModuleType
from typing import Any

from autodiffc.compiler.model import Program
from autodiffc.grammar.diagnostics import Diagnostic, in_order, render
from autodiffc.grammar.roles import roles
from autodiffc.grammar.source import Source

STYLE = """\
<style>
.autodiffc { line-height: 1.4; overflow-x: auto; }
.autodiffc table { border-collapse: collapse; margin: .4em 0; }
.autodiffc table td { text-align: left !important; padding: .1em .8em .1em 0; vertical-align: top; }
.autodiffc :is(h1, h2, h3) { font-size: 1em !important; margin: .6em 0 .3em; }
.autodiffc math { display: block math; width: max-content; margin: .2em 0 .2em 1em; }
.autodiffc pre { white-space: pre; margin: .4em 0; line-height: 1.35; }
.autodiffc pre, .autodiffc pre * { font-family: var(--jp-code-font-family, monospace) !important; }
.autodiffc summary { cursor: pointer; }
.autodiffc .soft { opacity: .7; }
.autodiffc .error { color: #c62828; }
.autodiffc .warning { color: #9a6700; }
.autodiffc .way { color: #1a7f37; }
.autodiffc .graph svg { max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
.autodiffc .declaration, .autodiffc .control, .autodiffc .clause, .autodiffc .logic { font-weight: bold; }
.autodiffc .comment { font-style: italic; opacity: .7; }
</style>
"""
MOST_LINES = 3_000  # of a module that are shown
SMALL = 6_000  # characters of derivatives in MathML that are shown at once


class LoadedModule(ModuleType):
    """An emitted module in memory; a notebook shows its interface, and its derivatives."""

    __model__: tuple[Source, Mapping[str, int] | None] | None = None  # the text and the dims given

    def _repr_html_(self) -> str:
        from .api import program_of

        return module_card(self, program_of(*self.__model__) if self.__model__ else None)


def is_emitted(module: ModuleType) -> bool:
    """Whether the module is one that the compiler wrote, in memory or in a file."""
    spec = getattr(module, "SPEC", None)
    return isinstance(spec, dict) and str(spec.get("compiler", "")).startswith("autodiffc ")


# --- a module -----------------------------------------------------------------------------------------


def module_card(module: ModuleType, program: Program | None = None) -> str:
    """The module's arguments and functions; its derivatives, if the model is at hand; its text."""
    spec = module.SPEC
    facts = [f"-O{spec['level']}", spec["dtype"], f"from {spec['source']}"]
    head = f"<b>{escape(spec['name'])}</b> <span class='soft'>{escape(', '.join(facts))}</span>"
    parts = [f"<div>{head}</div>", _arguments(spec), _functions(module)]
    if program is not None:
        derivation = _derivation(program)
        parts.append(_folded("derivatives", derivation, len(derivation) <= SMALL))
    parts.append(_folded("the module's text", _text(module)))
    return card("".join(parts))


def card(content: str) -> str:
    return f'{STYLE}<div class="autodiffc">{content}</div>'


def _folded(title: str, content: str, opened: bool = False) -> str:
    start = '<details open="">' if opened else "<details>"
    return f"{start}<summary>{title}</summary>{content}</details>" if content else ""


def _arguments(spec: Mapping[str, Any]) -> str:
    wrt = set(spec["wrt"])
    rows = []
    for role, group in (("input", spec["inputs"]), ("param", spec["params"])):
        for name, type_ in group.items():
            derivative = f"∂{spec['target']}/∂{name}" if name in wrt else ""
            rows.append(
                (f"<code>{escape(name)}</code>", role, f"<code>{escape(type_)}</code>", escape(derivative))
            )
    dims = [*spec["dims"], *(f"{name} = {value}" for name, value in spec["constants"].items())]
    told = [f"dims {', '.join(dims)}"] if dims else []
    told += [f"outputs {', '.join(spec['outputs'])}"]
    told += [f"loss {spec['loss']}"] if spec["loss"] else []
    return _table(rows) + f'<div class="soft">{escape("; ".join(told))}</div>'


def _functions(module: ModuleType) -> str:
    found = (f for name, f in vars(module).items() if not name.startswith("_"))
    own = [f for f in found if isinstance(f, FunctionType) and f.__module__ == module.__name__]
    return _table([(f"<code>{escape(_call(f))}</code>", escape(_first_line(f))) for f in own])


def _call(function: FunctionType) -> str:
    """`forward(x, y, *, H)`: types are in the table of the arguments."""
    parameters = inspect.signature(function).parameters.values()
    plain = [p.replace(annotation=p.empty) for p in parameters]
    return f"{function.__name__}{inspect.Signature(plain)}"


def _first_line(function: FunctionType) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    lines = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table>{body}</table>" if body else ""


def _derivation(program: Program) -> str:
    """The derivatives as MathML; nothing where there are none, or no formulas for them."""
    from autodiffc.compiler.derivation import document
    from autodiffc.compiler.derivation.graphs import derived
    from autodiffc.compiler.derivation.reader import NotPlain
    from autodiffc.compiler.passes.autodiff import NotDifferentiable

    if program.target is None:
        return ""
    try:
        return document(derived(program, program.wrt), "mathml") or ""
    except (NotDifferentiable, NotPlain):
        return ""


def _text(module: ModuleType) -> str:
    lines = linecache.getlines(module.__file__ or "")
    more = f"\n… {len(lines) - MOST_LINES} more lines" if len(lines) > MOST_LINES else ""
    return f"<pre>{escape(''.join(lines[:MOST_LINES]))}{more}</pre>" if lines else ""


# --- findings -----------------------------------------------------------------------------------------


def findings_card(diagnostics: Iterable[Diagnostic]) -> str:
    """What is wrong with a model, as the terminal shows it, in colours."""
    shown = "\n\n".join(_finding(diagnostic) for diagnostic in in_order(diagnostics))
    return card(f"<pre>{shown}</pre>")


def _finding(diagnostic: Diagnostic) -> str:
    head, *lines = render(diagnostic).split("\n")
    kind = "warning" if diagnostic.severity == "warning" else "error"
    return "\n".join([f'<b class="{kind}">{escape(head)}</b>', *_body(lines, kind)])


def _body(lines: list[str], kind: str) -> Iterator[str]:
    """The gutter, the source line, the carets; then notes and the way out."""
    for number, line in zip(count(), lines):
        gutter, bar, rest = line.partition("|")
        if number == 1:
            yield f'<span class="soft">{gutter}{bar}</span>{coloured(rest)}'
        elif number == 2:
            yield f'<span class="soft">{gutter}{bar}</span><b class="{kind}">{escape(rest)}</b>'
        elif re.match(r"\s*= help: ", line):
            yield f'<span class="way">{escape(line)}</span>'
        else:
            yield f'<span class="soft">{escape(line)}</span>'


def coloured(text: str) -> str:
    """Source text as HTML; each lexeme has its role as its class."""
    parts, end = [], 0
    for role, shown, start in roles(text):
        parts.append(escape(text[end:start]))
        parts.append(f'<span class="{role}">{escape(shown)}</span>')
        end = start + len(shown)
    return "".join([*parts, escape(text[end:])])


# --- the graph ----------------------------------------------------------------------------------------


def graph_card(program: Program) -> str:
    """The graph as a picture, drawn by Graphviz, or more plainly where that isn't there."""
    from .report.dot import NoGraphviz, dot_of, laid_out
    from .report.page import explained_picture
    from .sketch import sketch

    picture, _ = explained_picture(program, None)
    data = picture.data() | {"wrt": list(program.wrt)}
    try:
        drawing = laid_out(dot_of(data, program.name), "svg").decode()
    except NoGraphviz:
        drawing = sketch(data)
    title = f"the graph of {escape(program.name)}"
    drawing = drawing[drawing.index("<svg") :]
    return card(f'<div class="graph" role="img" aria-label="{title}">{drawing}</div>')
