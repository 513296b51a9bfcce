"""What a lint looks at: the file as it is written, and the graph that it means.

subject = Subject(program)
subject.model.statements     the syntax tree
subject.graph                the graph in the form that is differentiated, with stability rules applied
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import get_args

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note
from autodiffc.grammar.parser import parse
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

from ..frontend.statements import statements_below
from ..ir import Graph, Node, Origin, const_value
from ..model import Argument, Program
from ..passes.base import run_passes
from ..passes.modes import trained
from ..passes.simplify import Canonicalise
from ..passes.stabilise import Applied, Stabilise

LONGEST = 40  # characters of the model that a message repeats
_STATEMENTS = get_args(ast.Statement)


@record(frozen=True, eq=False)
class Subject:
    """A checked model."""

    program: Program

    @cached_property
    def model(self) -> ast.Model:
        return parse(self.program.source)[0]

    @cached_property
    def statements(self) -> tuple[ast.Statement, ...]:
        """All statements of the file, those of blocks and of functions too."""
        functions = (ast.FuncDef, ast.AdjointDef)
        bodies = [s.body for s in self.model.statements if isinstance(s, functions)]
        return tuple(s for block in (self.model.statements, *bodies) for s in statements_below(block))

    @cached_property
    def expressions(self) -> tuple[ast.Syntax, ...]:
        """All expressions of the file and their parts."""
        return tuple(part for statement in self.statements for part in parts_of(statement))

    @cached_property
    def arguments(self) -> dict[str, Argument]:
        return {argument.name: argument for argument in self.program.arguments}

    @cached_property
    def written(self) -> Graph:
        """The graph of training, as the model is written."""
        return trained(self.program.graph)

    @cached_property
    def stabilised(self) -> tuple[Graph, tuple[Applied, ...]]:
        """The graph after the stability rules, and where which was applied."""
        found: list[Applied] = []
        ranges = {a.name: a.attained for a in self.program.arguments}
        passes = Canonicalise(), Stabilise(ranges, observe=found.append), Canonicalise()
        return run_passes(passes, self.written), tuple(found)

    @property
    def graph(self) -> Graph:
        return self.stabilised[0]

    @cached_property
    def unwritten(self) -> frozenset[Node]:
        """The arrays of each `var` before anything is written."""
        starts = {s.span.start for s in self.statements if isinstance(s, ast.VarDecl)}
        if not starts:
            return frozenset()
        origins = self.graph.origins.items()
        fills = (found for found in origins if found[0].op.name in ("broadcast_to", "const"))
        return frozenset(node for node, places in fills if places[-1].span.start in starts)

    def place(self, origins: tuple[Origin, ...]) -> tuple[Span, tuple[Note, ...]]:
        """Where a value is made in the model's own file, and the call or the file that leads there."""
        spans = [origin.span for origin in origins[:2]]
        own = [span for span in spans if span.source is self.program.source]
        if not own:
            return Span(self.program.source, 0, 0), ()
        if spans[-1].source is not self.program.source:
            return own[0], (Note(spans[-1], "it stands"),)
        return own[-1], tuple(Note(span, "called") for span in own[:-1])


def text_of(graph: Graph, node: Node) -> str:
    """What a message calls a value: its name, or how it is written; nothing where that is too long."""
    while node.op.name == "to_real":
        node = node.args[0]
    if node.op.name == "argument":
        return str(node["name"])
    if node in graph.names:
        return graph.names[node]
    number = const_value(node)
    if number is not None:
        return f"{number:g}"
    origins = graph.origins.get(node, ())
    return written(origins[-1].span) if origins else ""


def written(span: Span) -> str:
    """A short piece of the model on one line, without brackets around it; nothing if it is long."""
    text = " ".join(span.beginning(LONGEST + 1).split())
    text = text[1:-1] if _is_bracketed(text) else text
    return text if len(text) <= LONGEST else ""


def _is_bracketed(text: str) -> bool:
    """Whether the first bracket is closed by the last character."""
    depth = 0
    for position, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if not depth:
            return position > 0 and position == len(text) - 1
    return False


def parts_of(statement: ast.Statement) -> Iterator[ast.Syntax]:
    """The expressions of a statement and their parts; those of its blocks are statements of their own."""
    stack: list[object] = [statement]
    while stack:
        part = stack.pop()
        if isinstance(part, tuple):
            stack.extend(p for p in part if not isinstance(p, _STATEMENTS))
        elif isinstance(part, ast.Syntax):
            if part is not statement:
                yield part
            stack.extend(reversed([value for name, value in vars(part).items() if name != "span"]))
