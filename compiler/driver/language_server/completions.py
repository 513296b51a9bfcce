"""What may come next at a place of a text: keywords where a statement begins, names, functions.

    completions(study, text.index("soft") + 4)      [Entry("softmax", "function", "softmax(x, axis=-1)"), …]

Whoever shows them leaves out those that don't fit what was typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodiffc.compiler.frontend.calls import usages
from autodiffc.compiler.frontend.modules import MODULES, module_functions
from autodiffc.grammar.records import record
from autodiffc.grammar.roles import CONSTANTS, TYPES, roles
from autodiffc.grammar.scanner import DECLARATIONS

from .names import Definition, Use
from .study import Study

WORD = r"[^\W\d]\w*"
MODULE = re.compile(rf"\s*from\s+({WORD})?$")
IMPORTED = re.compile(rf"\s*from\s+({WORD})\s+import\s+[\w\s,(]*$")
TYPE = re.compile(r"[^\[]*:\s*\w*$")
AFTER_DOT = re.compile(rf"\.({WORD})?$")


@record(frozen=True)
class Entry:
    """`kind` is keyword, type, constant, function, module, or what a name is (`input`, `param`, …)."""

    name: str
    kind: str
    detail: str = ""


def completions(study: Study, offset: int) -> list[Entry]:
    """What may stand at the place; nothing in comments and strings."""
    if _is_prose(study, offset):
        return []
    text = study.source.text
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    if MODULE.match(line):
        return [Entry(name, "module") for name in sorted(MODULES)]
    if (imported := IMPORTED.match(line)) is not None:
        return _of_module(imported[1])
    if AFTER_DOT.search(line):
        return [Entry("T", "constant", "transposed")] if not re.search(r"\d\.\w*$", line) else []
    if TYPE.match(line) and not re.match(r"\s*(?:if|elif|else|for|while)\b", line):
        return [Entry(name, "type") for name in sorted(TYPES)]
    begins = re.fullmatch(rf"\s*(?:{WORD})?", line) is not None
    words = [Entry(word, "keyword") for word in sorted(DECLARATIONS)] if begins else []
    return [*words, *_names(study, offset), *_functions(study)]


def _is_prose(study: Study, offset: int) -> bool:
    for role, shown, start in roles(study.source.text):
        if start >= offset:
            return False
        if role in ("comment", "string") and offset < start + len(shown) + (role == "comment"):
            return True
    return False


def _of_module(name: str) -> list[Entry]:
    if name not in MODULES:
        return []
    told = usages()
    own = [Entry(f, "function") for f in module_functions(name)]
    return [*own, *(Entry(f, "function", told.get(f, "")) for f in sorted(MODULES[name]))]


def _names(study: Study, offset: int) -> Iterator[Entry]:
    """The values of the file, and those of the function around the place."""
    seen: dict[str, tuple[Use, Definition]] = {}
    for use in study.names.uses:
        definition = use.definition
        if use.space == "value" and definition is not None and _reaches(study, use, definition, offset):
            seen.setdefault(definition.name, (use, definition))
    for name, (use, definition) in seen.items():
        yield Entry(name, definition.kind, _types(study, use))
    yield from (Entry(name, "constant") for name in sorted(CONSTANTS))


def _reaches(study: Study, use: Use, definition: Definition, offset: int) -> bool:
    """Whether a name of the file is defined before the place; one of a function, in the lines around it."""
    before = definition.span.start < offset
    if study.names.file.values.get(definition.name) == definition:
        return before
    last = study.names.same(use)[-1].span.line
    return before and last + 1 >= study.source.place(offset)[0]


def _types(study: Study, use: Use) -> str:
    return ", ".join(study.types(use)[:2])


def _functions(study: Study) -> Iterator[Entry]:
    own = study.examined.scope.functions
    for name, function in own.items():
        parameters = ", ".join(parameter.name.id for parameter in function.definition.params)
        yield Entry(name, "function", f"{name}({parameters})")
    yield from (Entry(name, "function", usage) for name, usage in usages().items() if name not in own)
