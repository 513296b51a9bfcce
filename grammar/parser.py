"""Parses a model file: its syntax tree, and everything that is wrong with its syntax.

>>> model, diagnostics = parse(Source("m.dsl", "input x: real\\noutput f = x *\\noutput g = x\\n"))
>>> [type(statement).__name__ for statement in model.statements]
['InputDecl', 'OutputDecl']
>>> [diagnostic.message for diagnostic in diagnostics]
['expected an expression, found the end of the line']

After an error the parser's stack is cut back to the start of the statement, where BROKEN takes the
statement's place (an error production), and reading goes on with the next line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import ast
from .builder import Builder, Leaf
from .diagnostics import Diagnostic
from .layout import Layout
from .lexical_errors import control_characters, token_findings, without_control_characters
from .machine import Machine, Refused
from .source import Source, Span
from .syntax_errors import LAYOUT_TOKENS, Fault, explain
from .tables import Tables

DEPTH_LIMIT = 100
FINDINGS_LIMIT = 100
_STATES_KEPT = 60  # of the parser's stack, to say what was expected; the stack itself may be deep
LONGEST = 2_000_000  # characters: a model is written by hand, and what is longer would take minutes to read


def parse(source: Source) -> tuple[ast.Model, tuple[Diagnostic, ...]]:
    """The statements that could be read, and the findings about the others."""
    if len(source.text) > LONGEST:
        return ast.Model(source, ()), (_too_long(source),)
    run = _Run(source)
    try:
        statements = run.statements()
    except _Abandoned:
        statements = ()
    return ast.Model(source, statements), tuple(run.findings)


def _too_long(source: Source) -> Diagnostic:
    message = f"a file of {len(source.text):,} characters; at most {LONGEST:,} are read"
    return Diagnostic("E0212", message, Span(source, 0, 1), help="a large table is an input, not text")


class _Abandoned(Exception):
    """So much is wrong that reading on helps nobody."""


class _Run:
    """One parse of one source."""

    def __init__(self, source: Source):
        self.source = source
        self.findings: list[Diagnostic] = []
        self.text = without_control_characters(source.text + "\n")
        self.layout = Layout(source, self._report)
        self.line_start: int | None = None
        self.last_end = 0
        self.machine = Machine(Tables.read(), Builder())
        self.position = 0  # from where on the text is to be read
        self.states: list[int] = []  # before the last token

    def statements(self) -> ast.Block:
        for finding in control_characters(self.source):
            self._report(finding)
        tree: ast.Block = ()
        for token in self._tokens():
            tree = self._take(token)
        return tree

    def _report(self, finding: Diagnostic) -> None:
        self.findings.append(finding)
        if len(self.findings) >= FINDINGS_LIMIT:
            raise _Abandoned

    def _span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    # --- tokens --------------------------------------------------------------------------------

    def _tokens(self) -> Iterator[Leaf]:
        yield from self.layout.begin()
        yield from self.layout.process(self._lexed())
        while self.layout.paren_level > 0:
            yield Leaf("UNKNOWN", "", self._span(len(self.text), len(self.text)))
            yield from self.layout.process(self._lexed())
        yield from self.layout.end()
        end = len(self.source.text)
        yield Leaf("$END", "", self._span(end, end))

    def _lexed(self) -> Iterator[Leaf]:
        """The tokens before any layout, each read as what may stand in the parser's state."""
        tables, states = self.machine.tables, self.machine.states
        while self.position < len(self.text):
            found = tables.match_in(states[-1])(self.text, self.position)
            assert found is not None  # UNKNOWN is any character
            start, self.position = self.position, found.end()
            kind = str(found.lastgroup)
            if kind not in tables.ignored:
                yield Leaf(kind, found.group(), self._span(start, self.position))

    def _move(self, offset: int) -> None:
        """Goes on reading at an offset, outside all brackets."""
        self.position = offset
        self.layout.paren_level = 0

    def _take(self, leaf: Leaf) -> Any:
        if leaf.type in LAYOUT_TOKENS:
            self._check_block_depth(leaf)
            tree = self._feed(leaf)
            self.line_start = None
            return tree
        if self.line_start is None:
            self.line_start = leaf.span.start
        if self.layout.paren_level > DEPTH_LIMIT:
            return self._give_up_line(leaf)
        self._feed(leaf)
        self.last_end = leaf.span.end

    def _feed(self, leaf: Leaf) -> Any:
        self.states = self.machine.states[-_STATES_KEPT:]
        try:
            tree = self.machine.feed(leaf)
        except Refused:
            return self._recover(leaf)
        for finding in token_findings(leaf):
            self._report(finding)
        return tree

    # --- errors --------------------------------------------------------------------------------

    def _recover(self, leaf: Leaf) -> Any:
        start = self.last_end if leaf.type == "_NEWLINE" else leaf.span.start
        line_start = start if self.line_start is None else self.line_start
        fault = Fault(self.source, self.text, line_start, start, leaf.type, self._accepted())
        finding, resume = explain(fault)
        self._report(finding)
        self._break_off()
        if fault.lacks_block:
            self._feed(Leaf("_NEWLINE", "", leaf.span))
        if leaf.type in LAYOUT_TOKENS:
            return self._feed(leaf)
        self._move(leaf.span.start if fault.lacks_block else resume)

    def _break_off(self) -> None:
        """Cuts the stack back to where a statement may begin, and lets BROKEN stand there."""
        machine, rows = self.machine, self.machine.tables.states
        while "BROKEN" not in rows[machine.states[-1]]:
            machine.states.pop()
            machine.values.pop()
        end = self.last_end
        self._feed(Leaf("BROKEN", "", self._span(end, end)))

    def _give_up_line(self, leaf: Leaf) -> None:
        self._report(_too_deep("brackets", leaf.span))
        self._break_off()
        self._move(self.text.index("\n", leaf.span.start))

    def _check_block_depth(self, leaf: Leaf) -> None:
        if len(self.layout.indent_level) > DEPTH_LIMIT + 1:
            self._report(_too_deep("blocks", leaf.span))
            raise _Abandoned

    def _accepted(self) -> frozenset[str]:
        """The tokens that the parser could have gone on with, before the one that it refused."""
        terminals = (name for name in self.machine.tables.states[self.states[-1]] if name.isupper())
        return frozenset(name for name in terminals if self._accepts(name))

    def _accepts(self, terminal: str) -> bool:
        """Plays the reductions that a token would cause, on a copy of the states alone."""
        tables, stack = self.machine.tables, list(self.states)
        while stack and terminal in tables.states[stack[-1]]:
            action = tables.states[stack[-1]][terminal]
            if action >= 0:
                return True
            rule = tables.rules[~action]
            del stack[max(0, len(stack) - rule.size) :]
            if stack:
                stack.append(tables.states[stack[-1]][rule.origin])
        return False


def _too_deep(what: str, span: Span) -> Diagnostic:
    return Diagnostic("E0106", f"{what} are nested more than {DEPTH_LIMIT} deep", span)
