r"""Formulas for LaTeX, with amsmath's align*.

>>> from .tree import Fraction, Number, Power, Product, Symbol
>>> Latex().text(Fraction(Power(Symbol("x1"), Number(2.0)), Symbol("sigma")))
'\\frac{x_{1}^{2}}{\\sigma}'
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import tree
from .lines import Branch, Derivation, Line, Loop
from .names import latex_name
from .notes import headings, last_step
from .printer import ATOM, POWER, PRODUCT, Printer, number_text, positive_first, powers
from .tree import Equation, Formula

OPERATORS = {
    "Σ": r"\sum", "∏": r"\prod", "max": r"\max", "min": r"\min",
    "argmax": r"\operatorname*{arg\,max}", "argmin": r"\operatorname*{arg\,min}",
}  # fmt: skip
SIZES = {"*": r" \, ", "%": r" \bmod ", "//": r" \mathbin{/\!/} ", "max": r"\max", "min": r"\min"}
SIGNS = {"≤": r"\leq", "≥": r"\geq", "≠": r"\neq"}
BETWEEN = {"|": r"\lvert", "‖": r"\lVert", "⌊": r"\lfloor", "⌈": r"\lceil"}
CLOSING = {"|": r"\rvert", "‖": r"\rVert", "⌋": r"\rfloor", "⌉": r"\rceil"}
FUNCTIONS = frozenset(
    [
        "exp",
        "log",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "arcsin",
        "arccos",
        "arctan",
        "det",
        "max",
        "min",
    ]
)
SPECIAL = {
    "σ": r"\sigma", "ψ": r"\psi", "Φ": r"\Phi", "log σ": r"\log\sigma", "log Γ": r"\log\Gamma",
    "log B": r"\log\mathrm{B}", "log softmax": r"\log\mathrm{softmax}", "I": "I", "log₂": r"\log_2",
    "log₁₀": r"\log_{10}", "log erfc": r"\log\mathrm{erfc}",
}  # fmt: skip
LONG = 110  # characters of LaTeX in a row, without commands


class Latex(Printer):
    def bracketed(self, text: str) -> str:
        return rf"\left({text}\right)"

    def _number(self, f: tree.Number) -> str:
        text = number_text(f.value).replace("−", "-").replace("π", r"\pi").replace("∞", r"\infty")
        text = text.replace("½", r"\tfrac{1}{2}").replace("NaN", r"\mathrm{NaN}")
        mantissa, e, exponent = text.partition("e")
        if not e or not exponent.lstrip("+-").isdigit():
            return text
        power = rf"10^{{{int(exponent)}}}"
        return power if mantissa == "1" else rf"{mantissa} \cdot {power}"

    def _size(self, f: tree.Size) -> str:
        text = re.sub(r"\*\*(\d+)", r"^{\1}", positive_first(re.sub(r"_steps\d+", "tau", str(f.dim))))
        return re.sub(r"[A-Za-z]\w*|//|[*%]", lambda m: SIZES.get(m[0]) or latex_name(m[0]), text)

    def _index(self, f: tree.Index) -> str:
        return latex_name(f.name)

    def _merged(self, f: tree.Merged) -> str:
        return f"({','.join(map(self.text, f.indices))})"

    def _symbol(self, f: tree.Symbol) -> str:
        name = latex_name(f.name)
        head = {"value": name, "adjoint": rf"\delta_{{{name}}}"}.get(f.role)
        if head is None:
            return rf"\frac{{\partial {latex_name(f.of)}}}{{\partial {name}}}"
        if not f.steps:
            return head
        plain = head.removesuffix("^{*}").rstrip("'")
        suffix = head[len(plain) :]
        marks = r"\prime " * suffix.count("'") + "*" * suffix.count("*")
        return f"{plain}^{{{marks}({','.join(map(self.text, f.steps))})}}"

    def _partial(self, f: tree.Partial) -> str:
        order = f"^{len(f.by)}" if len(f.by) > 1 else ""
        below = (rf"\partial {self._raised(name, n)}" for name, n in powers(map(self.text, f.by)))
        return rf"\frac{{\partial{order} {self.text(f.of)}}}{{{' '.join(below)}}}"

    @staticmethod
    def _raised(name: str, power: int) -> str:
        return name if power == 1 else f"{{{name}}}^{power}"

    def _sum(self, f: tree.Sum) -> str:
        return " ".join(self.terms(f))

    def terms(self, f: tree.Sum) -> list[str]:
        """The terms with their signs."""
        parts = []
        for k, (term, minus) in enumerate(zip(f.terms, f.minus)):
            sign = ("-" if minus else "") if k == 0 else ("- " if minus else "+ ")
            parts.append(sign + self.term(term, minus))
        return parts

    def _product(self, f: tree.Product) -> str:
        last = len(f.factors) - 1
        shown = [self.factor(part, k == last, f.way) for k, part in enumerate(f.factors)]
        sign = {"scalar": r" \, ", "matrix": r" \, ", "each": r" \odot "}[f.way]
        result = shown[0]
        for before, text in zip(f.factors, shown[1:]):
            dot = f.way == "scalar" and isinstance(before, tree.Number) and text[:1].isdigit()
            result += (r" \cdot " if dot else sign) + text
        return result

    def _fraction(self, f: tree.Fraction) -> str:
        return rf"\frac{{{self.text(f.top)}}}{{{self.text(f.bottom)}}}"

    def _power(self, f: tree.Power) -> str:
        level = ATOM if not isinstance(f.base, (tree.Element, tree.Symbol)) else POWER
        return f"{self._braced(f.base, level)}^{{{self.text(f.exponent)}}}"

    def _braced(self, base: Formula, level: int) -> str:
        """A base that may have an exponent (a step) already."""
        text = self.show(base, level)
        return f"{{{text}}}" if "^" in text else text

    def _root(self, f: tree.Root) -> str:
        return rf"\sqrt{{{self.text(f.radicand)}}}"

    def _between(self, f: tree.Between) -> str:
        return rf"\left{BETWEEN[f.left]} {self.text(f.inner)} \right{CLOSING[f.right]}"

    def _transpose(self, f: tree.Transpose) -> str:
        return rf"{self._braced(f.matrix, ATOM)}^{{\top}}"

    def _inverse(self, f: tree.Inverse) -> str:
        exponent = r"-\top" if f.transposed else "-1"
        return f"{self._braced(f.matrix, ATOM)}^{{{exponent}}}"

    def _relation(self, f: tree.Relation) -> str:
        return f"{self.text(f.left)} {SIGNS.get(f.sign, f.sign)} {self.text(f.right)}"

    def _logic(self, f: tree.Logic) -> str:
        if f.word == "not":
            return rf"\lnot {self.bracketed(self.text(f.conditions[0]))}"
        sign = {"and": r" \land ", "or": r" \lor "}[f.word]
        return sign.join(self.chains(f))

    def _indicator(self, f: tree.Indicator) -> str:
        return rf"\mathbf{{1}}\left[{self.text(f.condition)}\right]"

    def _total(self, f: tree.Total) -> str:
        under = ",".join(i.name for i in f.indices)
        if f.condition is not None:
            under = self.text(f.condition) if len(f.indices) == 1 else f"{under}: {self.text(f.condition)}"
        return rf"{OPERATORS[f.sign]}_{{{under}}} {self.factor(f.term, True, 'scalar')}"

    def _element(self, f: tree.Element) -> str:
        array = self.show(f.array, POWER)
        simple = isinstance(f.array, tree.Symbol) and f.array.role != "derivative"
        if not simple or "_" in array:
            array = rf"\left[{self.text(f.array)}\right]"
        return f"{array}_{{{','.join(map(self.text, f.at))}}}"

    def _cases(self, f: tree.Cases) -> str:
        *cases, (last, _) = tree.cases_of(f)
        rows = [rf"{self.text(then)} & \text{{if }} {self.text(c)} \\ " for then, c in cases if c]
        return rf"\begin{{cases}} {''.join(rows)}{self.text(last)} & \text{{otherwise}} \end{{cases}}"

    def _call(self, f: tree.Call) -> str:
        if f.name.startswith("["):
            return f.name
        name = SPECIAL.get(f.name) or (f"\\{f.name}" if f.name in FUNCTIONS else _upright(f.name))
        if not f.args and not f.notes:
            return name
        if f.name == "mod":
            return rf"{self.show(f.args[0], PRODUCT)} \bmod {self.show(f.args[1], PRODUCT)}"
        notes = [rf"\text{{{_escaped(note)}}}" for note in f.notes]
        return rf"{name}\left({', '.join((*map(self.text, f.args), *notes))}\right)"


def _upright(name: str) -> str:
    return rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}"


def _escaped(text: str) -> str:
    return re.sub(r"([_%#&{}$])", r"\\\1", text)


# --- the whole derivation ------------------------------------------------------------------------


def document(derivation: Derivation) -> str:
    """The derivation as text between align* blocks."""
    printer = Latex()
    blocks = []
    for title, lines in headings(derivation):
        texts = [line for line in lines if isinstance(line, str)]
        rows = list(_rows(printer, [line for line in lines if not isinstance(line, str)], ""))
        if texts:
            blocks.append("\n".join((f"% {title}", *(f"% {text}".rstrip() for text in texts))))
        elif rows:
            body = " \\\\\n".join(f"  {row}" for row in rows)
            blocks.append(f"% {title}\n\\begin{{align*}}\n{body}\n\\end{{align*}}")
        elif not blocks:
            blocks.append(f"% {title}")
    return "\n\n".join(blocks) + "\n"


def _rows(printer: Latex, lines: list[Line] | tuple[Line, ...], indent: str) -> Iterator[str]:
    inner = indent + r"\quad "
    for line in lines:
        if isinstance(line, Equation):
            yield from _equation(printer, line, indent)
        elif isinstance(line, Branch):
            yield rf"&{indent}\text{{if }} {printer.text(line.condition)}\text{{:}}"
            yield from _rows(printer, line.then, inner)
            yield rf"&{indent}\text{{otherwise:}}"
            yield from _rows(printer, line.otherwise, inner)
        else:
            yield f"&{indent}{_loop_head(printer, line)}"
            yield from _rows(printer, line.lines, inner)


def _loop_head(printer: Latex, loop: Loop) -> str:
    index, last = latex_name(loop.index.name), printer.text(last_step(loop))
    if loop.condition is not None:
        steps = rf"0, 1, \dots \text{{ while }} {printer.text(loop.condition)}, \text{{ at most to }} {last}"
    else:
        steps = rf"{last}, \dots, 0" if loop.reverse else rf"0, \dots, {last}"
    return rf"\text{{for }} {index} = {steps}\text{{:}}"


def _equation(printer: Latex, equation: Equation, indent: str) -> Iterator[str]:
    """A row, or several where the terms of a sum fill more than one."""
    left = f"&{indent}{printer.text(equation.left)} =" if indent else f"{printer.text(equation.left)} &="
    right = equation.right
    terms = printer.terms(right) if isinstance(right, tree.Sum) else [printer.text(right)]
    row = left
    for term in terms:
        if row != left and _width(row) + _width(term) > LONG:
            yield row
            row = rf"&\quad{indent}"
        row += f" {term}"
    yield row


def _width(text: str) -> int:
    return len(re.sub(r"\\[A-Za-z]+|[{}^_&]", "", text))
