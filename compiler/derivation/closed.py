"""Derivatives of models of scalars in closed form, simplified by SymPy.

    f = (x + y) max(y, z)       ∂f/∂y = max(y, z) + (x + y) 1[y > z]

The adjoints' graph is turned into an expression for each derivative; SymPy is asked for several forms of it,
and the shortest is taken. What the compiler decides at kinks stays: conditions are symbols to SymPy,
and so are functions that have a kink or whose definition would be longer than their name. A model that is too
large, or has arrays or loops, has no closed form here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import isfinite, pi
from typing import Any

from ..ir import Node, const_value
from .algebra import added, quotient, times
from .functions import SAME, elementwise, opposite, power
from .graphs import Derived
from .tree import (
    ONE,
    Call,
    Equation,
    Formula,
    Fraction,
    Indicator,
    Number,
    Partial,
    Root,
    Sum,
    Symbol,
    parts_of,
)

Expression = Any  # SymPy has no types
MOST = 60  # operations up to which SymPy is asked for other forms
LARGEST = 4 * MOST  # operations that are turned into an expression
LONGEST = 50  # parts of a formula that is still read
HIGHEST = 8  # exponents that may be multiplied out
OWN = frozenset(
    [
        "add",
        "sub",
        "mul",
        "div",
        "neg",
        "square",
        "reciprocal",
        "power",
        "sqrt",
        "exp",
        "log",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
    ]
)


def closed(derived: Derived, patience: int = 1) -> tuple[Equation, ...] | None:
    """An equation for each derivative; None where there is no closed form that is short enough.

    `patience` is by how much it may be longer than what is read beside an alternative.
    """
    graph = derived.graph
    if derived.seed is not None or any(node.rank or not _is_scalar(node) for node in graph.nodes()):
        return None
    expressions = _Expressions(derived)
    for node in graph.nodes():
        if expressions.size(node) > patience * LARGEST:
            return None
        expressions.add(node)
    equations = []
    for name, node in graph.outputs[1:]:
        formula = expressions.shortest(node)
        if sum(1 for _ in parts_of(formula)) > patience * LONGEST:
            return None
        equations.append(Equation(_left(derived.target, *name.removeprefix("d_").split()), formula))
    return tuple(equations)


def _left(target: str, *names: str) -> Formula:
    if len(names) == 1:
        return Symbol(names[0], "derivative", of=target)
    return Partial(Symbol(target), tuple(map(Symbol, names)))


def _is_scalar(node: Node) -> bool:
    return node.op.elementwise or node.op.name in ("argument", "const", *SAME)


@dataclass(eq=False)
class _Expressions:
    derived: Derived
    found: dict[Node, Expression] = field(default_factory=dict)
    conditions: dict[Node, Formula] = field(default_factory=dict)
    opaque: dict[Expression, Callable[..., Formula]] = field(default_factory=dict)
    truths: dict[Formula, Expression] = field(default_factory=dict)
    sizes: dict[Node, int] = field(default_factory=dict)

    def size(self, node: Node) -> int:
        """Of a node whose arguments are known."""
        self.sizes[node] = 1 + sum(self.sizes[a] for a in node.args)
        return self.sizes[node]

    def add(self, node: Node) -> None:
        if node.type.kind == "bool" and node.op.name not in ("argument", "const"):
            self.conditions[node] = self._condition(node)
        else:
            self.found[node] = self._expression(node)

    def _expression(self, node: Node) -> Expression:
        import sympy as sp

        args = [self.found.get(a) for a in node.args]
        name = node.op.name
        if name == "argument":
            return self._symbol(node)
        if name == "const":
            return self._number(const_value(node))
        if name in SAME:
            return args[0]
        if name in ("gate", "gate_finite"):
            return args[0] * self._indicator(self.conditions[node.args[1]])
        if name == "where":
            condition = self.conditions[node.args[0]]
            return args[1] * self._indicator(condition) + args[2] * self._indicator(opposite(condition))
        if name in OWN and node.op.sympy is not None:
            return node.op.sympy(sp, *args, **dict(node.attrs))
        return self._function(node, args)

    def _symbol(self, node: Node) -> Expression:
        import sympy as sp

        name = node["name"]
        bounds = [
            b for a in self.derived.program.arguments if a.name == name for b in a.bounds if b.op[0] == ">"
        ]
        positive = any(b.value > 0 or (b.value == 0 and b.op == ">") for b in bounds)
        symbol = sp.Symbol(name, positive=True) if positive else sp.Symbol(name, real=True)
        self.opaque[symbol] = lambda: Symbol(name)
        return symbol

    def _number(self, value: Any) -> Expression:
        import sympy as sp

        if value == pi:
            return sp.pi
        if isfinite(value) and (8 * value == int(8 * value)) and abs(value) < 1e9:
            return sp.Rational(int(8 * value), 8)
        symbol = sp.Dummy(str(value), real=True)
        self.opaque[symbol] = lambda: Number(float(value))
        return symbol

    def _function(self, node: Node, args: list[Expression]) -> Expression:
        """A function that SymPy is not to look into."""
        import sympy as sp

        if node.op.name == "abs" and args[0].is_nonnegative:
            return args[0]
        attrs = "".join(f" {key}={value}" for key, value in node.attrs)
        known = sp.Function(node.op.name + attrs, real=True)
        self.opaque[known] = lambda *formulas: elementwise(node, formulas, [False] * len(formulas)) or ONE
        return known(*args)

    def _indicator(self, condition: Formula) -> Expression:
        """The symbol of 1[c], the same for the same condition."""
        import sympy as sp

        if condition not in self.truths:
            self.truths[condition] = sp.Dummy("indicator", nonnegative=True)
            self.opaque[self.truths[condition]] = lambda: Indicator(condition)
        return self.truths[condition]

    def _condition(self, node: Node) -> Formula:
        args = [
            self.conditions[a] if a in self.conditions else self.formula(self.found[a]) for a in node.args
        ]
        formula = elementwise(node, args, [False] * len(args))
        assert formula is not None
        return formula

    # --- back to formulas ---

    def shortest(self, node: Node) -> Formula:
        """The shortest of the forms that SymPy knows, the first of equals."""
        forms = [self.formula(form) for form in _forms(self._once(self.found[node]))]
        return min(forms, key=_length)

    def _once(self, expression: Expression) -> Expression:
        """1[c] to any power is 1[c]."""
        import sympy as sp

        truths = [s for s in expression.free_symbols if isinstance(self.opaque[s](), Indicator)]
        powers = [p for p in sp.sympify(expression).atoms(sp.Pow) if p.base in truths and p.exp.is_positive]
        return sp.sympify(expression).xreplace({p: p.base for p in powers})

    def formula(self, expression: Expression) -> Formula:
        import sympy as sp

        done: dict[Expression, Formula] = {}
        for part in sp.postorder_traversal(expression):
            if part not in done:
                done[part] = self._formula(part, done)
        return done[expression]

    def _formula(self, part: Expression, done: dict[Expression, Formula]) -> Formula:
        import sympy as sp

        if part in self.opaque:
            return self.opaque[part]()
        if part.is_Number:
            return (
                quotient(Number(float(part.p)), Number(float(part.q)))
                if part.is_Rational
                else Number(float(part))
            )
        if part is sp.pi:
            return Number(pi)
        if part is sp.E:
            return Call("exp", (ONE,))
        if part.is_Add:
            return added(*(done[term] for term in _ordered(part, part.as_ordered_terms())))
        if part.is_Mul:
            factors = [done[f] for f in _ordered(part, part.as_ordered_factors())]
            return times(*sorted(factors, key=lambda f: isinstance(f, Indicator)))
        if part.is_Pow:
            return _power(done[part.base], done[part.exp])
        if part.func in self.opaque:
            return self.opaque[part.func](*(done[a] for a in part.args))
        return Call(part.func.__name__, tuple(done[a] for a in part.args))


def _ordered(part: Expression, order: list[Expression]) -> tuple[Expression, ...]:
    """The parts of a sum or a product in SymPy's order of printing, if that keeps them whole."""
    return tuple(order) if set(order) == set(part.args) else tuple(part.args)


def _power(base: Formula, exponent: Formula) -> Formula:
    if exponent == quotient(ONE, Number(2.0)):
        return Root(base)
    if isinstance(exponent, Sum) and len(exponent.terms) == 1 and exponent.minus[0]:
        return quotient(ONE, _power(base, exponent.terms[0]))
    return power(base, exponent)


def _forms(expression: Expression) -> Iterator[Expression]:
    import sympy as sp

    yield expression
    yield sp.factor_terms(expression)
    powers = [p for p in expression.atoms(sp.Pow) if p.exp.is_Integer and abs(p.exp) > HIGHEST]
    if sp.count_ops(expression) > MOST or powers:
        return
    slow = (sp.trigsimp, sp.simplify) if sp.count_ops(expression) <= MOST // 2 else ()
    for form in (sp.together, sp.cancel, sp.factor, sp.expand, *slow):
        try:
            yield form(expression)
        except (sp.PolynomialError, NotImplementedError):
            continue


def _length(formula: Formula) -> int:
    """How long a formula is to read: its parts; more where fractions or sums are nested."""
    length = 0
    stack = [(formula, 0, 0)]
    while stack:
        part, sums, fractions = stack.pop()
        length += 1 + 3 * sums * isinstance(part, Sum) + 3 * fractions * isinstance(part, Fraction)
        sums += isinstance(part, Sum)
        fractions += isinstance(part, Fraction)
        stack.extend((inner, sums, fractions) for inner in part.parts())
    return length
