"""What is known of the ints that loops count by, so that indices and slices are checked at compile time.

    for t in range(1, T):        t is a symbol with the range 1 … T - 1
        a = x[t - 1]             t - 1 is in 0 … T - 2, which fits x: real[T]
        b = x[t : t + 3]         t + 3 - t is 3: real[3]

An int that no dim gives gets a symbol of its own (`t?1`, no name of a model), so that ints that are computed
from it are dims like any others, as long as they are polynomials.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from autodiffc.grammar.records import record

from ..ir import Literal, Node
from ..types import INT, Dim, Opaque, TypeProblem

_ARITHMETIC = {"add", "sub", "mul", "neg", "floordiv", "mod"}
_MARK = "?"
ONE = Dim.of(1)


@record(frozen=True)
class Range:
    """The least and the greatest value of an int, where known. The loose bounds may lie outside."""

    low: Dim | None = None
    high: Dim | None = None
    loose_low: Dim | None = None
    loose_high: Dim | None = None


@record(frozen=True, eq=False)
class Counter:
    """A loop in progress; a `while` has no variable, and no symbol."""

    symbol: str = ""
    step: Dim = ONE


Ranges = Mapping[str, Range]
NOWHERE = Range()


@dataclass(eq=False)
class Counting:
    """The loops and conditions around what is being evaluated.

    `facts` are dims that are not negative here; `guards` those of them that an `if` on dims gives. `certain`
    tells that each variable takes each value of its range here.
    """

    forms: dict[Node, Dim] = field(default_factory=dict)
    ranges: dict[str, Range] = field(default_factory=dict)
    loops: tuple[Counter, ...] = ()
    branches: tuple[tuple[object, int, int], ...] = ()  # which `if`, which of its branches, in how many loops
    facts: tuple[Dim, ...] = ()
    guards: tuple[Dim, ...] = ()
    certain: bool = True
    serial: int = 0

    def symbol(self, name: str) -> str:
        """A new symbol; the later, the further inside."""
        self.serial += 1
        return f"{name}{_MARK}{self.serial}"

    def form(self, node: Node) -> Dim:
        """An int as an expression of dims and of symbols."""
        stack = [node]
        while stack:
            waiting = [a for a in _parts(stack[-1]) if a not in self.forms]
            if stack[-1] not in self.forms and waiting:
                stack.extend(waiting)
                continue
            current = stack.pop()
            if current not in self.forms:
                self.forms[current] = self._form(current)
        return self.forms[node]

    def _form(self, node: Node) -> Dim:
        try:
            found = _apply(node, [self.forms[a] for a in _parts(node)])
        except (TypeProblem, ZeroDivisionError):
            found = None
        if found is not None:
            return found
        return Dim.symbol(self.symbol("int"))

    # --- ranges ----------------------------------------------------------------------------------

    def lowest(self, form: Dim, loose: bool = False, keep: Collection[str] = ()) -> Dim | None:
        """The least value of a form as a dim; None where that is not known."""
        return extreme(form, self.ranges, False, loose, keep)

    def highest(self, form: Dim, loose: bool = False, keep: Collection[str] = ()) -> Dim | None:
        return extreme(form, self.ranges, True, loose, keep)

    def is_natural(self, form: Dim) -> bool:
        """Whether the form is seen not to be negative here."""
        low = self.lowest(form, loose=True)
        return low is not None and self.follows(low)

    def follows(self, slack: Dim) -> bool:
        """Whether a dim is seen not to be negative here."""
        return is_natural(slack) or any(is_natural(slack - fact) for fact in self.facts)

    def assume(self, facts: list[Dim], from_if: bool = False) -> None:
        """Take in that some forms are not negative here."""
        for fact in facts:
            rest: Dim | None = fact
            while rest is not None and is_moving(rest):
                rest = self._narrow(rest, max(moving(rest), key=_age))
            if rest is not None and rest.known is None:
                self.facts += (rest,)
                self.guards += (rest,) * from_if

    def _narrow(self, fact: Dim, symbol: str) -> Dim | None:
        """From `t - s - 3 >= 0` follows that t begins at s + 3; the result is what follows for s."""
        parts, old = split(fact, symbol), self.ranges.get(symbol, NOWHERE)
        factor = None if parts is None else parts[0].known
        if parts is None or not factor:
            self.certain = False
            return None
        rest = parts[1]
        bound = -(rest // factor) if factor > 0 else rest // -factor
        narrow = _tighter(old.low if factor > 0 else old.high, bound, 1 if factor > 0 else -1)
        opposite = old.high if factor > 0 else old.low
        if narrow is None or opposite is None:
            self.certain = False
        if narrow is bound:
            low, high = (bound, None) if factor > 0 else (None, bound)
            self.ranges[symbol] = Range(
                low or old.low, high or old.high, low or old.loose_low, high or old.loose_high
            )
        return None if opposite is None else factor * opposite + rest

    def exclude(self, form: Dim) -> None:
        """Take in that a form is not 0 here: a bound that it excludes moves by one."""
        symbol = max(moving(form), key=_age, default="")
        parts = split(form, symbol) if symbol else None
        if parts is None or parts[0].known not in (1, -1):
            self.certain &= not symbol
            return
        value = -parts[1] if parts[0].known == 1 else parts[1]
        old = self.ranges.get(symbol, NOWHERE)
        if old.low == value:
            self.ranges[symbol] = replace(old, low=value + 1, loose_low=value + 1)
        elif old.high == value:
            self.ranges[symbol] = replace(old, high=value - 1, loose_high=value - 1)
        self.certain &= old is not NOWHERE

    def suppose(self, condition: Node, value: bool) -> None:
        """Take in that a condition holds, or that it doesn't."""
        waiting = [(condition, value)]
        while waiting:
            part, holds = waiting.pop()
            name, args = part.op.name, part.args
            if name == "logical_not":
                waiting.append((args[0], not holds))
            elif (name == "logical_and") == holds and name in ("logical_and", "logical_or"):
                waiting.extend((arg, holds) for arg in reversed(args))
            elif name in _SIGNS and all(a.type == INT for a in args):
                self._compared(name, holds, self.form(args[0]) - self.form(args[1]))
            else:
                self.certain = False

    def _compared(self, name: str, value: bool, gap: Dim) -> None:
        sign, strict = _SIGNS[name]
        if sign:
            self.assume([sign * gap - strict if value else strict - 1 - sign * gap], from_if=True)
        elif value == (name == "equal"):
            self.assume([gap, -gap], from_if=True)
        else:
            self.exclude(gap)


# The sign with which a difference is not negative where a comparison holds, and 1 where it isn't 0 either.
_SIGNS = {
    "less": (-1, 1), "less_equal": (-1, 0), "greater": (1, 1), "greater_equal": (1, 0),
    "equal": (0, 0), "not_equal": (0, 0),
}  # fmt: skip


def _parts(node: Node) -> tuple[Node, ...]:
    return node.args if node.op.name in _ARITHMETIC and node.type == INT else ()


def _apply(node: Node, args: list[Dim]) -> Dim | None:
    """The form of an op from those of its arguments; None for what is no arithmetic."""
    if node.op.name == "dim":
        return Dim.of(node["dim"])
    if node.op.name == "const" and not isinstance(node["value"], Literal):
        return Dim.of(node["value"])
    if node.op.name not in _ARITHMETIC or node.type != INT:
        return None
    if node.op.name == "neg":
        return -args[0]
    a, b = args
    if node.op.name == "floordiv":
        return a // b
    if node.op.name == "mod":
        return a % b
    return a + b if node.op.name == "add" else a - b if node.op.name == "sub" else a * b


def _tighter(old: Dim | None, new: Dim, sign: int) -> Dim | None:
    """The narrower of two bounds; None where that is not known."""
    if old is None or (sign * (new - old)).is_natural:
        return new
    return old if (sign * (old - new)).is_natural else None


def is_natural(slack: Dim) -> bool:
    """Whether a dim is seen not to be negative; of quotients, that a - c < c*(a//c) <= a."""
    for monomial, coefficient in slack.terms:
        match monomial:
            case (Opaque(op="//", args=(a, c)),) if c.known and c.known > 0:
                rest = slack - Dim(((monomial, coefficient),))
                return is_natural(rest * c + coefficient * (a if coefficient < 0 else a - c + 1))
    return slack.is_natural


def is_moving(form: Dim) -> bool:
    """Whether it changes from step to step, or depends on data."""
    return any(_MARK in symbol for symbol in form.symbols)


def moving(form: Dim) -> frozenset[str]:
    """Its symbols that are no dims."""
    return frozenset(symbol for symbol in form.symbols if _MARK in symbol)


def split(form: Dim, symbol: str) -> tuple[Dim, Dim] | None:
    """Factor and rest of a form that is factor * symbol + rest."""
    factor, rest = Dim.of(0), Dim.of(0)
    for monomial, coefficient in form.terms:
        if symbol in monomial:
            left = list(monomial)
            left.remove(symbol)
            factor = factor + Dim(((tuple(left), coefficient),))
        else:
            rest = rest + Dim(((monomial, coefficient),))
    return None if symbol in factor.symbols | rest.symbols else (factor, rest)


def _age(symbol: str) -> int:
    return int(symbol.rpartition(_MARK)[2])


def extreme(
    form: Dim, ranges: Ranges, upper: bool, loose: bool = False, keep: Collection[str] = ()
) -> Dim | None:
    """The greatest or the least value of a form, innermost symbols first; None where it isn't known."""
    while symbols := moving(form) - set(keep):
        symbol = max(symbols, key=_age)
        parts = split(form, symbol)
        if parts is None:
            return None
        factor, rest = parts
        rising = factor.is_natural
        if not rising and not (-factor).is_natural:
            return None
        range_ = ranges.get(symbol, NOWHERE)
        high, low = (range_.loose_high, range_.loose_low) if loose else (range_.high, range_.low)
        bound = high if rising == upper else low
        if bound is None:
            return None
        form = factor * bound + rest
    return form
