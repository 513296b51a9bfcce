"""What `-W` asks for.

-W                       the usual lints
-W all                   all of them
-W unused                those about what is not used
-W singular,W0105        these alone
-W no-shadowed           the usual ones without this
-W error                 as errors
"""

from __future__ import annotations

from collections.abc import Sequence

from autodiffc.grammar.diagnostics import suggestion
from autodiffc.grammar.records import record

from .table import LINTS, Lint

USUAL, ALL, UNUSED, ERROR = "usual", "all", "unused", "error"
GROUPS = {
    USUAL: [lint for lint in LINTS if lint.usual],
    ALL: list(LINTS),
    UNUSED: [lint for lint in LINTS if lint.name.startswith(UNUSED)],
}


class UnknownLint(ValueError):
    """There is no such lint; the message says which there are."""


@record(frozen=True)
class Choice:
    lints: tuple[Lint, ...]
    as_errors: bool = False


def chosen(words: Sequence[str]) -> Choice:
    """The lints that words ask for; raises UnknownLint."""
    names = [name for word in words for name in map(str.strip, word.split(",")) if name]
    off = [name for name in names if name.startswith("no-") and not _is_lint(name)]
    on = [name for name in names if name not in (ERROR, *off)] or [USUAL]
    without = {lint for name in off for lint in _named(name.removeprefix("no-"))}
    wanted = {lint for name in on for lint in _named(name)}
    return Choice(tuple(lint for lint in LINTS if lint in wanted - without), ERROR in names)


def _is_lint(name: str) -> bool:
    return any(name == lint.name for lint in LINTS)


def _named(name: str) -> list[Lint]:
    found = GROUPS.get(name) or [lint for lint in LINTS if name in (lint.name, lint.code)]
    if not found:
        known = [*GROUPS, ERROR, *(lint.name for lint in LINTS)]
        raise UnknownLint(f"no lint `{name}`; {suggestion(name, known) or 'there are: ' + ', '.join(known)}")
    return found
