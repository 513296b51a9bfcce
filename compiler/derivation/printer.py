"""What the three printers share: which parts of a formula need brackets.

A printer gives for each kind of formula its text; `self.show(part, level)` puts brackets around a part that
binds less tightly than `level` asks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
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
        if isinstance(formula, tree.Call) and formula.name == "mod":
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

    def term(self, part: Formula, minus: bool) -> str:
        """A term of a sum; a size is a sum itself."""
        return self.show(part, SUM if isinstance(part, tree.Size) and not minus else PRODUCT)

    def chains(self, formula: tree.Logic) -> list[str]:
        """The conditions; of a ≤ b and b < c one: a ≤ b < c."""
        shown: list[str] = []
        before: Formula | None = None
        for part in formula.conditions:
            if (
                isinstance(before, tree.Relation)
                and isinstance(part, tree.Relation)
                and (before.right == part.left and {before.sign, part.sign} <= {"<", "≤"})
            ):
                whole, left = self.text(part), self.text(part.left)
                shown[-1] += self.tail(whole, left)
            else:
                shown.append(self.show(part, SIGNED if isinstance(part, tree.Logic) else SUM))
            before = part
        return shown

    def tail(self, relation: str, left: str) -> str:
        """A relation without what stands on its left."""
        return relation[len(left) :]

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


def powers(names: Iterable[str]) -> list[tuple[str, int]]:
    """x, x, y as x to the second and y to the first."""
    return list(Counter(names).items())


def number_text(value: float) -> str:
    """As it would be written: 2, 0.5, 1e-4, π."""
    if not isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "NaN"
    for factor in (1.0, 2.0, 0.5, 4.0):
        if abs(value) == pi * factor:
            return f"{'−' if value < 0 else ''}{({1.0: '', 2.0: '2', 0.5: '½', 4.0: '4'})[factor]}π"
    text = repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return text.replace("-", "−")


def dim_text(dim: object) -> str:
    text = positive_first(re.sub(r"_steps\d+", "steps", str(dim)))
    return text.replace("**2", "²").replace("*", " ").replace(" - ", " − ")


def positive_first(text: str) -> str:
    """`T - K` for `-K + T`, and `d**2` for `d*d`."""
    text = re.sub(r"\b(\w+)\*\1\b", r"\1**2", text)
    match = re.fullmatch(r"-([^ ()]+) \+ ([^ ()]+)(.*)", text)
    return f"{match[2]} - {match[1]}{match[3]}" if match else text
