"""The automaton that parses: tables of states, a stack, and a method of the builder for each rule.

    x * y     NAME → name, SCALE, NAME → name, then _NEWLINE: binary([Name x, Leaf *, Name y])

It is fed token by token, so that whoever feeds it can mend the stack after an error and go on. A stack that
has read the whole text holds the tree. (Aho, Lam, Sethi, Ullman, Compilers, 2nd ed. 2006, section 4.5.)
"""

from __future__ import annotations

from typing import Any

from .builder import Leaf
from .tables import Rule, Tables


class Refused(Exception):
    """No statement goes on with this token."""


class Machine:
    """One parse under way: the states that it is in, and what has been built in each."""

    def __init__(self, tables: Tables, builder: object):
        self.tables = tables
        self.states = [0]
        self.values: list[Any] = []
        self._methods = [getattr(builder, rule.method, None) for rule in tables.rules]
        self._plain = [rule.children == tuple(range(rule.size)) for rule in tables.rules]
        self._renamed: dict[tuple[int, int, str], int] = {}

    def feed(self, leaf: Leaf) -> Any:
        """Take a token; the tree, if it was the last one. Refused, where the token cannot stand here."""
        rows, states, token = self.tables.states, self.states, leaf.type
        while True:
            action = rows[states[-1]].get(token)
            if action is None:
                raise Refused
            if action >= 0:
                states.append(action)
                self.values.append(leaf)
                return None
            rule = self.tables.rules[~action]
            if rule.single and rule.size == 1:
                states[-1] = self._through_names(states[-2], states[-1], token)
            else:
                self._reduce(rule, ~action)
            if token == "$END" and states[-1] == self.tables.end:
                return self.values[-1]

    def _through_names(self, below: int, state: int, token: str) -> int:
        """The state after all reductions that only give a value another name: atom, power, factor, …"""
        key = below, state, token
        if key not in self._renamed:
            rows, rules = self.tables.states, self.tables.rules
            while (action := rows[state].get(token, 0)) < 0:
                rule = rules[~action]
                if not (rule.single and rule.size == 1) or state == self.tables.end:
                    break
                state = rows[below][rule.origin]
            self._renamed[key] = state
        return self._renamed[key]

    def _reduce(self, rule: Rule, number: int) -> None:
        """Put what a rule is made of together."""
        states, values = self.states, self.values
        cut = len(values) - rule.size
        children = values[cut:] if self._plain[number] else _arranged(rule, values[cut:])
        method = self._methods[number]
        del values[cut:], states[cut + 1 :]
        values.append(children if method is None else method(children))
        states.append(self.tables.states[states[-1]][rule.origin])


def _arranged(rule: Rule, parts: list[Any]) -> list[Any]:
    """The children of a rule: those of nameless rules in their places, None for what isn't there."""
    first, *rest = rule.children
    found: list[Any] = []
    if isinstance(first, list):
        found = parts[first[0]]  # a list that grows at each reduction is not copied
    else:
        found.append(None if first is None else parts[first])
    for child in rest:
        if isinstance(child, list):
            found.extend(parts[child[0]])
        else:
            found.append(None if child is None else parts[child])
    return found
