"""A last look at an emitted module: it parses, and every name in it is defined.

>>> audit("import numpy as np\\nx = np.ones(undefined)")
Traceback (most recent call last):
    ...
autodiffc.grammar.diagnostics.InternalError: the emitted module refers to undefined names: undefined
"""

from __future__ import annotations

import builtins
import symtable
from collections.abc import Iterator

from autodiffc.grammar.diagnostics import InternalError

ALLOWED_IMPORTS = frozenset(
    {
        "__future__",
        "collections.abc",
        "functools",
        "math",
        "numpy",
        "numpy.random",
        "operator",
        "struct",
        "typing",
    }
)


def audit(*parts: str) -> None:
    """InternalError where texts, one after the other, are not a module that stands alone.

    Each is parsed by itself, which a parser does in less memory.
    """
    defined = {"__name__", "__class__", *dir(builtins)}  # a value called `super` stands for both
    found: set[str] = set()
    for part in parts:
        top = _parsed(part)
        symbols = top.get_symbols()
        defined |= {s.get_name() for s in symbols if s.is_assigned() or s.is_imported() or s.is_namespace()}
        found.update(_globals(top))
    undefined = sorted(found - defined)
    if undefined:
        raise InternalError(f"the emitted module refers to undefined names: {', '.join(undefined)}")


def _parsed(text: str) -> symtable.SymbolTable:
    try:
        return symtable.symtable(text, "emitted", "exec")
    except SyntaxError as error:
        raise InternalError(f"the emitted module does not parse: {error.text}") from error


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    """The global names that a scope and those inside it refer to."""
    if isinstance(table, symtable.Function):
        yield from table.get_globals()
    else:
        is_module = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (symbol.is_global() or is_module):
                yield symbol.get_name()
    for child in table.get_children():
        yield from _globals(child)
