"""Python text that knows its precedence, so that pieces can be put together without losing structure.

>>> total = Expr("a + b", ADD)
>>> template("x ** 2", ("x",)).expression({"x": total}).text
'(a + b) ** 2'
>>> template("np.exp(x)", ("x",)).expression({"x": total}).text
'np.exp(a + b)'
"""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache

from autodiffc.grammar.records import record

# Python's precedences, but that `@` is set apart from `*` by parentheses, and that a number, which binds
# tighter than a power, takes no attribute (`2.T`).
TERNARY, OR, AND, NOT, COMPARE, BIT_OR, BIT_XOR, BIT_AND = range(8)
SHIFT, ADD, MATMUL, MULTIPLY, UNARY, POWER, NUMBER, ATOM = range(8, 16)

BINARY: dict[type[ast.operator], int] = {
    ast.BitOr: BIT_OR,
    ast.BitXor: BIT_XOR,
    ast.BitAnd: BIT_AND,
    ast.LShift: SHIFT,
    ast.RShift: SHIFT,
    ast.Add: ADD,
    ast.Sub: ADD,
    ast.Mult: MULTIPLY,
    ast.Div: MULTIPLY,
    ast.FloorDiv: MULTIPLY,
    ast.Mod: MULTIPLY,
    ast.MatMult: MATMUL,
    ast.Pow: POWER,
}


@record(frozen=True)
class Expr:
    """The text of an expression and how tightly its outermost operator binds."""

    text: str
    precedence: int = ATOM

    def within(self, needed: int) -> str:
        """The text, in parentheses where the surroundings bind tighter."""
        return self.text if self.precedence >= needed else f"({self.text})"

    def __str__(self) -> str:
        return self.text


def unparenthesised(text: str) -> str:
    """An expression without parentheses around the whole of it."""
    if not text.startswith("("):
        return text
    inner = text[1:-1]
    try:
        same = ast.dump(ast.parse(inner, mode="eval")) == ast.dump(ast.parse(text, mode="eval"))
    except SyntaxError:
        return text
    return inner if same else text


def call(function: str, *arguments: Expr | str) -> Expr:
    """`function(a, b)`."""
    return Expr(f"{function}({', '.join(map(str, arguments))})")


def tuple_of(items: list[Expr] | list[str]) -> Expr:
    """`(a, b)`, `(a,)`, `()`."""
    inside = ", ".join(map(str, items))
    return Expr(f"({inside},)" if len(items) == 1 else f"({inside})")


def binary(left: Expr, operator: str, right: Expr, precedence: int) -> Expr:
    """A left-associative operator between two operands."""
    return Expr(f"{left.within(precedence)} {operator} {right.within(precedence + 1)}", precedence)


def number(value: float | int | bool, ref: Callable[[str], str] = str, namespace: str = "math") -> Expr:
    """The shortest text that reads back as the same number; `ref` names the module that has inf and nan."""
    if isinstance(value, bool):
        return Expr(str(value))
    if isinstance(value, float) and not math.isfinite(value):
        name = Expr(f"{ref(namespace)}.{'nan' if math.isnan(value) else 'inf'}")
        return Expr(f"-{name}", UNARY) if value < 0 else name
    text = _float_text(value) if isinstance(value, float) else str(value)
    return Expr(text, UNARY if text.startswith("-") else NUMBER)


def _float_text(value: float) -> str:
    plain = repr(value)
    if value == 0 or 0.01 <= abs(value) < 1e5:
        return plain
    digits = next(m for m in (f"{value:.{n}e}" for n in range(18)) if float(m) == value)
    mantissa, _, exponent = digits.partition("e")
    short = f"{mantissa}e{int(exponent)}"
    return short if len(short) < len(plain) or "e" in plain else plain


def precedence_of(node: ast.AST) -> int:
    """The precedence of a parsed expression."""
    if isinstance(node, ast.IfExp):
        return TERNARY
    if isinstance(node, ast.BoolOp):
        return OR if isinstance(node.op, ast.Or) else AND
    if isinstance(node, ast.Compare):
        return COMPARE
    if isinstance(node, ast.BinOp):
        return BINARY[type(node.op)]
    if isinstance(node, ast.UnaryOp):
        return NOT if isinstance(node.op, ast.Not) else UNARY
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, (int, float))
        and not isinstance(node.value, bool)
    ):
        return NUMBER
    return ATOM


def _needs(node: ast.AST) -> Iterator[tuple[ast.AST, int]]:
    """The children of a node, each with the precedence that its place asks for."""
    if isinstance(node, ast.BinOp):
        own = precedence_of(node)
        left, right = {POWER: (NUMBER, UNARY), MATMUL: (UNARY, UNARY)}.get(own, (own, own + 1))
        yield from ((node.left, left), (node.right, right))
        return
    if isinstance(node, ast.IfExp):
        yield from ((node.body, OR), (node.test, OR), (node.orelse, TERNARY))
        return
    inner = TERNARY
    if isinstance(node, ast.UnaryOp):
        inner = precedence_of(node)
    elif isinstance(node, (ast.BoolOp, ast.Compare)):
        inner = precedence_of(node) + 1
    elif isinstance(node, ast.comprehension):
        inner = OR
    for field, value in ast.iter_fields(node):
        tight = (field == "func") or (field == "value" and isinstance(node, (ast.Attribute, ast.Subscript)))
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child, ATOM if tight else inner


@record(frozen=True)
class Slot:
    """A name in a template and the precedence that its place asks for; `stored`: it is assigned there."""

    name: str
    needed: int
    stored: bool = False


class Template:
    """A Python expression or statements with names that stand for something else."""

    def __init__(self, text: str, params: tuple[str, ...]):
        tree = ast.parse(text)
        first = tree.body[0]
        root: ast.AST = first.value if len(tree.body) == 1 and isinstance(first, ast.Expr) else tree
        self.is_expression = root is not tree
        # Unparsed once, so that parentheses stand only where the template itself needs them.
        normal = _double_quoted(ast.unparse(root))
        root = ast.parse(normal, mode="eval").body if self.is_expression else ast.parse(normal)
        self.precedence = precedence_of(root)
        self.pieces = _pieces(normal, root)
        self.params = params
        self.slots = [piece for piece in self.pieces if isinstance(piece, Slot)]
        self.uses: Counter[str] = Counter(slot.name for slot in self.slots)
        self.counts = tuple(self.uses[parameter] for parameter in params)
        self.stored = tuple(dict.fromkeys(slot.name for slot in self.slots if slot.stored))
        self._places = [(slot.name, slot.needed) for slot in self.slots]
        self._form = "".join("%s" if isinstance(p, Slot) else p.replace("%", "%%") for p in self.pieces)

    @cached_property
    def fixed_length(self) -> int:
        """The number of characters beside the arguments, of the longest line."""
        shown = "".join(
            p if isinstance(p, str) else p.name * (p.name not in self.params) for p in self.pieces
        )
        return max(map(len, shown.split("\n")))

    def text(self, names: Mapping[str, Expr], other: Callable[[str], str] = str) -> str:
        """The text with its names replaced: by `names`, else by `other`."""
        parts = []
        for name, needed in self._places:
            known = names.get(name)
            if known is None:
                parts.append(other(name))
            else:
                parts.append(known.text if known.precedence >= needed else f"({known.text})")
        return self._form % tuple(parts)

    def expression(self, names: Mapping[str, Expr], other: Callable[[str], str] = str) -> Expr:
        """The expression with its names replaced."""
        if self._form == "%s" and self.slots[0].name in names:
            return names[self.slots[0].name]
        return Expr(self.text(names, other), self.precedence)


def _double_quoted(text: str) -> str:
    """Unparsed Python with its strings in double quotes, unless one holds a quote or a backslash."""
    return text if '"' in text or "\\" in text else text.replace("'", '"')


def _pieces(text: str, root: ast.AST) -> list[str | Slot]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    found: list[tuple[int, int, Slot]] = []
    stack: list[tuple[ast.AST, int]] = [(root, TERNARY)]
    while stack:
        node, needed = stack.pop()
        if isinstance(node, ast.Name):
            begin = starts[node.lineno - 1] + node.col_offset
            slot = Slot(node.id, needed, isinstance(node.ctx, ast.Store))
            found.append((begin, begin + len(node.id.encode()), slot))
        stack.extend(_needs(node))
    pieces: list[str | Slot] = []
    data, position = text.encode(), 0
    for begin, end, slot in sorted(found, key=lambda item: item[0]):
        if begin > position:
            pieces.append(data[position:begin].decode())
        pieces.append(slot)
        position = end
    if position < len(data):
        pieces.append(data[position:].decode())
    return pieces


@lru_cache(maxsize=4096)
def template(text: str, params: tuple[str, ...]) -> Template:
    """The parsed template, kept."""
    return Template(text, params)
