"""The lints, each a line: its code, its name, what it finds, and the function that finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from autodiffc.grammar.diagnostics import Diagnostic, in_order
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

from ..model import Program
from .dependence import no_gradient
from .division import integer_division
from .rewritten import rewritten
from .shadowed import shadowed
from .singular import singular, underflow
from .subject import Subject
from .unused import unused


@record(frozen=True)
class Lint:
    """`usual`: it is on where `-W` names no lint."""

    code: str
    name: str
    title: str
    find: Callable[[Subject], Iterator[Diagnostic]]
    usual: bool = True


LINTS: tuple[Lint, ...] = (
    Lint("W0101", "unused-input", "an input that nothing reads", unused),
    Lint("W0102", "unused-value", "a value, a `var` or a parameter that nothing reads", unused),
    Lint("W0103", "unused-function", "a function that nothing calls", unused),
    Lint("W0104", "unused-const", "a const, or a dim with a number, that nothing reads", unused),
    Lint("W0105", "shadowed", "a name that hides another", shadowed),
    Lint("W0201", "no-gradient", "a param whose gradient is 0, whatever the data", no_gradient),
    Lint("W0301", "singular", "log, sqrt, division … of what is not bounded away from their poles", singular),
    Lint("W0302", "underflow", "log of, or division by, what may underflow to 0", underflow),
    Lint("W0303", "integer-division", "`//` and `%` that surprise", integer_division),
    Lint("W0304", "rewritten", "what is computed in another form than written, and why", rewritten, False),
)


def findings(program: Program, lints: Iterable[Lint], as_errors: bool = False) -> tuple[Diagnostic, ...]:
    """What some lints find in a model, in order; one finding of a code at a place.

    `as_errors`: warnings become errors; notes stay notes.
    """
    subject = Subject(program)
    wanted = {lint.code for lint in lints}
    finders = dict.fromkeys(lint.find for lint in LINTS if lint.code in wanted)
    found: dict[tuple[str, Span], Diagnostic] = {}
    for find in finders:
        for finding in find(subject):
            if finding.code in wanted:
                found.setdefault((finding.code, finding.span), finding)
    severe = {"warning": "error"} if as_errors else {}
    return tuple(replace(f, severity=severe.get(f.severity, f.severity)) for f in in_order(found.values()))
