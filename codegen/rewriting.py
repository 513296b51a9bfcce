"""Lines of a function written anew, in which some expressions put their values into given memory.

    d_W += h.T @ d_logits        ->      d_W += np.matmul(h.T, d_logits, out=product)

What is made of itself takes turns with two variables:

    c = f * c                    ->      c = np.multiply(f, c, out=c_memory)
                                         c_memory, c_memory_2 = c_memory_2, c_memory

All else keeps its text.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from .blocks import Block, Statement
from .flow import Flow
from .into import AS_IT_IS, call_into, lines_into
from .sites import Site
from .trees import children

Held = Mapping[ast.expr, tuple[Site, tuple[str, ...]]]  # expressions, and the names of their memory
Scratch = Mapping[ast.expr, tuple[int, str]]  # calls, with their positions and names of memory for them


def rewritten(
    statements: Sequence[Statement],
    last: str,
    flow: Flow,
    held: Held,
    scratch: Scratch,
    before: Mapping[int, Sequence[str]],
    np: str,
) -> tuple[list[Statement], str]:
    """The statements and the last line of which `flow` was made, with memory for what is in `held`.

    `scratch` are calls, with what they compute in, `before` lines that come before others.
    """
    rewriting = _Rewriting(flow, held, scratch, before, np)
    changed = rewriting.statements(statements)
    (end,) = rewriting.lines(last)
    return changed, end


class _Rewriting:
    """One function under way; `position` is that of the next line."""

    def __init__(
        self, flow: Flow, held: Held, scratch: Scratch, before: Mapping[int, Sequence[str]], np: str
    ):
        self.flow, self.held, self.scratch, self.before, self.np = flow, held, scratch, before, np
        self.position = 0
        self.touched = {site.position for site, _ in held.values()}
        self.touched |= {position for position, _ in scratch.values()}
        self.turns: dict[int, dict[str, None]] = {}  # what follows a line
        for site, names in held.values():
            if len(names) > 1:
                one, other = names
                self.turns.setdefault(site.position, {})[f"{one}, {other} = {other}, {one}"] = None

    def statements(self, statements: Sequence[Statement]) -> list[Statement]:
        return [self._statement(statement) for statement in statements]

    def _statement(self, statement: Statement) -> Statement:
        lines = tuple(new for line in statement.lines for new in self.lines(line))
        return replace(statement, lines=lines, blocks=tuple(map(self._block, statement.blocks)))

    def _block(self, block: Block) -> Block:
        self.position += 1
        return replace(block, statements=tuple(self.statements(block.statements)))

    def lines(self, text: str) -> list[str]:
        """What takes the place of the next line."""
        position, self.position = self.position, self.position + 1
        first = self.before.get(position, ())
        if position not in self.touched:
            return [*first, text]
        return [*first, *self._computed(position, text), *self.turns.get(position, ())]

    def _computed(self, position: int, text: str) -> list[str]:
        (tree,) = self.flow.lines[position].trees
        line = _Line(text.encode(), self.held, self.scratch, self.np)
        if isinstance(tree, ast.Assign) and tree.value in self.held:
            site, memory = self.held[tree.value]
            if site.form.name == AS_IT_IS and memory == (site.target,):
                return []
            if site.form.is_statement:
                return lines_into(site.form, site.node, site.target, memory[0], self.np, line.text)
            if site.place is not None:
                return [line.text(tree.value)]
        return [line.text(tree)]


class _Line:
    """The text of one line, in bytes, as the offsets of trees count."""

    def __init__(self, source: bytes, held: Held, scratch: Scratch, np: str):
        self.source, self.held, self.scratch, self.np = source, held, scratch, np

    def text(self, node: ast.AST) -> str:
        """A part of the line, with given memory."""
        if not isinstance(node, ast.expr) or node not in self.held:
            return self._computing(node)
        site, memory = self.held[node]
        own = "" if site.form.operands else self._computing(node)
        return call_into(site.form, own, memory[0] if memory else "", self.np, self.text)

    def _computing(self, node: ast.AST) -> str:
        """The text of a node, with what it computes in."""
        text = self._spliced(node)
        if not isinstance(node, ast.expr) or node not in self.scratch:
            return text
        return f"{text[:-1]}, scratch={self.scratch[node][1]})"

    def _spliced(self, node: ast.AST) -> str:
        """A part of the line as it stands, but for the expressions in it that have memory."""
        at, end = _extent(node)
        pieces = []
        for child, parent in sorted(self._outermost(node), key=lambda pair: _extent(pair[0])):
            first, last = _extent(child)
            is_argument = isinstance(parent, ast.Call) and child in parent.args
            if not is_argument and self.source[first - 1 : first] + self.source[last : last + 1] == b"()":
                first, last = first - 1, last + 1  # a call needs no brackets
            pieces += [self.source[at:first].decode(), self.text(child)]
            at = last
        return "".join(pieces) + self.source[at:end].decode()

    def _outermost(self, node: ast.AST) -> Iterator[tuple[ast.expr, ast.AST]]:
        """The expressions inside that have memory and lie in no other that has, with what is around each."""
        stack = [node]
        while stack:
            parent = stack.pop()
            for child in children(parent):
                if isinstance(child, ast.expr) and (child in self.held or child in self.scratch):
                    yield child, parent
                else:
                    stack.append(child)


def _extent(node: ast.AST) -> tuple[int, int]:
    """Where a node begins and ends in its line."""
    assert isinstance(node, (ast.stmt, ast.expr))
    assert node.end_col_offset is not None
    return node.col_offset, node.end_col_offset
