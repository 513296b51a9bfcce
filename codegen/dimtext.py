"""Dims in the emitted text: as expressions, and bound from the shapes of arrays.

N, D = x.shape
H = b.shape[0] // 4
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from autodiffc.compiler.model import Binding
from autodiffc.compiler.types import Dim, Opaque, Shape
from autodiffc.grammar.records import record

from .pytext import ADD, MULTIPLY, UNARY, Expr, binary, call, number


def dim_expr(dim: Dim, symbol: Callable[[str], str], ref: Callable[[str], str] = str) -> Expr:
    """A dim as Python; `symbol` gives the local name of a dim, `ref` that of a builtin."""
    total: Expr | None = None
    for monomial, coefficient in dim.terms:
        factors = [_atom(atom, symbol, ref) for atom in monomial]
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, number(abs(coefficient)))
        product = factors[0]
        for factor in factors[1:]:
            product = binary(product, "*", factor, MULTIPLY)
        if total is not None:
            total = binary(total, "-" if coefficient < 0 else "+", product, ADD)
        else:
            total = Expr(f"-{product.within(UNARY)}", UNARY) if coefficient < 0 else product
    return total or number(0)


def _atom(atom: str | Opaque, symbol: Callable[[str], str], ref: Callable[[str], str]) -> Expr:
    if isinstance(atom, str):
        return Expr(symbol(atom))
    arguments = [dim_expr(arg, symbol, ref) for arg in atom.args]
    if atom.op in ("max", "min"):
        return call(ref(atom.op), *arguments)
    return binary(arguments[0], atom.op, arguments[1], MULTIPLY)


@record(frozen=True)
class Holder:
    """An array, or a list of rows, from whose shape dims can be read: its text and its declared shape."""

    text: str
    shape: Shape
    listed: bool = False


def bind(bindings: Iterable[Binding], holders: dict[str, Holder], symbol: Callable[[str], str]) -> list[str]:
    """Statements that give the bound dims their sizes, arrays with all their axes wanted at once."""
    by_argument: dict[str, list[Binding]] = {}
    for binding in bindings:
        by_argument.setdefault(binding.argument, []).append(binding)
    lines = []
    for argument, group in by_argument.items():
        lines.extend(_bind_one(holders[argument], sorted(group, key=lambda b: b.axis), symbol))
    return lines


def _bind_one(holder: Holder, group: Sequence[Binding], symbol: Callable[[str], str]) -> list[str]:
    if holder.listed:
        return [f"{symbol(b.dim)} = len({holder.text})" for b in group if b.axis == 0]
    plain = [b for b in group if (b.factor, b.offset) == (1, 0)]
    if len(plain) == len(holder.shape) > 1:
        return [f"{', '.join(symbol(b.dim) for b in plain)} = {holder.text}.shape"]
    return [f"{symbol(b.dim)} = {_size(holder.text, b)}" for b in group]


def _size(text: str, binding: Binding) -> str:
    size = f"{text}.shape[{binding.axis}]"
    if binding.offset:
        size = f"{size} {'-' if binding.offset > 0 else '+'} {abs(binding.offset)}"
    if binding.factor == 1:
        return size
    return f"({size}) // {binding.factor}" if binding.offset else f"{size} // {binding.factor}"


def readable_from(shape: Shape, argument: str) -> list[Binding]:
    """The dims that stand alone in a shape, so that an array of it tells them."""
    found = []
    for axis, size in enumerate(shape):
        name = next(iter(size.symbols), "")
        if size == Dim.symbol(name):
            found.append(Binding(name, argument, axis))
    return found
