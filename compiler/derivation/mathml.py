"""Formulas as MathML Core, which browsers render without any library.

>>> from .tree import Number, Power, Symbol
>>> Mathml().text(Power(Symbol("x"), Number(2.0)))
'<msup><mi>x</mi><mn>2</mn></msup>'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

from . import tree
from .lines import Branch, Derivation, Line, Loop
from .names import ACCENTS, GREEK, parsed
from .notes import headings, last_step
from .printer import ATOM, PRODUCT, Printer, dim_text, number_text, powers
from .tree import Equation

SPACE = '<mspace width="0.2em"/>'
STYLE = (
    "math mtd { padding: 0.25em 0.15em; text-align: left; math-style: normal } "
    "math mtd.left { text-align: right }"
)


def mi(text: str) -> str:
    """An identifier: a letter in italics, a word upright."""
    letter = GREEK.get(text, text)
    if letter.isdigit():
        return f"<mn>{letter}</mn>"
    return f"<mi>{escape(letter)}</mi>"


def mo(text: str) -> str:
    if text in "()[]":
        return f'<mo stretchy="false">{text}</mo>'
    return f"<mo>{escape(text)}</mo>"


def row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def joined(parts: Iterable[str], sign: str = ",") -> str:
    return mo(sign).join(parts)


def name_markup(text: str) -> str:
    name = parsed(text)
    base = mi(name.base)
    if name.accent:
        base = f"<mover>{base}{mo(ACCENTS[name.accent])}</mover>"
    if name.indices:
        base = f"<msub>{base}{row(joined(map(mi, name.indices)))}</msub>"
    marks = "*" * name.stars + "′" * name.primes
    return f"<msup>{base}{mo(marks)}</msup>" if marks else base


class Mathml(Printer):
    def bracketed(self, text: str) -> str:
        return row(mo("("), text, mo(")"))

    def _number(self, f: tree.Number) -> str:
        text = number_text(f.value)
        mantissa, e, exponent = text.partition("e")
        if not e or not exponent.lstrip("−+").isdigit():
            return f"<mn>{text}</mn>"
        power = f"<msup><mn>10</mn><mn>{exponent.lstrip('+')}</mn></msup>"
        return power if mantissa == "1" else row(f"<mn>{mantissa}</mn>", mo("·"), power)

    def _size(self, f: tree.Size) -> str:
        words = re.findall(r"\w+|\S", dim_text(f.dim))
        marks = [mi(w) if w[0].isalnum() else mo(w) for w in words]
        spaced = [
            (SPACE if k and w[0].isalnum() and words[k - 1][0].isalnum() else "") + mark
            for k, (w, mark) in enumerate(zip(words, marks))
        ]
        return row(*spaced) if len(spaced) > 1 else spaced[0]

    def _index(self, f: tree.Index) -> str:
        return mi(f.name)

    def _merged(self, f: tree.Merged) -> str:
        return row(mo("("), joined(map(self.text, f.indices)), mo(")"))

    def _symbol(self, f: tree.Symbol) -> str:
        name = name_markup(f.name)
        if f.role == "derivative":
            return f"<mfrac>{row(mo('∂'), name_markup(f.of))}{row(mo('∂'), name)}</mfrac>"
        head = f"<msub><mi>δ</mi>{name}</msub>" if f.role == "adjoint" else name
        return f"<msup>{head}{self._steps(f)}</msup>" if f.steps else head

    def _partial(self, f: tree.Partial) -> str:
        sign = mo("∂") if len(f.by) == 1 else f"<msup>{mo('∂')}<mn>{len(f.by)}</mn></msup>"
        below = [
            mo("∂") + (f"<msup>{name}<mn>{n}</mn></msup>" if n > 1 else name)
            for name, n in powers(map(self.text, f.by))
        ]
        return f"<mfrac>{row(sign, self.text(f.of))}{row(*below)}</mfrac>"

    def _steps(self, f: tree.Symbol) -> str:
        return row(mo("("), joined(map(self.text, f.steps)), mo(")"))

    def _sum(self, f: tree.Sum) -> str:
        parts = []
        for k, (term, minus) in enumerate(zip(f.terms, f.minus)):
            parts.append(mo("−") if minus else mo("+") if k else "")
            parts.append(self.term(term, minus))
        return row(*parts)

    def _product(self, f: tree.Product) -> str:
        last = len(f.factors) - 1
        shown = [self.factor(part, k == last, f.way) for k, part in enumerate(f.factors)]
        result = [shown[0]]
        for before, text in zip(f.factors, shown[1:]):
            dot = f.way == "scalar" and isinstance(before, tree.Number) and "<mn>" in text[:12]
            result += [mo("⊙") if f.way == "each" else mo("·") if dot else SPACE, text]
        return row(*result)

    def _fraction(self, f: tree.Fraction) -> str:
        return f"<mfrac>{row(self.text(f.top))}{row(self.text(f.bottom))}</mfrac>"

    def _power(self, f: tree.Power) -> str:
        return f"<msup>{self.show(f.base, ATOM)}{self.text(f.exponent)}</msup>"

    def _root(self, f: tree.Root) -> str:
        return f"<msqrt>{self.text(f.radicand)}</msqrt>"

    def _between(self, f: tree.Between) -> str:
        return row(mo(f.left), self.text(f.inner), mo(f.right))

    def _transpose(self, f: tree.Transpose) -> str:
        return f"<msup>{self.show(f.matrix, ATOM)}{mo('⊤')}</msup>"

    def _inverse(self, f: tree.Inverse) -> str:
        one = mo("⊤") if f.transposed else "<mn>1</mn>"
        return f"<msup>{self.show(f.matrix, ATOM)}{row(mo('−'), one)}</msup>"

    def _relation(self, f: tree.Relation) -> str:
        return row(self.text(f.left), mo(f.sign), self.text(f.right))

    def _logic(self, f: tree.Logic) -> str:
        if f.word == "not":
            return row(mo("¬"), self.bracketed(self.text(f.conditions[0])))
        return row(joined(self.chains(f), "∧" if f.word == "and" else "∨"))

    def tail(self, relation: str, left: str) -> str:
        return relation.removeprefix("<mrow>").removeprefix(left).removesuffix("</mrow>")

    def _indicator(self, f: tree.Indicator) -> str:
        return row('<mn style="font-weight: bold">1</mn>', mo("["), self.text(f.condition), mo("]"))

    def _total(self, f: tree.Total) -> str:
        sign = {"Σ": "∑"}.get(f.sign, f.sign)
        under = row(joined(mi(i.name) for i in f.indices))
        if f.condition is not None:
            shown = self.text(f.condition)
            under = shown if len(f.indices) == 1 else row(under, mo(":"), shown)
        return row(f"<munder>{mo(sign)}{under}</munder>", self.factor(f.term, True, "scalar"))

    def _element(self, f: tree.Element) -> str:
        at = row(joined(map(self.text, f.at)))
        array = f.array
        if isinstance(array, tree.Symbol) and array.role == "value" and not parsed(array.name).indices:
            if array.steps:
                return f"<msubsup>{name_markup(array.name)}{at}{self._steps(array)}</msubsup>"
            return f"<msub>{name_markup(array.name)}{at}</msub>"
        return f"<msub>{row(mo('['), self.text(array), mo(']'))}{at}</msub>"

    def _cases(self, f: tree.Cases) -> str:
        rows = [
            (self.text(formula), row("<mtext>if\u00a0</mtext>", self.text(condition)))
            if condition
            else (self.text(formula), "<mtext>otherwise</mtext>")
            for formula, condition in tree.cases_of(f)
        ]
        body = "".join(f"<mtr><mtd>{a}</mtd><mtd>{b}</mtd></mtr>" for a, b in rows)
        return row(mo("{"), f"<mtable>{body}</mtable>")

    def _call(self, f: tree.Call) -> str:
        if f.name == "mod":
            return row(self.show(f.args[0], PRODUCT), mo("mod"), self.show(f.args[1], PRODUCT))
        name = mi(f.name)
        if not f.args and not f.notes:
            return name
        args = (*map(self.text, f.args), *(f"<mtext>{escape(note)}</mtext>" for note in f.notes))
        return row(name, mo("\u2061"), self.bracketed(row(joined(args))))


# --- the whole derivation ------------------------------------------------------------------------


def document(derivation: Derivation) -> str:
    """A fragment of HTML: headings, and a table of equations under each."""
    printer = Mathml()
    parts = [f"<style>{STYLE}</style>"]
    for title, lines in headings(derivation):
        if not lines and len(parts) > 1:
            continue
        parts.append(f"<h3>{escape(title)}</h3>")
        equations = [line for line in lines if not isinstance(line, str)]
        parts.extend(f"<p>{_prose(line)}</p>" for line in lines if isinstance(line, str) and line)
        if equations:
            rows = "\n".join(_rows(printer, equations, 0))
            parts.append(f'<math display="block"><mtable>\n{rows}\n</mtable></math>')
    return "\n".join(parts) + "\n"


def _prose(text: str) -> str:
    """A line of the legend, with its exponents raised and its indices lowered."""
    raised = re.sub(r"\^(?:(\w+)|\(([^)]*)\))", r"<sup>\1\2</sup>", escape(text))
    return re.sub(r"δ_(\w+)", r"δ<sub>\1</sub>", raised)


def _rows(printer: Mathml, lines: Iterable[Line], depth: int) -> Iterator[str]:
    for line in lines:
        if isinstance(line, Equation):
            yield _cells(_indented(printer.text(line.left), depth), mo("="), printer.text(line.right))
        elif isinstance(line, Branch):
            yield _wide(row("<mtext>if\u00a0</mtext>", printer.text(line.condition), mo(":")), depth)
            yield from _rows(printer, line.then, depth + 1)
            yield _wide("<mtext>otherwise:</mtext>", depth)
            yield from _rows(printer, line.otherwise, depth + 1)
        else:
            yield _wide(_loop_head(printer, line), depth)
            yield from _rows(printer, line.lines, depth + 1)


def _cells(left: str, sign: str, right: str) -> str:
    return f'<mtr><mtd class="left">{left}</mtd><mtd>{sign}</mtd><mtd>{right}</mtd></mtr>'


def _wide(text: str, depth: int) -> str:
    return f'<mtr><mtd columnspan="3">{_indented(text, depth)}</mtd></mtr>'


def _indented(text: str, depth: int) -> str:
    return row(f'<mspace width="{2 * depth}em"/>', text) if depth else text


def _loop_head(printer: Mathml, loop: Loop) -> str:
    last = printer.text(last_step(loop))
    start = row("<mtext>for\u00a0</mtext>", mi(loop.index.name), mo("="))
    dots = mo("…")
    if loop.condition is not None:
        steps = row("<mn>0</mn>", mo(","), "<mn>1</mn>", mo(","), dots, "<mtext>\u00a0while\u00a0</mtext>")
        return row(
            start, steps, printer.text(loop.condition), "<mtext>, at most to\u00a0</mtext>", last, mo(":")
        )
    first, end = (last, "<mn>0</mn>") if loop.reverse else ("<mn>0</mn>", last)
    return row(start, joined((first, dots, end)), mo(":"))
