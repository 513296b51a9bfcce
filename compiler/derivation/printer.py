"""What the three printers share: which parts of a formula need brackets.

A printer gives for each kind of formula its text; `self.show(part, level)` puts brackets around a part that
binds less tightly than `level` asks.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, pi

from . import tree
from .tree import Formula

SUM, PRODUCT, SIGNED, POWER, ATOM = range(5)


class Printer:
    """Base of the printers; subclasses have a method `_kind` for each class of tree.py."""

    def text(self, formula: Formula) -> str:
        return self.show(formula, SUM)

    def show(self, formula: Formula, level: int) -> str:
        name = type(formula).__name__.lower()
        write: Callable[[Formula], str] = getattr(self, f"_{name}")
        text = write(formula)
        return text if self.level(formula) >= level else self.bracketed(text)

    def level(self, formula: Formula) -> int:
        if isinstance(formula, (tree.Sum, tree.Cases, tree.Relation, tree.Logic)):
            return SUM
        if isinstance(formula, tree.Number) and formula.value < 0:
            return SUM
        if isinstance(formula, (tree.Product, tree.Total)):
            return PRODUCT
        if isinstance(formula, tree.Size) and len(formula.dim.terms) > 1:
            return SUM
        if (
            isinstance(formula, tree.Size)
            and len(str(formula.dim)) > 1
            and not str(formula.dim).isidentifier()
        ):
            return PRODUCT
        if isinstance(formula, (tree.Power, tree.Transpose, tree.Inverse)):
            return POWER
        if isinstance(formula, tree.Symbol) and formula.role == "derivative":
            return SIGNED
        return ATOM

    def bracketed(self, text: str) -> str:
        return f"({text})"

    def factor(self, part: Formula, last: bool, way: str) -> str:
        """A factor of a product: sums need brackets, and so does a Σ that isn't last."""
        if isinstance(part, tree.Total):
            return self.show(part, PRODUCT if last else ATOM)
        if isinstance(part, tree.Product):
            inner = part.way == "matrix" or (way == "scalar" and part.way != "scalar" and last)
            return self.show(
                part, PRODUCT if (inner and way != "each") or part.way == "scalar" == way else ATOM
            )
        return self.show(part, SIGNED)


def number_text(value: float) -> str:
    """As it would be written: 2, 0.5, 1e-4, π."""
    if not isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "NaN"
    for factor in (1.0, 2.0, 0.5, 4.0):
        if abs(value) == pi * factor:
            return f"{'−' if value < 0 else ''}{({1.0: '', 2.0: '2', 0.5: '½', 4.0: '4'})[factor]}π"
    text = repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return text.replace("-", "−")
