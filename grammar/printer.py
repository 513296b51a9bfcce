"""Prints the syntax tree: as source text, and as a tree.

>>> x, y = Name(span, "x"), Name(span, "y")
>>> to_text(Binary(span, "**", Binary(span, "+", x, y, span), Number(span, 2), span))
'(x + y)**2'

`to_text` writes as few brackets as the grammar allows, and what it writes parses to the same tree. Neither
function recurses into expressions: a sum of 100,000 terms is a tree as deep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import chain, repeat
from typing import Any, NamedTuple, cast

from . import ast
from .spacing import respaced

# How tightly expressions bind, loosest first: where a part needs more than it has, it gets brackets.
CONDITIONAL, OR, AND, NOT, COMPARISON, SUM, PRODUCT, FACTOR, POWER, POSTFIX, ATOM = range(11)
_LEFT_TO_RIGHT = {"or": OR, "and": AND, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT}
_LEFT_TO_RIGHT |= {"%": PRODUCT, "@": PRODUCT}


class _Part(NamedTuple):
    """An expression, and how tightly the place where it stands binds."""

    node: Any
    level: int = CONDITIONAL


Parts = list["str | _Part"]


def to_text(node: ast.Syntax | ast.Model) -> str:
    """The source text of an expression, a statement (with its blocks) or a whole model."""
    if isinstance(node, ast.Model):
        return "".join(line + "\n" for statement in node.statements for line in _lines(statement, ""))
    if isinstance(node, _STATEMENTS):
        return "\n".join(_lines(cast(ast.Statement, node), ""))
    return _flat([_Part(node)])


def _flat(parts: Parts) -> str:
    words: list[str] = []
    stack = parts[::-1]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            words.append(part)
        else:
            level, inner = _expanded(part.node)
            stack.extend([")", *inner[::-1], "("] if level < part.level else inner[::-1])
    return respaced(" ".join(words))


# --- expressions -----------------------------------------------------------------------------------


def _expanded(node: Any) -> tuple[int, Parts]:
    """How tightly a node binds, and its parts."""
    return _EXPRESSIONS[type(node)](node)


def _number(node: ast.Number) -> tuple[int, Parts]:
    return (FACTOR if str(node.value).startswith("-") else ATOM), [repr(node.value)]


_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})


def _string(node: ast.String) -> tuple[int, Parts]:
    return ATOM, [f'"{node.value.translate(_ESCAPES)}"']


def _unary(node: ast.Unary) -> tuple[int, Parts]:
    level = NOT if node.op == "not" else FACTOR
    return level, [node.op, _Part(node.operand, level)]


def _binary(node: ast.Binary) -> tuple[int, Parts]:
    if node.op == "**":
        return POWER, [_Part(node.left, POSTFIX), "**", _Part(node.right, FACTOR)]
    level = _LEFT_TO_RIGHT[node.op]
    return level, [_Part(node.left, level), node.op, _Part(node.right, level + 1)]


def _compare(node: ast.Compare) -> tuple[int, Parts]:
    parts: Parts = [_Part(node.operands[0], SUM)]
    for op, operand in zip(node.ops, node.operands[1:], strict=True):
        parts += [op, _Part(operand, SUM)]
    return COMPARISON, parts


def _conditional(node: ast.Conditional) -> tuple[int, Parts]:
    parts: Parts = [_Part(node.then, OR), "if", _Part(node.condition, OR), "else", _Part(node.orelse)]
    return CONDITIONAL, parts


def _slice(node: ast.Slice) -> tuple[int, Parts]:
    step: Parts = [":", _Part(node.step)] if node.step else []
    return CONDITIONAL, [*_maybe(node.start), ":", *_maybe(node.stop), *step]


def _generator(node: ast.Generator) -> tuple[int, Parts]:
    return CONDITIONAL, [_Part(node.element), "for", node.variable.id, "in", *_range(node.bounds)]


def _tuple(node: ast.TupleLiteral) -> tuple[int, Parts]:
    comma: Parts = [","] if len(node.items) == 1 else []
    return ATOM, ["(", *_listed(node.items), *comma, ")"]


def _maybe(node: ast.Expr | None) -> Parts:
    return [_Part(node)] if node is not None else []


def _listed(nodes: Iterable[ast.Syntax]) -> Parts:
    parts: Parts = []
    for node in nodes:
        parts += [",", _Part(node)]
    return parts[1:]


def _range(bounds: Iterable[ast.Expr]) -> Parts:
    return ["range", "(", *_listed(bounds), ")"]


_EXPRESSIONS: dict[type, Callable[[Any], tuple[int, Parts]]] = {
    ast.Name: lambda node: (ATOM, [node.id]),
    ast.Number: _number,
    ast.String: _string,
    ast.Unary: _unary,
    ast.Binary: _binary,
    ast.Compare: _compare,
    ast.Conditional: _conditional,
    ast.Call: lambda node: (ATOM, [node.func.id, "(", *_listed((*node.args, *node.keywords)), ")"]),
    ast.Keyword: lambda node: (CONDITIONAL, [node.name.id, "=", _Part(node.value)]),
    ast.Attribute: lambda node: (POSTFIX, [_Part(node.value, POSTFIX), ".", node.name.id]),
    ast.Index: lambda node: (POSTFIX, [_Part(node.value, POSTFIX), "[", *_listed(node.items), "]"]),
    ast.Slice: _slice,
    ast.Ellipsis_: lambda node: (ATOM, ["..."]),
    ast.ListLiteral: lambda node: (ATOM, ["[", *_listed(node.items), "]"]),
    ast.TupleLiteral: _tuple,
    ast.Generator: _generator,
    ast.TypeExpr: lambda node: (ATOM, _type(node)),
    ast.Constraint: lambda node: (ATOM, _constraint(node)),
    ast.FuncParam: lambda node: (ATOM, [node.name.id, *_annotation(node.type), *_value(node.default)]),
    ast.DimItem: lambda node: (ATOM, [node.name.id, *_value(node.value)]),
}


# --- declarations and simple statements ------------------------------------------------------------


def _type(node: ast.TypeExpr) -> Parts:
    return [node.kind, "[", *_listed(node.dims), "]"] if node.dims else [node.kind]


def _constraint(node: ast.Constraint) -> Parts:
    return ["in", *_range(node.bounds)] if node.op == "in" else [node.op, _Part(node.bounds[0], SUM)]


def _annotation(type: ast.TypeExpr | None) -> Parts:
    return [":", *_type(type)] if type is not None else []


def _value(value: ast.Expr | None) -> Parts:
    return ["=", _Part(value)] if value is not None else []


def _declaration(word: str, node: ast.InputDecl | ast.ParamDecl) -> Parts:
    constraints: Parts = [_Part(constraint) for constraint in node.constraints]
    return [word, *_listed(node.names), *_annotation(node.type), *constraints]


def _loss(node: ast.LossDecl) -> Parts:
    return ["loss", *([node.name.id] if node.name else []), *_value(node.value)]


_SIMPLE: dict[type, Callable[[Any], Parts]] = {
    ast.ModelDecl: lambda node: ["model", node.name.id],
    ast.DimDecl: lambda node: ["dim", *_listed(node.items)],
    ast.InputDecl: lambda node: _declaration("input", node),
    ast.ParamDecl: lambda node: [*_declaration("param", node), *_value(node.init)],
    ast.ConstDecl: lambda node: ["const", node.name.id, *_annotation(node.type), *_value(node.value)],
    ast.VarDecl: lambda node: ["var", node.name.id, *_annotation(node.type)],
    ast.OutputDecl: lambda node: ["output", node.name.id, *_annotation(node.type), *_value(node.value)],
    ast.LossDecl: _loss,
    ast.GradDecl: lambda node: ["grad", node.target.id, "wrt", *_listed(node.wrt)],
    ast.Return: lambda node: ["return", *_listed(node.values)],
    ast.LibraryImport: lambda node: ["from", node.module.id, "import", *_listed(node.names)],
    ast.FileImport: lambda node: ["from", _Part(node.path), "import", *_listed(node.names)],
    ast.Assign: lambda node: [*_listed(node.targets), *_annotation(node.annotation), *_value(node.value)],
    ast.AugAssign: lambda node: [_Part(node.target), node.op + "=", _Part(node.value)],
    ast.Assert: lambda node: [
        "assert",
        *_listed((node.condition, *([node.message] if node.message else []))),
    ],
}


# --- blocks ----------------------------------------------------------------------------------------


def _clauses(node: Any) -> Iterator[tuple[Parts, ast.Block]]:
    """The headers of a compound statement, each with its block."""
    if isinstance(node, ast.If):
        for word, (condition, block) in zip(chain(["if"], repeat("elif")), node.branches):
            yield [word, _Part(condition), ":"], block
        if node.orelse:
            yield ["else", ":"], node.orelse
    elif isinstance(node, ast.For):
        checkpoint: Parts = ["checkpoint"] if node.checkpoint else []
        yield ["for", node.variable.id, "in", *_range(node.bounds), *checkpoint, ":"], node.body
    elif isinstance(node, ast.While):
        limit: Parts = ["max", _Part(node.limit)] if node.limit is not None else []
        yield ["while", _Part(node.condition), *limit, ":"], node.body
    else:
        word = "def" if isinstance(node, ast.FuncDef) else "adjoint"
        yield [word, node.name.id, "(", *_listed(node.params), ")", ":"], node.body


_STATEMENTS = (*_SIMPLE, ast.If, ast.For, ast.While, ast.FuncDef, ast.AdjointDef)


def _lines(statement: ast.Statement, indent: str) -> Iterator[str]:
    simple = _SIMPLE.get(type(statement))
    if simple is not None:
        yield indent + _flat(simple(statement))
        return
    for header, block in _clauses(statement):
        yield indent + _flat(header)
        for inner in block:
            yield from _lines(inner, indent + "    ")


# --- the tree --------------------------------------------------------------------------------------


def dump(model: ast.Model) -> str:
    """The tree, a node a line, children indented; spans are left out."""
    lines = [f"Model {model.source.name}"]
    stack: list[tuple[int, str, Any]] = [(1, "", node) for node in reversed(model.statements)]
    while stack:
        depth, label, node = stack.pop()
        words, children = _described(node)
        lines.append("  " * depth + " ".join([*([label + ":"] if label else []), *words]))
        stack.extend((depth + 1, name, child) for name, child in reversed(children))
    return "\n".join(lines) + "\n"


def _described(node: Any) -> tuple[list[str], list[tuple[str, Any]]]:
    """What stands on a node's own line, and its children, each under the name of its field."""
    if isinstance(node, tuple):
        condition, block = node
        return [], [("condition", condition), *(("body", statement) for statement in block)]
    words, children = [type(node).__name__], []
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, ast.Syntax):
            children.append((field.name, value))
        elif isinstance(value, tuple):
            children += [(field.name, item) for item in value if not isinstance(item, str)]
            words += [item for item in value if isinstance(item, str)]
        elif isinstance(value, bool):
            words += [field.name] * value
        elif isinstance(value, str | int | float):
            words.append(repr(value) if isinstance(node, ast.String) else str(value))
    return words, children
