"""Names that hide others: a constant of the language, a built-in function, a const, dim or value of the file.

A function's parameter may be called as an input, a param or a dim is (`def linear(x, W, b)` beside
`input x`): that is how functions are written. What it may not hide without a word is a const. And `e` is a
name like others, unless the file has powers `e**x` of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Diagnostic, Note
from autodiffc.grammar.source import Span

from ..frontend.signature import BUILTINS
from .subject import Subject
from .usage import Definition, usage_of

CONSTANTS = {"pi": "3.14159…", "e": "2.71828…", "inf": "infinity", "nan": "not a number"}
COMMON = "e"  # an error, an eccentricity, …
DECLARED = {"input": "an input", "param": "a param", "const": "a const", "dim": "a dim", "var": "a var"}


def shadowed(subject: Subject) -> Iterator[Diagnostic]:
    """Every definition that hides something."""
    file = usage_of(subject.model.statements)
    constants = CONSTANTS.keys() - ({COMMON} if not _has_powers(subject, COMMON) else set())
    above: dict[str, Definition] = {}
    for found in file.definitions:
        if found.key[0] == "value":
            above.setdefault(found.key[1], found)
            yield from _constant(found, constants)
    for function, usage in file.inner:
        if function.name.id in BUILTINS:
            message = f"the function `{function.name.id}` hides the built-in of that name"
            yield _finding(message, function.name.span, "", (), "give it a name of its own")
        for found in {d.key: d for d in reversed(usage.definitions)}.values():
            yield from _constant(found, constants)
            yield from _hidden(found, above.get(found.key[1]), function)
    yield from _generators(subject, above)


def _has_powers(subject: Subject, name: str) -> bool:
    powers = (part for part in subject.expressions if isinstance(part, ast.Binary) and part.op == "**")
    bases = (part.left for part in powers if not isinstance(part.right, ast.Number))
    return any(isinstance(base, ast.Name) and base.id == name for base in bases)


def _constant(found: Definition, constants: Collection[str]) -> Iterator[Diagnostic]:
    name = found.key[1]
    if name in constants and found.kind != "import":
        message = f"`{name}` hides the constant {CONSTANTS[name]}"
        yield _finding(message, found.span, "", (), "give it a name of its own")


def _hidden(found: Definition, other: Definition | None, function: ast.FuncDef) -> Iterator[Diagnostic]:
    """What a name in a function hides of the file above it."""
    if other is None or other.span.start > function.span.start or "step" in (found.kind, other.kind):
        return
    if found.kind != "parameter" or other.kind == "const":
        what = DECLARED.get(other.kind, "a value")
        notes = (Note(other.span, "the other is defined"),)
        message = f"`{found.key[1]}` hides {what} of the file in this function"
        yield _finding(message, found.span, "", notes, "give it another name")


def _generators(subject: Subject, above: Mapping[str, Definition]) -> Iterator[Diagnostic]:
    """`sum(f(i) for i in range(n))` where `i` is a value of the file."""
    for generator in (part for part in subject.expressions if isinstance(part, ast.Generator)):
        name, span = generator.variable.id, generator.variable.span
        other = above.get(name)
        if other is not None and other.kind != "step" and other.span.start < span.start:
            notes = (Note(other.span, "the other is defined"),)
            message = f"`{name}` hides {DECLARED.get(other.kind, 'a value')} of the file in this sum"
            yield _finding(message, span, "", notes, "give it another name")


def _finding(message: str, span: Span, label: str, notes: tuple[Note, ...], help: str) -> Diagnostic:
    return Diagnostic("W0105", message, span, label, notes, help, "warning")
