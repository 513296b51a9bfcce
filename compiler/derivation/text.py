"""Formulas for a terminal, in Unicode.

>>> from .tree import Power, Number, Symbol, Sum
>>> Text().text(Sum((Symbol("W1", "derivative", "L"), Power(Symbol("x"), Number(2.0))), (False, True)))
'∂L/∂W1 − x²'
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import tree
from .lines import Branch, Derivation, Line, Loop
from .notes import headings, last_step
from .printer import ATOM, POWER, PRODUCT, SIGNED, SUM, Printer, number_text
from .tree import Equation, Formula

WIDTH = 96
_UPPER = str.maketrans(
    "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ",
)
_LOWER = str.maketrans("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")


def raised(text: str) -> str:
    """As a superscript, where Unicode has one for each character."""
    plain = text.replace(" ", "")
    result = plain.translate(_UPPER)
    same = any(a == b != "," for a, b in zip(plain, result))
    return f"^{plain if plain.isalnum() else f'({plain})'}" if same else result


def lowered(text: str) -> str:
    result = text.translate(_LOWER)
    return f"_{text}" if any(a == b for a, b in zip(text, result)) else result


class Text(Printer):
    def _number(self, f: tree.Number) -> str:
        return number_text(f.value)

    def _size(self, f: tree.Size) -> str:
        return dim_text(f.dim)

    def _index(self, f: tree.Index) -> str:
        return f.name

    def _merged(self, f: tree.Merged) -> str:
        return f"({', '.join(map(self.text, f.indices))})"

    def _symbol(self, f: tree.Symbol) -> str:
        head = {"value": f.name, "adjoint": f"δ_{f.name}", "derivative": f"∂{f.of}/∂{f.name}"}[f.role]
        if not f.steps:
            return head
        text = ",".join(map(self.text, f.steps))
        up = raised(f"({text})")
        return head + (f"^({text})" if up.startswith("^") else up)

    def _sum(self, f: tree.Sum) -> str:
        parts = []
        for k, (term, minus) in enumerate(zip(f.terms, f.minus)):
            sign = ("−" if minus else "") if k == 0 else (" − " if minus else " + ")
            parts.append(sign + self.show(term, PRODUCT if minus or not isinstance(term, tree.Sum) else SUM))
        return "".join(parts)

    def _product(self, f: tree.Product) -> str:
        last = len(f.factors) - 1
        shown = [self.factor(part, k == last, f.way) for k, part in enumerate(f.factors)]
        sign = {"scalar": " ", "matrix": " ", "each": " ⊙ "}[f.way]
        result = shown[0]
        for before, text in zip(f.factors, shown[1:]):
            dot = sign == " " and isinstance(before, tree.Number) and text[0].isdigit() and text[1:2] != "["
            result += (" · " if dot else sign) + text
        return result

    def factor(self, part: Formula, last: bool, way: str) -> str:
        if isinstance(part, tree.Fraction) and isinstance(part.top, tree.Number) and not last:
            return self.text(part)
        return super().factor(part, last, way)

    def _fraction(self, f: tree.Fraction) -> str:
        if isinstance(f.top, tree.Number):
            return f"{self.text(f.top)}/{self.show(f.bottom, POWER)}"
        return f"{self.show(f.top, PRODUCT)} / {self.show(f.bottom, POWER)}"

    def _power(self, f: tree.Power) -> str:
        return self.show(f.base, ATOM) + raised(self.text(f.exponent))

    def _root(self, f: tree.Root) -> str:
        return f"√{self.show(f.radicand, ATOM)}"

    def _between(self, f: tree.Between) -> str:
        return f"{f.left}{self.text(f.inner)}{f.right}"

    def _transpose(self, f: tree.Transpose) -> str:
        return f"{self.show(f.matrix, ATOM)}ᵀ"

    def _inverse(self, f: tree.Inverse) -> str:
        return f"{self.show(f.matrix, ATOM)}⁻{'ᵀ' if f.transposed else '¹'}"

    def _relation(self, f: tree.Relation) -> str:
        return f"{self.text(f.left)} {f.sign} {self.text(f.right)}"

    def _logic(self, f: tree.Logic) -> str:
        if f.word == "not":
            return f"not ({self.text(f.conditions[0])})"
        shown = [self.show(c, SIGNED if isinstance(c, tree.Logic) else SUM) for c in f.conditions]
        return f" {f.word} ".join(shown)

    def _indicator(self, f: tree.Indicator) -> str:
        return f"1[{self.text(f.condition)}]"

    def _total(self, f: tree.Total) -> str:
        under = "".join(i.name for i in f.indices)
        low = lowered(under)
        if low.startswith("_"):
            low = f"_{','.join(i.name for i in f.indices)}"
        return f"{f.sign}{low} {self.factor(f.term, True, 'scalar')}"

    def _element(self, f: tree.Element) -> str:
        return f"{self.show(f.array, POWER)}[{', '.join(map(self.text, f.at))}]"

    def _cases(self, f: tree.Cases) -> str:
        return f"{{{self.text(f.then)} if {self.text(f.condition)}, else {self.text(f.otherwise)}}}"

    def _call(self, f: tree.Call) -> str:
        if not f.args and not f.notes:
            return f.name
        return f"{f.name}({', '.join((*map(self.text, f.args), *f.notes))})"

    def level(self, formula: Formula) -> int:
        return PRODUCT if isinstance(formula, tree.Fraction) else super().level(formula)


def dim_text(dim: object) -> str:
    text = re.sub(r"_steps\d+", "steps", str(dim))
    return text.replace("*", " ").replace(" - ", " − ") if "**" not in text else text


# --- the whole derivation ------------------------------------------------------------------------


def document(derivation: Derivation) -> str:
    """The derivation as lines of text."""
    printer = Text()
    blocks: list[str] = []
    for title, lines in headings(derivation):
        shown = [line.rstrip() for line in _lines(printer, lines, "  ")]
        if shown or not blocks:
            blocks.append("\n".join((title, *shown)))
    return "\n\n".join(blocks) + "\n"


def _lines(printer: Text, lines: tuple[Line, ...] | tuple[str, ...], indent: str) -> Iterator[str]:
    width = max((len(printer.text(e.left)) for e in lines if isinstance(e, Equation)), default=0)
    for line in lines:
        if isinstance(line, str):
            yield indent + line
        elif isinstance(line, Equation):
            yield from _equation(printer, line, indent, width)
        elif isinstance(line, Branch):
            yield f"{indent}if {printer.text(line.condition)}:"
            yield from _lines(printer, line.then, indent + "    ")
            yield f"{indent}otherwise:"
            yield from _lines(printer, line.otherwise, indent + "    ")
        else:
            yield f"{indent}{_loop_head(printer, line)}:"
            yield from _lines(printer, line.lines, indent + "    ")


def _loop_head(printer: Text, loop: Loop) -> str:
    index, last = loop.index.name, printer.text(last_step(loop))
    steps = f"{last}, …, 0" if loop.reverse else f"0, …, {last}"
    if loop.condition is not None:
        steps = f"0, 1, … while {printer.text(loop.condition)}, at most to {last}"
    return f"for {index} = {steps}"


def _equation(printer: Text, equation: Equation, indent: str, width: int) -> Iterator[str]:
    left = printer.text(equation.left).ljust(min(width, 28))
    text = printer.text(equation.right)
    start = f"{indent}{left} = "
    rows = list(_broken(text, WIDTH - len(start)))
    yield start + rows[0]
    for row in rows[1:]:
        yield " " * (len(start) + 2) + row


def _broken(text: str, width: int) -> Iterator[str]:
    """The text in rows, broken before operators; the fewest brackets are torn apart."""
    while len(text) > width:
        depth, best = 0, (99, 0)
        for k, char in enumerate(text[:width]):
            depth += (char in "([{") - (char in ")]}")
            if text[k : k + 3] in (" + ", " − ", " ⊙ ", " · ", " / ") and k > 8:
                best = min(best, (depth, -k))
        if best[0] == 99:
            space = text.rfind(" ", 9, width)
            best = (0, -space) if space > 0 else (0, -width)
        yield text[: -best[1]]
        text = text[-best[1] :].strip()
    yield text
