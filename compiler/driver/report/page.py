"""The report of `autodiffc explain`: one file of HTML that needs nothing else.

    text = page(compiled(program, Options()), given_random(program, {}, seed=0))

Derivation, source, module and costs are in the text itself; the picture is drawn by the page's script from
data that stand beside it. The gradients shown are a tape's; the page says how far the module's are from them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from types import ModuleType

from autodiffc.codegen.module import Emitted, emitted
from autodiffc.compiler.cost.prediction import ASSUMED
from autodiffc.compiler.derivation import document
from autodiffc.compiler.derivation.graphs import derived
from autodiffc.compiler.derivation.reader import NotPlain
from autodiffc.compiler.model import Derivative, Program
from autodiffc.compiler.passes.autodiff import NotDifferentiable
from autodiffc.compiler.passes.modes import trained
from autodiffc.compiler.passes.pipeline import prepare
from autodiffc.compiler.tape import Gradients, TooLong, traced
from autodiffc.grammar.records import record

from ..api import Options, derivative_of, module_of
from ..version import VERSION
from .agreement import difference
from .costs import Passes, cost_section
from .flow import Flow
from .given import BadPoint, Given, sizes_told
from .picture import Data, Picture
from .scene import scene_of
from .sides import module_pane, source_pane, spread

SCRIPTS = ("layout.js", "panes.js", "model.js", "details.js", "controls.js", "report.js")
MOST = 12  # names in a list
EXACT = {"float64": 2.0**-52, "float32": 2.0**-23}


@record(frozen=True, eq=False)
class Compilation:
    """A module under explanation, and what is told of how it was made."""

    program: Program
    options: Options
    made: Emitted
    module: ModuleType
    derivative: Derivative
    passes: Passes


def explained_picture(program: Program, given: Given | None) -> tuple[Picture, Gradients | None]:
    """The picture of a model, with the numbers at a point; BadPoint where it takes too long to compute."""
    ranges = {a.name: a.attained for a in program.arguments}
    graph = prepare(trained(program.graph), 0, ranges)
    scene = scene_of(graph)
    if given is None:
        return Picture(scene, None, program.target, program.source), None
    try:
        tape = traced(graph, given.arguments, given.sizes)
    except TooLong as problem:
        raise BadPoint(f"{problem}; choose smaller ones by --sizes") from None
    gradients = tape.backward(program.target, program.wrt) if program.target else Gradients(tape)
    flow = Flow(scene, tape, gradients, program.target or "")
    return Picture(scene, flow, program.target, program.source), gradients


def compiled(program: Program, options: Options) -> Compilation:
    """The module of a model, with what the passes did."""
    passes = Passes()
    derivative = derivative_of(program, options, passes.observe)
    made = emitted(program, derivative, level=options.level, dtype=options.dtype, version=VERSION)
    return Compilation(program, options, made, module_of(made.text, program.name), derivative, passes)


def page(compilation: Compilation, given: Given, sizes: Mapping[str, int] | None = None) -> str:
    """The HTML; `sizes` are those at which costs are told, by default large ones."""
    program, options = compilation.program, compilation.options
    picture, gradients = explained_picture(program, given)
    links = spread(program.source, compilation.made.lines)
    data = picture.data()
    data |= {"links": links, "wrt": list(program.wrt), "numbers": True}
    assumed = dict.fromkeys(program.dims, ASSUMED) | dict(sizes or {})
    costs = cost_section(program, compilation.derivative, options, assumed, compilation.passes)
    parts = {
        "graph": ("The graph", _graph(data)),
        "derivation": ("The derivation", _derivation(program)),
        "code": ("Model and module", _code(compilation, links)),
        "cost": ("Cost and memory", costs),
    }
    filled = {
        "TITLE": f"{escape(program.name)}, explained",
        "VERSION": VERSION,
        "STYLE": _asset("report.css"),
        "HEAD": _head(compilation, given, gradients),
        "CONTENTS": "".join(f'<li><a href="#{key}">{name}</a></li>' for key, (name, _) in parts.items()),
        "SECTIONS": "\n".join(_section(key, name, text) for key, (name, text) in parts.items()),
        "DATA": _json(data),
        "LAYOUT": _script("dagre.min.js"),
        "SCRIPTS": "\n".join(map(_script, SCRIPTS)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], _asset("page.html"))


def _section(key: str, name: str, text: str) -> str:
    title = f'<h2 id="{key}-title">{name}</h2>'
    return f'<section id="{key}" aria-labelledby="{key}-title">{title}\n{text}\n</section>'


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _script(name: str) -> str:
    return _asset(name).replace("</script", "<\\/script")


def _json(data: Data) -> str:
    """Text that ends no element and no script."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


# --- sections --------------------------------------------------------------------------------------


def _head(compilation: Compilation, given: Given, gradients: Gradients | None) -> str:
    program = compilation.program
    names = ", ".join(program.wrt[:MOST]) + (
        f" and {len(program.wrt) - MOST} more" if len(program.wrt) > MOST else ""
    )
    what = f"{program.target} with respect to {names}" if program.target else "no derivative"
    if program.target and not program.scalar_target:
        what += f" (gradients are those of the sum of all elements of {program.target})"
    told = ", ".join(sizes_told(program, given.sizes))
    facts = [escape(text) for text in (what, told, given.told) if text]
    doc = f"<p>{escape(program.doc)}</p>\n" if program.doc else ""
    agreement = _agreement(compilation, given, gradients) if gradients is not None and program.target else ""
    return f'<h1>{escape(program.name)}</h1>\n{doc}<p class="facts">{"; ".join(facts)}</p>\n{agreement}'


def _agreement(compilation: Compilation, given: Given, gradients: Gradients) -> str:
    options = compilation.options
    found = difference(compilation.program, compilation.module, given, gradients, EXACT[options.dtype])
    level = f"<code>-O{options.level}</code>"
    if found.is_rounding:
        how = f"but for rounding ({found})" if found.size else "to the last bit"
        return (
            f'<p class="agrees">The gradients shown are those of the emitted module ({level}), {how}.</p>\n'
        )
    told = f"differ by {found}; <code>autodiffc check</code> tells which is right"
    return f'<p class="differs" role="alert">The gradients of the emitted module ({level}) {told}.</p>\n'


def _graph(data: Data) -> str:
    names = [f'<option value="{escape(v["name"])}">' for v in data["values"] if v["name"]]
    filled = {"NAMES": "".join(names), "TABLE": _table(data["values"], str(data["target"]))}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], _asset("graph.html"))


def _table(values: Sequence[Data], target: str) -> str:
    """All values, at the last step that is told."""
    rows = []
    for value in values:
        told = [entry for key, entry in value["at"].items() if not key.startswith("row")]
        entry = told[-1] if told else {}
        cells = (
            ", ".join(f'<a href="#s{line}">{line}</a>' for line in value["lines"]),
            f"<code>{escape(value['name'])}</code>",
            escape(value["op"]),
            f"<code>{escape(value['type'])}</code>",
            f'<span class="value">{escape(entry.get("value", "not computed"))}</span>',
            f'<span class="gradient">{escape(entry.get("gradient", "–"))}</span>',
        )
        rows.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    head = ("line", "name", "operation", "type", "value", f"∂{target}/∂ of it" if target else "gradient")
    top = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = f"<thead><tr>{top}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="wide" tabindex="0"><table>{body}</table></div>'


def _derivation(program: Program) -> str:
    if program.target is None:
        return "<p>The model has nothing to differentiate.</p>"
    try:
        text = document(derived(program, program.wrt), "mathml")
    except NotDifferentiable as problem:
        return f"<p>{escape(str(problem))}</p>"
    except NotPlain:
        return "<p>No short formula is known for a derivative of this model.</p>"
    return f'<div class="derivation" tabindex="0">{text}</div>'


def _code(compilation: Compilation, links: Mapping[int, Sequence[int]]) -> str:
    source = source_pane(compilation.program.source, compilation.made.lines)
    module = module_pane(compilation.made.text, {line for found in links.values() for line in found})
    return (
        "<p>A line and what became of it light up together; a click brings them side by side, "
        "the keys ← and → lead across.</p>\n"
        f'<div class="pair"><div><h3>{escape(compilation.program.source.file)}</h3>{source}</div>'
        f"<div><h3>the module</h3>{module}</div></div>"
    )


__all__ = ["Compilation", "compiled", "explained_picture", "page"]
