"""Syntax trees gone through quickly: `ast.walk` without the nodes for operators and contexts.

>>> import ast
>>> [type(node).__name__ for node in walk(ast.parse("h += x * 2.0").body[0])]
['AugAssign', 'Name', 'BinOp', 'Name', 'Constant']
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

PLAIN = frozenset({"ctx", "op", "ops", "id", "attr", "kind", "type_comment"})  # fields without trees of use
_FIELDS = {
    kind: tuple(field for field in kind._fields if field not in PLAIN)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}


def walk(tree: ast.AST) -> Iterator[ast.AST]:
    """A tree and all trees in it, outer ones first."""
    waiting = [tree]
    for node in waiting:
        yield node
        waiting += children(node)


def children(node: ast.AST) -> list[ast.AST]:
    """The trees right below a node."""
    found: list[ast.AST] = []
    for field in _FIELDS[type(node)]:
        value = getattr(node, field, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
    return found
