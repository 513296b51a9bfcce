"""Types of values: a kind and a shape of symbolic dims.

A `Dim` is an integer expression of the model's dims in a canonical form (a polynomial with integer
coefficients), so that equal expressions compare equal:

>>> N = Dim.symbol("N")
>>> (N - 1) + 1 == N, str(4 * N - 1), ((4 * N) // 4) == N
(True, '4*N - 1', True)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Literal, Union

from autodiffc.grammar.records import record

Kind = Literal["real", "int", "bool", "tuple"]
KIND_ORDER: dict[str, int] = {"bool": 0, "int": 1, "real": 2}
TUPLE: Kind = "tuple"
WRITTEN: tuple[Kind, ...] = ("real", "int", "bool")


def kind_called(name: str) -> Kind | None:
    """The kind that a model, or a graph's text, writes so."""
    return next((kind for kind in WRITTEN if kind == name), None)


@record(frozen=True)
class Opaque:
    """A part of a dim that is not a polynomial: `//`, `%`, `max`, `min` of dims."""

    op: str
    args: tuple[Dim, ...]

    @cached_property
    def is_natural(self) -> bool:
        """Whether it is seen not to be negative."""
        return (any if self.op == "max" else all)(arg.is_natural for arg in self.args)

    @cached_property
    def weight(self) -> int:
        """How many dims it is written with."""
        return sum(map(_weight, (m for arg in self.args for m, _ in arg.terms)), 1)

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:  # asked for again and again, as what dims are sorted by
        if self.op in ("//", "%"):
            return f"{_factor(self.args[0])}{self.op}{_factor(self.args[1])}"
        return f"{self.op}({', '.join(map(str, self.args))})"


Atom = Union[str, Opaque]
Monomial = tuple[Atom, ...]


LARGEST_WEIGHT = 2_000  # `n = n*n` or `n = max(n, n*A)` a few dozen times is no size of an array


def _weight(monomial: Monomial) -> int:
    return sum(1 if isinstance(atom, str) else atom.weight for atom in monomial)


def _factor(dim: Dim) -> str:
    text = str(dim)
    return text if text.isidentifier() or text.isdigit() else f"({text})"


@record(frozen=True)
class Dim:
    """A polynomial: pairs of a monomial (sorted atoms) and its coefficient, sorted, none zero."""

    terms: tuple[tuple[Monomial, int], ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.terms)

    @staticmethod
    def symbol(name: str) -> Dim:
        return Dim((((name,), 1),))

    @staticmethod
    def of(value: int | Dim) -> Dim:
        if isinstance(value, Dim):
            return value
        return Dim((((), int(value)),)) if value else Dim(())

    @staticmethod
    def _collect(pairs: list[tuple[Monomial, int]]) -> Dim:
        total: dict[Monomial, int] = {}
        for monomial, coefficient in pairs:
            total[monomial] = total.get(monomial, 0) + coefficient
        kept = [(m, c) for m, c in total.items() if c]
        _refuse_heavy(sum(_weight(m) + 1 for m, _ in kept))
        return Dim(tuple(sorted(kept, key=lambda mc: (-len(mc[0]), tuple(map(str, mc[0]))))))

    @property
    def known(self) -> int | None:
        """The value, where it is a number."""
        if not self.terms:
            return 0
        monomial, coefficient = self.terms[0]
        return coefficient if len(self.terms) == 1 and not monomial else None

    @property
    def is_remainder(self) -> bool:
        """Whether it is `a % b` and nothing else."""
        match self.terms:
            case (((Opaque(op="%"),), 1),):
                return True
        return False

    @property
    def is_natural(self) -> bool:
        """Whether it is seen not to be negative, as the dims that it is made of are not."""
        atoms = (atom for monomial, _ in self.terms for atom in monomial)
        return all(c > 0 for _, c in self.terms) and all(isinstance(a, str) or a.is_natural for a in atoms)

    @property
    def symbols(self) -> frozenset[str]:
        """The names of the dims that it is made of."""
        names: set[str] = set()
        for atom in (atom for monomial, _ in self.terms for atom in monomial):
            if isinstance(atom, str):
                names.add(atom)
            else:
                names.update(*(arg.symbols for arg in atom.args))
        return frozenset(names)

    def __add__(self, other: int | Dim) -> Dim:
        return Dim._collect([*self.terms, *Dim.of(other).terms])

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return Dim(tuple((m, -c) for m, c in self.terms))

    def __sub__(self, other: int | Dim) -> Dim:
        return self + -Dim.of(other)

    def __rsub__(self, other: int | Dim) -> Dim:
        return Dim.of(other) - self

    def __mul__(self, other: int | Dim) -> Dim:
        _refuse_heavy(len(self.terms) * len(Dim.of(other).terms) // 10)
        pairs = [
            (tuple(sorted(m1 + m2, key=str)), c1 * c2)
            for m1, c1 in self.terms
            for m2, c2 in Dim.of(other).terms
        ]
        return Dim._collect(pairs)

    __rmul__ = __mul__

    def __floordiv__(self, other: int | Dim) -> Dim:
        divisor = Dim.of(other)
        if divisor.known:
            if self.known is not None:
                return Dim.of(self.known // divisor.known)
            if all(c % divisor.known == 0 for _, c in self.terms):
                return Dim(tuple((m, c // divisor.known) for m, c in self.terms))
        exact = self._quotient(divisor)
        if exact is not None:
            return exact
        common = self._common_atoms(divisor)
        return Dim._opaque("//", *(d._quotient(common) or d for d in (self, divisor)))

    def _common_atoms(self, other: Dim) -> Dim:
        """The product of the atoms that every term of both has: in (B*E)//(B*H), B."""
        monomials = [list(monomial) for monomial, _ in self.terms + other.terms]
        common: Monomial = ()
        for atom in monomials[0] if monomials else ():
            if all(atom in rest for rest in monomials[1:]):
                common = (*common, atom)
                for rest in monomials[1:]:
                    rest.remove(atom)
        return Dim(((common, 1),))

    def _quotient(self, divisor: Dim) -> Dim | None:
        """The exact quotient by a divisor of one term, where there is one (`(B*H)//H` is B)."""
        if len(divisor.terms) != 1:
            return Dim.of(1) if self == divisor and self.terms else None
        atoms, factor = divisor.terms[0]
        pairs = []
        for monomial, coefficient in self.terms:
            rest = list(monomial)
            for atom in atoms:
                if atom not in rest:
                    return None
                rest.remove(atom)
            if coefficient % factor:
                return None
            pairs.append((tuple(rest), coefficient // factor))
        return Dim._collect(pairs)

    def multiplied_out(self) -> tuple[Dim, tuple[tuple[Dim, Dim], ...]]:
        """With `(a//b)*b` as a; and the pairs (a, b) that this takes to divide exactly."""
        found: dict[tuple[Dim, Dim], None] = {}
        total = Dim.of(0)
        for monomial, coefficient in self.terms:
            product = Dim(((monomial, coefficient),))
            for atom in monomial:
                if isinstance(atom, Opaque) and atom.op == "//":
                    whole = (product * atom.args[0])._quotient(Dim((((atom,), 1),)) * atom.args[1])
                    if whole is not None:
                        product = whole
                        found[atom.args[0], atom.args[1]] = None
            total = total + product
        return total, tuple(found)

    def __mod__(self, other: int | Dim) -> Dim:
        divisor = Dim.of(other)
        if divisor.known and self.known is not None:
            return Dim.of(self.known % divisor.known)
        if divisor.known and all(c % divisor.known == 0 for _, c in self.terms):
            return Dim.of(0)
        return Dim._opaque("%", self, divisor)

    def maximum(self, other: int | Dim) -> Dim:
        return self._extreme("max", Dim.of(other))

    def minimum(self, other: int | Dim) -> Dim:
        return self._extreme("min", Dim.of(other))

    def _extreme(self, op: str, other: Dim) -> Dim:
        gap = (self - other).known
        if gap is not None:
            return self if (gap >= 0) == (op == "max") else other
        return Dim._opaque(op, self, other)

    @staticmethod
    def _opaque(op: str, *args: Dim) -> Dim:
        _refuse_heavy(Opaque(op, args).weight)
        return Dim((((Opaque(op, args),), 1),))

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The number it comes to; KeyError for a dim without a size, ZeroDivisionError for `// 0`."""
        total = 0
        for monomial, coefficient in self.terms:
            for atom in monomial:
                coefficient *= sizes[atom] if isinstance(atom, str) else _evaluate_opaque(atom, sizes)
            total += coefficient
        return total

    def substitute(self, values: Mapping[str, Dim]) -> Dim:
        """The same expression with dims replaced by expressions."""
        total = Dim.of(0)
        for monomial, coefficient in self.terms:
            product = Dim.of(coefficient)
            for atom in monomial:
                product = product * (
                    values.get(atom, Dim.symbol(atom)) if isinstance(atom, str) else _substitute(atom, values)
                )
            total = total + product
        return total

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        text = ""
        for monomial, coefficient in self.terms:
            factors = [str(a) if isinstance(a, str) or a.op in ("max", "min") else f"({a})" for a in monomial]
            if len(monomial) == 1 and coefficient == 1 and len(self.terms) == 1:
                return str(monomial[0])
            if abs(coefficient) != 1 or not factors:
                factors.insert(0, str(abs(coefficient)))
            sign = "-" if coefficient < 0 else "+"
            text += (f" {sign} " if text else "-" * (sign == "-")) + "*".join(factors)
        return text


def _evaluate_opaque(atom: Opaque, sizes: Mapping[str, int]) -> int:
    a, b = (arg.evaluate(sizes) for arg in atom.args)
    if atom.op == "//":
        return a // b
    if atom.op == "%":
        return a % b
    return max(a, b) if atom.op == "max" else min(a, b)


def _substitute(atom: Opaque, values: Mapping[str, Dim]) -> Dim:
    a, b = (arg.substitute(values) for arg in atom.args)
    if atom.op == "//":
        return a // b
    if atom.op == "%":
        return a % b
    return a.maximum(b) if atom.op == "max" else a.minimum(b)


Shape = tuple[Dim, ...]


@record(frozen=True)
class Type:
    """What a value is: `real[N, D]`; the results of a loop or a branch are a tuple, `(real[N], int)`."""

    kind: Kind
    shape: Shape = ()
    items: tuple[Type, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.kind, self.shape, self.items))

    @property
    def rank(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        if self.kind == TUPLE:
            return f"({', '.join(map(str, self.items))})"
        return f"{self.kind}{shape_text(self.shape)}" if self.shape else self.kind

    def with_kind(self, kind: Kind) -> Type:
        return Type(kind, self.shape)

    def with_shape(self, shape: Shape) -> Type:
        return Type(self.kind, shape)


REAL, INT, BOOL = Type("real"), Type("int"), Type("bool")


def shape_text(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"


def promote(*kinds: Kind) -> Kind:
    """The widest kind, as NumPy promotes bool → int → real."""
    return "real" if "real" in kinds else max(kinds, key=KIND_ORDER.__getitem__)


class TypeProblem(Exception):
    """What an op cannot accept; `code` is the diagnostic's, the message its label."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def _refuse_heavy(weight: int) -> None:
    if weight > LARGEST_WEIGHT:
        raise TypeProblem("E0212", "a dim of too many terms")


def broadcast(*shapes: Shape) -> Shape:
    """NumPy's broadcasting, for dims known to be 1 or equal; TypeProblem where they are neither."""
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    rank = max(map(len, shapes), default=0)
    result = []
    for position in range(-rank, 0):
        dims = [shape[position] for shape in shapes if -position <= len(shape)]
        wide = [d for d in dims if d.known != 1]
        if any(d != wide[0] for d in wide[1:]):
            other = next(d for d in wide if d != wide[0])
            shown = " and ".join(dict.fromkeys(shape_text(s) for s in shapes if s))
            raise TypeProblem("E0203", f"{shown}: {wide[0]} is not {other}")
        result.append(wide[0] if wide else dims[0])
    return tuple(result)


def size_of(shape: Shape) -> Dim:
    """The number of elements."""
    total = Dim.of(1)
    for dim in shape:
        total = total * dim
    return total


def same_size(a: Shape, b: Shape) -> bool:
    """Whether both have as many elements, where the divisions in them come out whole."""
    return size_of(a).multiplied_out()[0] == size_of(b).multiplied_out()[0]


def divisions(a: Shape, b: Shape) -> tuple[tuple[Dim, Dim], ...]:
    """The pairs (dividend, divisor) that must divide exactly for both to have as many elements."""
    if size_of(a) == size_of(b):
        return ()
    return tuple(dict.fromkeys(size_of(a).multiplied_out()[1] + size_of(b).multiplied_out()[1]))
