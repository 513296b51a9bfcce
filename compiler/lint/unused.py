"""Inputs, values, functions and consts that nothing reads, in the file and in each of its functions.

What the gradient is taken by is left to `no-gradient`, and an input that gives a dim its size has a use.
"""

from __future__ import annotations

from collections.abc import Iterator

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Diagnostic

from .subject import Subject
from .usage import Definition, Key, Kind, Usage, usage_of

CODES: dict[Kind, str] = {
    "input": "W0101", "param": "W0101", "value": "W0102", "var": "W0102", "parameter": "W0102",
    "function": "W0103", "import": "W0103", "const": "W0104", "dim": "W0104",
}  # fmt: skip
HELP = {
    "W0101": "drop it, or read it: whoever calls the module has to give it",
    "W0102": "drop it, or write `output {name}` if it is to be seen",
    "W0103": "drop it, or call it",
    "W0104": "drop it, or read it",
}
NOUNS: dict[Kind, str] = {
    "input": "the input ", "param": "the param ", "var": "the var ", "parameter": "the parameter ",
    "function": "the function ", "import": "the import ", "const": "the const ", "dim": "the dim ",
}  # fmt: skip


def unused(subject: Subject) -> Iterator[Diagnostic]:
    """Names that nothing reads that anything needs."""
    file = usage_of(subject.model.statements)
    exempt = _exempt(subject, file)
    yield from _unread(file, exempt)
    brought = {s.name.id for s in subject.model.statements if isinstance(s, ast.AdjointDef)}
    for function, usage in file.inner:
        parameters = {p.name.id for p in function.params} if function.name.id in brought else set()
        yield from _unread(usage, {("value", name) for name in parameters}, f" of `{function.name.id}`")


def _unread(usage: Usage, exempt: set[Key], where: str = "") -> Iterator[Diagnostic]:
    needed = usage.needed() | exempt
    functions = {key for key in needed if key[0] == "function"}
    readers = {key: d for d in reversed(usage.definitions) for key in d.reads if key != d.key}
    told: set[Key] = set()
    for found in usage.definitions:
        if found.kind not in CODES or found.key in needed or found.key in told:
            continue
        if found.kind == "import" and ("function", found.key[1]) in functions:
            continue
        if any(("value", name) in needed for name in found.together) or found.key[1].startswith("_"):
            continue
        told.add(found.key)
        yield _finding(found, readers.get(found.key), where)


def _finding(found: Definition, reader: Definition | None, where: str) -> Diagnostic:
    code, name = CODES[found.kind], found.key[1]
    noun = NOUNS.get(found.kind, "")
    label = f"only `{reader.key[1]}` reads it, which nothing needs" if reader else ""
    help_text = HELP[code].format(name=name)
    if where:
        help_text = "drop it"
    message = f"{noun}`{name}`{where if found.kind == 'parameter' else ''} is not used"
    return Diagnostic(code, message, found.span, label, (), help_text, "warning")


def _exempt(subject: Subject, file: Usage) -> set[Key]:
    """Dims that get their size from arguments, the arguments that give it, what is differentiated by."""
    program = subject.program
    needed = file.needed()
    exempt: set[Key] = {("value", name) for name in (*program.wrt, *program.dims)}
    sizes = {a.name: {s for dim in a.type.shape for s in dim.symbols} for a in program.arguments}
    given = {s for name, symbols in sizes.items() if ("value", name) in needed | exempt for s in symbols}
    for name, symbols in sizes.items():
        if any(("value", s) in needed and s not in given for s in symbols):
            exempt.add(("value", name))
    return exempt
