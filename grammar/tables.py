"""The tables that the parser runs on: what Lark makes of model.lark, as plain data.

>>> tables = Tables.read()
>>> [rule.origin for rule in tables.rules if rule.method == "binary"][:2]
['either', 'both']

Lark works them out in a tenth of a second, which would be a third of a small model's compilation. So they are
kept in model.json, of which a test sees that it is up to date (`pytest tests/grammar --update` writes it
anew); where it is not, as while the grammar is being changed, Lark is asked.

A state of the LALR(1) automaton says for each symbol where to go: to a state (0 or more), or to a rule to
reduce by (~rule). And it says which lexer reads the next token: one that knows the tokens that may follow
here, and takes the longest-named first as Lark orders them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Union

from .records import record

GRAMMAR = Path(__file__).with_name("model.lark")
KEPT = Path(__file__).with_name("model.json")

# What a rule hands to its method: children by position, [position] for the children of a nameless rule,
# None for an optional part that isn't there.
Child = Union[int, list[int], None]
Match = Callable[[str, int], Union["re.Match[str]", None]]


class Rule(NamedTuple):
    """`origin: …` with so many symbols; reduced by a method of the builder.

    `single`: one child takes the rule's place. No method: the children go to the rule around it.
    """

    origin: str
    size: int
    method: str
    single: bool
    children: tuple[Child, ...]


@record(frozen=True)
class Tables:
    """`states` begin with the first; in `end` the text is read."""

    digest: str
    end: int
    rules: tuple[Rule, ...]
    states: tuple[dict[str, int], ...]
    lexer_of: tuple[int, ...]  # each state's
    lexers: tuple[tuple[str, ...], ...]
    terminals: dict[str, str]
    ignored: frozenset[str]
    _matchers: dict[int, Match] = field(default_factory=dict, compare=False, repr=False)

    def match_in(self, state: int) -> Match:
        """What reads a token in a state: the name of the match's group is its type."""
        lexer = self.lexer_of[state]
        if lexer not in self._matchers:
            names = self.lexers[lexer]
            pattern = "|".join(f"(?P<{name}>{self.terminals[name]})" for name in names)
            self._matchers[lexer] = re.compile(pattern).match
        return self._matchers[lexer]

    @staticmethod
    @cache
    def read() -> Tables:
        """The tables of the grammar as it is."""
        kept = Tables.of(json.loads(KEPT.read_text("utf-8"))) if KEPT.exists() else None
        if kept is not None and kept.digest == digest_of_grammar():
            return kept
        from .lark_tables import made_by_lark

        return made_by_lark()

    @staticmethod
    def of(data: Any) -> Tables:
        """From what `text` wrote."""
        return Tables(
            data["digest"],
            data["end"],
            tuple(Rule(o, n, m, one, tuple(parts)) for o, n, m, one, parts in data["rules"]),
            tuple(data["states"]),
            tuple(data["lexer_of"]),
            tuple(map(tuple, data["lexers"])),
            data["terminals"],
            frozenset(data["ignored"]),
        )

    def text(self) -> str:
        """As JSON, a rule and a state a line."""
        parts = {
            "digest": json.dumps(self.digest),
            "end": json.dumps(self.end),
            "ignored": json.dumps(sorted(self.ignored)),
            "terminals": _lines(self.terminals),
            "lexers": _lines(self.lexers),
            "lexer_of": json.dumps(self.lexer_of),
            "rules": _lines(self.rules),
            "states": _lines(self.states),
        }
        return "{\n" + ",\n".join(f'"{name}": {text}' for name, text in parts.items()) + "\n}\n"


def _lines(items: Any) -> str:
    dump = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
    if isinstance(items, dict):
        return "{\n" + ",\n".join(f"{dump(k)}: {dump(v)}" for k, v in items.items()) + "\n}"
    return "[\n" + ",\n".join(map(dump, items)) + "\n]"


def digest_of_grammar() -> str:
    """Tells one text of the grammar from another."""
    return sha256(GRAMMAR.read_bytes()).hexdigest()[:16]
