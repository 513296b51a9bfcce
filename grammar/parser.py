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

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, cast

from lark import Lark, Token, UnexpectedToken
from lark.parsers.lalr_analysis import Shift

from . import ast
from .builder import Builder, Leaf
from .diagnostics import Diagnostic
from .layout import Layout
from .lexical_errors import control_characters, token_findings, without_control_characters
from .source import Source, Span
from .syntax_errors import LAYOUT_TOKENS, Fault, explain

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


@cache
def _lark() -> Lark:
    return Lark.open(
        "model.lark",
        rel_to=__file__,
        parser="lalr",
        lexer="contextual",
        postlex=Layout(Source("", ""), lambda finding: None),
        transformer=cast(Any, Builder()),
        keep_all_tokens=True,
        maybe_placeholders=True,
    )


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
        self.states: list[Any] = []

    def statements(self) -> ast.Block:
        for finding in control_characters(self.source):
            self._report(finding)
        self.parser = _lark().parse_interactive(self.text)
        self.table = self.parser.parser_state.parse_conf.parse_table.states
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

    def _tokens(self) -> Iterator[Token]:
        yield from self.layout.begin()
        yield from self.layout.process(self._lexed())
        while self.layout.paren_level > 0:
            yield Token("UNKNOWN", "", start_pos=len(self.text), end_pos=len(self.text))
            yield from self.layout.process(self._lexed())
        yield from self.layout.end()
        yield Token("$END", "", start_pos=len(self.source.text), end_pos=len(self.source.text))

    def _lexed(self) -> Iterable[Token]:
        """Lark's tokens before any layout; the layout is this run's own, as its state is."""
        thread = self.parser.lexer_thread
        contextual: Any = thread.lexer
        lexed: Iterable[Token] = contextual.lexer.lex(thread.state, self.parser.parser_state)
        return lexed

    def _move(self, offset: int) -> None:
        """Goes on reading at an offset, outside all brackets."""
        state = self.parser.lexer_thread.state
        assert state is not None
        state.line_ctr.char_pos = offset
        self.layout.paren_level = 0

    def _take(self, token: Token) -> Any:
        leaf = Leaf(token.type, str(token), self._span(token.start_pos or 0, token.end_pos or 0))
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
        self.states = self.parser.parser_state.state_stack[-_STATES_KEPT:]
        try:
            tree = self.parser.feed_token(cast(Token, leaf))
        except UnexpectedToken:
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
        state = self.parser.parser_state
        while "BROKEN" not in self.table[state.state_stack[-1]]:
            state.state_stack.pop()
            state.value_stack.pop()
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
        terminals = (name for name in self.table[self.states[-1]] if name.isupper())
        return frozenset(name for name in terminals if self._accepts(name))

    def _accepts(self, terminal: str) -> bool:
        """Plays the reductions that a token would cause, on a copy of the states alone."""
        stack = list(self.states)
        while stack and terminal in self.table[stack[-1]]:
            action, target = self.table[stack[-1]][terminal]
            if action is Shift:
                return True
            del stack[max(0, len(stack) - len(target.expansion)) :]
            if stack:
                stack.append(self.table[stack[-1]][target.origin.name][1])
        return False


def _too_deep(what: str, span: Span) -> Diagnostic:
    return Diagnostic("E0106", f"{what} are nested more than {DEPTH_LIMIT} deep", span)
