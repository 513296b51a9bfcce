"""Which lines of a module the lines of the model became.

    17  return x @ W + b            ->    {17: {61}, 19: {60, 61, 62}}
    19  h = relu(linear(x, W1, b1))

A statement stands for the line that it is grouped under, and for every line that a node in it comes from: the
call of a function and the lines in the function, those of all expressions that were written into one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from autodiffc.compiler.ir import Graph, Node, Origin, fact

from .blocks import Statement
from .context import Context, graphs_in
from .writer import Writer


class Links:
    """The lines of the model that statements of a function stand for."""

    def __init__(self, context: Context, graph: Graph, statements: Sequence[Statement]):
        self.context = context
        self.graph = graph
        self.statements = statements

    @cached_property
    def owned(self) -> set[Node]:
        return {statement.node for statement in _all(self.statements)}

    def of(self, statement: Statement) -> frozenset[int]:
        """The first lines of the model's statements."""
        logical, source = self.context.lines, self.context.program.source
        origins = _origins(self.graph)
        places = (place for node in self._nodes(statement) for place in origins.get(node, ()))
        found = {logical.start(p.span.line) for p in places if p.span.source is source}
        return frozenset(found | {statement.group.line} - {0})

    def _nodes(self, statement: Statement) -> Iterator[Node]:
        """The node of a statement, and those that are written into its expression.

        A constant is no line's own: it may come from all of them.
        """
        waiting, seen = [statement.node], {statement.node}
        while waiting:
            node = waiting.pop()
            yield node
            inner = [a for a in node.args if a.args and a not in self.owned and a not in seen]
            seen.update(inner)
            waiting.extend(inner)


@fact
def _origins(graph: Graph) -> Mapping[Node, tuple[Origin, ...]]:
    """The places of the nodes of a graph and of its bodies."""
    found: dict[Node, tuple[Origin, ...]] = {}
    for inner in graphs_in(graph):
        found.update(inner.origins)
    return found


def _all(statements: Sequence[Statement]) -> Iterator[Statement]:
    waiting = list(statements)
    while waiting:
        statement = waiting.pop()
        yield statement
        waiting.extend(inner for block in statement.blocks for inner in block.statements)


def linked(text: str, written: Sequence[Writer]) -> dict[int, frozenset[int]]:
    """For each line of the model those of a module's text; what was written is part of it, in this order."""
    found: dict[int, set[int]] = {}
    at, line = 0, 1
    for writer in written:
        body = writer.text()
        begin = text.index(body, at)
        line += text.count("\n", at, begin)
        marked: set[int] = set()
        for start, end, sources in writer.marks:
            numbers = [number for number in range(start, end) if number not in marked]
            marked.update(numbers)
            for source in sources():
                found.setdefault(source, set()).update(line + number for number in numbers)
        at = begin
    return {source: frozenset(lines) for source, lines in sorted(found.items())}
