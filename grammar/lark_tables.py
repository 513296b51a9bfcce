"""The parser's tables made by Lark from model.lark.

    model.lark ── Lark, LALR(1) with the contextual lexer ──▶ Tables

States are numbered as they are reached, by symbols in alphabetical order: a grammar has one text of tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lark import Lark
from lark.parsers.lalr_analysis import Shift

from .builder import Builder
from .tables import GRAMMAR, Child, Rule, Tables, digest_of_grammar

ALWAYS = ("_NEWLINE", "UNKNOWN")  # read in every state, for layout and for messages


class _Layout:
    """Stands in the place of a post-lexer, of which Lark asks only this."""

    always_accept = ALWAYS

    def process(self, stream: Iterable[Any]) -> Iterable[Any]:
        return stream


def made_by_lark() -> Tables:
    """The tables of the grammar."""
    lark: Any = Lark(
        GRAMMAR.read_text("utf-8"),
        parser="lalr",
        lexer="contextual",
        postlex=_Layout(),
        keep_all_tokens=True,
        maybe_placeholders=True,
    )
    table = lark.parser.parser._parse_table
    rules = {rule: number for number, rule in enumerate(lark.rules)}
    numbers = _numbered(table.states, table.start_states["start"])
    states = [_row(table.states[state], numbers, rules) for state in numbers]
    lexers = [tuple(str(t.name) for t in lark.parser.lexer.lexer.lexers[s].terminals) for s in numbers]
    distinct = {lexer: number for number, lexer in enumerate(dict.fromkeys(lexers))}
    return Tables(
        digest_of_grammar(),
        numbers[table.end_states["start"]],
        tuple(map(_rule, rules)),
        tuple(states),
        tuple(distinct[lexer] for lexer in lexers),
        tuple(distinct),
        {str(t.name): t.pattern.to_regexp() for t in sorted(lark.terminals, key=lambda t: str(t.name))},
        frozenset(map(str, lark.ignore_tokens)),
    )


def _numbered(states: Any, first: int) -> dict[int, int]:
    """The states by the order in which they are reached."""
    order = {first: 0}
    for state in (waiting := [first]):
        for symbol in sorted(states[state], key=str):
            action, target = states[state][symbol]
            if action is Shift and target not in order:
                order[target] = len(order)
                waiting.append(target)
    return order


def _row(row: Any, numbers: dict[int, int], rules: dict[Any, int]) -> dict[str, int]:
    actions = {str(symbol): row[symbol] for symbol in sorted(row, key=str)}
    return {s: numbers[to] if action is Shift else ~rules[to] for s, (action, to) in actions.items()}


def _rule(rule: Any) -> Rule:
    name = str(rule.alias or rule.origin.name)
    nameless = rule.origin.name.startswith("_") and not rule.alias
    if not nameless and not hasattr(Builder, name) and not rule.options.expand1:
        raise LookupError(f"the builder has no method for {name}")
    single = bool(rule.options.expand1 and not rule.alias)
    method = "" if nameless else name
    return Rule(str(rule.origin.name), len(rule.expansion), method, single, tuple(_children(rule)))


def _children(rule: Any) -> Iterator[Child]:
    """The symbols of a rule, and places for the optional ones that it leaves out."""
    absent = [len(gap) for gap in "".join(str(int(b)) for b in rule.options.empty_indices).split("0")]
    for position, symbol in enumerate(rule.expansion):
        if rule.options.empty_indices:
            yield from [None] * absent[position]
        yield [position] if not symbol.is_term and symbol.name.startswith("_") else position
    if rule.options.empty_indices:
        yield from [None] * absent[-1]
