"""Writes a body's statements: under the model's lines as comments, the adjoint after the forward part."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf

from autodiffc.compiler.ir import Graph, Interval, Node

from .blocks import Statement
from .body import Body
from .context import Context, graphs_in, once
from .linking import Links
from .notes import adjoint_note
from .pool import leaving, taking, within
from .risk import Risk, finite_names
from .schedule import Group
from .writer import Writer


def risk_of(context: Context, graph: Graph) -> Risk:
    """The judgement of a function's adjoint steps."""
    return Risk(graph, _ranges(context), _finite(context))


def write_statements(
    context: Context, writer: Writer, body: Body, last: str, risk: Risk | None = None
) -> None:
    """All statements, then the last line."""
    with within(context, writer, body):
        for line in taking(context, writer, body):
            writer.line(line)
        links = Links(context, body.graph, body.statements)
        forward, backward = _parts(body.statements)
        _write_groups(context, writer, body, forward, links)
        if _may_warn(context, body.graph, backward, risk):
            writer.blank()
            writer.comment(
                "at the edges of the domain slopes are infinite or NaN, which is no cause for a warning"
            )
            with writer.block(f"with {_quiet(context)}:"):
                _write_end(context, writer, body, backward, last, links)
        else:
            _write_end(context, writer, body, backward, last, links)


def _quiet(context: Context) -> str:
    """What keeps NumPy from warning; its own way takes as long as four operations on few numbers."""
    if context.level < 2:
        return f'{context.ref("np")}.errstate(all="ignore")'
    context.ref("_quietly")
    return f"{context.ref('_quiet')}()"


def _may_warn(context: Context, graph: Graph, steps: Sequence[Statement], risk: Risk | None) -> bool:
    """Whether one of the steps may; of those on numbers alone, which a graph tells at once, none does."""
    nodes = [step.node for step in steps]
    if graph.on_numbers and set(graph.nodes()).issuperset(nodes):
        return False
    risk = risk or risk_of(context, graph)
    return any(map(risk.may_warn, nodes))


def _write_end(
    context: Context, writer: Writer, body: Body, backward: Sequence[Statement], last: str, links: Links
) -> None:
    _write_groups(context, writer, body, backward, links)
    for line in leaving(context, body, last):
        writer.line(line)


@once
def _finite(context: Context) -> frozenset[str]:
    return finite_names(context.program, context.derivative.forward) | _vectors(context)


@once
def _ranges(context: Context) -> dict[str, Interval]:
    known = {a.name: a.interval for a in context.program.arguments}
    return {**known, **dict.fromkeys(_vectors(context), (-inf, inf))}


def _vectors(context: Context) -> frozenset[str]:
    """The directions that functions on request take: any finite numbers."""
    derivative = context.derivative
    functions = [*derivative.requested, *(sparse.product for sparse in derivative.sparse)]
    return frozenset(name for function in functions for name, _ in function.vectors)


def _parts(statements: Sequence[Statement]) -> tuple[list[Statement], list[Statement]]:
    """What comes before the first statement of an adjoint, and the rest."""
    cut = next((i for i, s in enumerate(statements) if s.group.adjoint), len(statements))
    return list(statements[:cut]), list(statements[cut:])


def _write_groups(
    context: Context,
    writer: Writer,
    body: Body,
    statements: Sequence[Statement],
    links: Links,
    around: Group | None = None,
    adjoint: bool = False,
) -> None:
    """Write statements; `around` is the group of the loop that they stand in, `adjoint` if that is one."""
    current = around
    for statement in statements:
        if statement.group != current and not (adjoint and _is_reread(statement)):
            current = statement.group
            _head(context, writer, current, around is not None)
        start = len(writer.lines)
        _write_statement(context, writer, body, statement, links, adjoint)
        writer.mark(start, partial(links.of, statement))


def _write_statement(
    context: Context, writer: Writer, body: Body, statement: Statement, links: Links, adjoint: bool
) -> None:
    """A statement with its blocks; `adjoint` if it stands in one."""
    *before, last = statement.lines or ("",)
    for line in before:
        writer.line(line)
    if last:
        writer.line(last, note=statement.note if body.shows_formulas else "")
    for block in statement.blocks:
        with writer.block(block.head):
            inside, start = adjoint or statement.group.adjoint, len(writer.lines)
            _write_groups(context, writer, body, block.statements, links, statement.group, inside)
            if all(not line or line.lstrip().startswith("#") for line in writer.lines[start:]):
                writer.line("pass")


def _is_reread(statement: Statement) -> bool:
    """Whether a statement takes up again what the forward pass has saved: no step of a line's own."""
    return not statement.group.adjoint and statement.node.op.name in ("gather", "getitem")


def _head(context: Context, writer: Writer, group: Group, nested: bool) -> None:
    if not nested and not writer.lines[-1].rstrip().endswith(":"):
        writer.blank()
    if not group.line:
        return
    writer.comment(_heading(context, group))
    writer.mark(len(writer.lines) - 1, partial(frozenset, {group.line}))


def _heading(context: Context, group: Group) -> str:
    if not group.adjoint:
        return f"{group.line}  {context.lines.text(group.line)}"
    ops = _ops_of(context, group.line)
    note = "backward in time" if "loop" in ops else adjoint_note(ops)
    return f"adjoint of {group.line}{': ' if note else ''}{note}"


def _ops_of(context: Context, line: int) -> list[str]:
    """The ops of the model's values on a line."""
    if not context.line_ops:
        for graph in graphs_in(context.program.graph):
            for node in graph.nodes():
                for origin in graph.origins.get(node, ())[:1]:
                    start = context.lines.start(origin.span.line)
                    context.line_ops.setdefault(start, []).append(_spoken_of(node))
    return context.line_ops.get(line, [])


def _spoken_of(node: Node) -> str:
    """An op for a note; picking a single element is none to speak of, nor is what ints are made of."""
    if node.type.kind == "int":
        return ""
    single = node.op.name == "gather" and not any(a.rank for a in node.args[1:])
    return "getitem" if single else node.op.name
