"""Formulas for a terminal, in Unicode.

>>> from .tree import Power, Number, Symbol, Sum
>>> Text().text(Sum((Symbol("W1", "derivative", "L"), Power(Symbol("x"), Number(2.0))), (False, True)))
'∂L/∂W1 − x²'
"""

from __future__ import annotations

from collections.abc import Iterator

from . import tree
from .lines import Branch, Derivation, Line, Loop
from .notes import headings, last_step
from .printer import ATOM, POWER, PRODUCT, Printer, dim_text, number_text, powers
from .tree import Equation, Formula

WIDTH = 79
BREAKS = {
    " + ": 0,
    " − ": 0,
    " ⊙ ": 2,
    " / ": 3,
    ", ": 1,
    " if ": 4,
    " else ": 4,
    " and ": 2,
    " Σ": 2,
    " ": 5,
}
TIED = "\u00a0"  # a space that no row ends at
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

    def _partial(self, f: tree.Partial) -> str:
        order = raised(str(len(f.by))) if len(f.by) > 1 else ""
        below = [f"∂{name}{raised(str(n)) if n > 1 else ''}" for name, n in powers(map(self.text, f.by))]
        return f"∂{order}{self.text(f.of)}/{''.join(below)}"

    def _sum(self, f: tree.Sum) -> str:
        parts = []
        for k, (term, minus) in enumerate(zip(f.terms, f.minus)):
            sign = ("−" if minus else "") if k == 0 else (" − " if minus else " + ")
            parts.append(sign + self.term(term, minus))
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
        return f" {f.word} ".join(self.chains(f))

    def _indicator(self, f: tree.Indicator) -> str:
        return f"1[{self.text(f.condition)}]"

    def _total(self, f: tree.Total) -> str:
        if f.condition is not None:
            return f"{f.sign}_({self._under(f)}){TIED}{self.factor(f.term, True, 'scalar')}"
        under = "".join(i.name for i in f.indices)
        low = lowered(under)
        if low.startswith("_"):
            low = f"_{','.join(i.name for i in f.indices)}"
        return f"{f.sign}{low}{TIED}{self.factor(f.term, True, 'scalar')}"

    def _under(self, f: tree.Total) -> str:
        """The condition of a sum; with its indices, unless these are seen."""
        assert f.condition is not None
        condition = self.text(f.condition).replace(" ", TIED).replace(f"{TIED}and{TIED}", " and ")
        return condition if len(f.indices) == 1 else f"{', '.join(i.name for i in f.indices)}: {condition}"

    def _element(self, f: tree.Element) -> str:
        return f"{self.show(f.array, POWER)}[{f',{TIED}'.join(map(self.text, f.at)).replace(' ', TIED)}]"

    def _cases(self, f: tree.Cases) -> str:
        *cases, last = self.cases(f)
        return f"{{{', '.join(cases)}, {last}}}"

    def cases(self, f: tree.Cases) -> list[str]:
        return [
            f"{self.text(value)} if {self.text(condition)}" if condition else f"else {self.text(value)}"
            for value, condition in tree.cases_of(f)
        ]

    def _call(self, f: tree.Call) -> str:
        if not f.args and not f.notes:
            return f.name
        if f.name == "mod":
            return f"{self.show(f.args[0], PRODUCT)} mod {self.show(f.args[1], PRODUCT)}"
        return f"{f.name}({', '.join((*map(self.text, f.args), *f.notes))})"

    def level(self, formula: Formula) -> int:
        special = {tree.Fraction: PRODUCT, tree.Cases: ATOM}
        return special[type(formula)] if type(formula) in special else super().level(formula)


# --- the whole derivation ------------------------------------------------------------------------


def document(derivation: Derivation) -> str:
    """The derivation as lines of text."""
    printer = Text()
    blocks: list[str] = []
    for title, lines in headings(derivation):
        shown = [line.rstrip().replace(TIED, " ") for line in _lines(printer, lines, "  ")]
        if shown or not blocks:
            blocks.append("\n".join((*_broken(title, WIDTH), *shown)))
    return "\n\n".join(blocks) + "\n"


def _lines(printer: Text, lines: tuple[Line, ...] | tuple[str, ...], indent: str) -> Iterator[str]:
    width = max((len(printer.text(e.left)) for e in lines if isinstance(e, Equation)), default=0)
    for line in lines:
        if isinstance(line, str):
            yield from (indent + row for row in _broken(line, WIDTH - len(indent)))
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
    left = printer.text(equation.left).ljust(min(width, 32))
    text = printer.text(equation.right)
    start = f"{indent}{left} = "
    room = WIDTH - len(start)
    if isinstance(equation.right, tree.Cases) and len(text) > room:
        rows = [row for case in printer.cases(equation.right) for row in _case(case, room)]
    else:
        first, *more = _broken(text, room - 2)
        rows = [first, *(f"  {row}" for row in more)]
    for row in rows:
        yield start + row
        start = " " * len(start)


def _case(text: str, room: int) -> Iterator[str]:
    """A row of its own for each case, or several."""
    first, *more = _broken(text, room - 6)
    yield f"{{ {first}"
    yield from (f"{{     {row}" for row in more)


def _broken(text: str, width: int) -> Iterator[str]:
    """The text in rows, broken where that hurts least: outside of brackets, never within indices."""
    while len(text) > width:
        _, place = min(_breaks(text, width), default=(0.0, len(text)))
        yield text[:place]
        text = text[place:].strip()
    if text:
        yield text


def _breaks(text: str, width: int) -> Iterator[tuple[float, int]]:
    """Where a row may end, with what that costs: brackets torn apart, products torn apart, room left."""
    open_: list[str] = []
    for k, char in enumerate(text):
        if char in "([{":
            open_.append(char)
        elif char in ")]}" and open_:
            open_.pop()
        cost = next((c for sign, c in BREAKS.items() if text.startswith(sign, k)), None)
        if cost is None or k < 9:
            continue
        if k > width:
            cost += 1000 * k
        yield cost + 3 * len(open_) + 100 * ("[" in open_) + 4 * (width - k) / width, k + (char == ",")
