"""`autodiffc explain model.dsl -o report.html` and `autodiffc graph model.dsl -o graph.svg`.

    report = explain(program, Options(), Request(at="values.json"))

The report is one file of HTML: the graph with values and gradients, the derivation, source and module, costs.
The graph's picture alone is svg or png (by Graphviz), or Graphviz's own language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from autodiffc.compiler.model import Program
from autodiffc.grammar.records import record

from .api import Options, module_of, module_text
from .report.dot import NoGraphviz, dot_of, laid_out
from .report.given import BadPoint, Given, given_at, given_random
from .report.page import compiled, explained_picture, page

FORMS = ("svg", "png", "dot")


@record(frozen=True)
class Request:
    """At which values: those of a file, or random ones for these sizes and this seed."""

    at: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    seed: int | None = None

    @property
    def asks_for_numbers(self) -> bool:
        return bool(self.at or self.sizes) or self.seed is not None


def explain(program: Program, options: Options, request: Request) -> str:
    """The report as HTML; BadPoint where the values are none that the model can take."""
    made = compiled(program, options)
    if not request.at:
        given = given_random(program, request.sizes, request.seed or 0)
        return page(made, given, request.sizes)
    given = given_at(program, made.module, request.at, request.seed or 0)
    return page(made, given, {name: given.sizes[name] for name in program.dims})


def graph_picture(program: Program, form: str, request: Request, unfolded: bool = False) -> bytes:
    """The picture as svg, png or dot; with numbers where values are asked for. BadPoint, NoGraphviz."""
    picture, _ = explained_picture(program, _given(program, request))
    data = picture.data() | {"wrt": list(program.wrt)}
    text = dot_of(data, program.name, unfolded)
    return text.encode() if form == "dot" else laid_out(text, form)


def _given(program: Program, request: Request) -> Given | None:
    if not request.asks_for_numbers:
        return None
    if not request.at:
        return given_random(program, request.sizes, request.seed or 0)
    module = module_of(module_text(program, Options(level=0)), program.name)
    return given_at(program, module, request.at, request.seed or 0)


__all__ = ["FORMS", "BadPoint", "NoGraphviz", "Request", "explain", "graph_picture"]
