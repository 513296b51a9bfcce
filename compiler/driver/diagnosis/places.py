"""Where a record of the tape is in the model: its name there, its line, which of its axes are units.

>>> from autodiffc.compiler.types import Dim
>>> N, D, H = map(Dim.symbol, "NDH")
>>> unit_axis((N, H), [(D, H), (H,)]), unit_axis((N,), [(D, H)])
(1, None)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import shorten

from autodiffc.codegen.sourcelines import LogicalLines
from autodiffc.compiler.ir import Node
from autodiffc.compiler.model import Program
from autodiffc.compiler.passes.structured import names_in
from autodiffc.compiler.tape import Record
from autodiffc.compiler.types import Dim

WIDTH = 30


def unit_axis(shape: Sequence[Dim], weights: Iterable[Sequence[Dim]]) -> int | None:
    """The axis of the units: the last one whose size is made of sizes that the weights have.

    Where sizes are numbers, it is the last one that has the size of an axis of some weight.
    """
    dims = [dim for weight in weights for dim in weight]
    symbols = {symbol for dim in dims for symbol in dim.symbols}
    named = [axis for axis, dim in enumerate(shape) if dim.symbols and symbols.issuperset(dim.symbols)]
    equal = [axis for axis, dim in enumerate(shape) if dim in dims and dim.known != 1]
    return named[-1] if named else equal[-1] if equal else None


class Places:
    """Names and lines of the model's values."""

    def __init__(self, program: Program):
        self.source = program.source
        self.lines = LogicalLines(program.source)
        self.names = names_in(program.graph)  # others were given on the way
        self.spans = {a.name: a.span for a in program.arguments}
        self.weights = [a.type.shape for a in program.params]

    def name(self, record: Record) -> str:
        """The model's own name of it; empty where it has none."""
        return record.name if record.name in self.names else ""

    def label(self, record: Record) -> str:
        """Its name, or its text in the model, or else what it is."""
        return self.name(record) or self.text(record) or record.node.op.name

    def text(self, record: Record) -> str:
        """How the model writes it, shortened."""
        places = record.graph.origins.get(record.node, ())
        if not places:
            return ""
        span = places[0].span
        text = " ".join(span.source.text[span.start : span.end].split())
        return text if len(text) <= WIDTH else shorten(text[: WIDTH - 2], WIDTH, placeholder="") + " …"

    def line(self, record: Record) -> int:
        """The line of the statement, in the model's own file; 0 where that isn't known."""
        if record.node.op.name == "argument" and not record.place:
            span = self.spans.get(record.name)
            return span.line if span else 0
        for place in record.graph.origins.get(record.node, ()):
            if place.span.source == self.source:
                return self.lines.start(place.span.line)
        return 0

    def unit(self, node: Node) -> int | None:
        return unit_axis(node.type.shape, self.weights)
