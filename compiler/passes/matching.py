"""The search behind `pattern`: a compiled pattern against the views of a node.

A pattern is compiled into variables, numbers, ops, sums and products. The parts of a sum that are no
variables find their terms first, by backtracking; a variable that is bound by then takes its own terms
away, and one that is still free takes the rest. So `log(x + sqrt(x*x + 1))` matches with x = a - b:

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.passes.compiled import compiled
>>> from autodiffc.compiler.types import REAL
>>> x = ops.pattern_variable("x")
>>> a, b = ops.argument("a", REAL), ops.argument("b", REAL)
>>> pattern = compiled(ops.log(x + ops.sqrt(x * x + 1.0)))
>>> found = Search(Views()).at_root(pattern, ops.log(ops.sqrt(1.0 + (a - b) ** 2.0) - b + a))
>>> next(found).bindings["x"]
sub(argument, argument): real
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from autodiffc.grammar.records import record

from ..ir import OPS, Node
from .compiled import (
    Bindings,
    Call,
    Number,
    Pattern,
    ProductPattern,
    SumPattern,
    Variable,
    bound_attributes,
)
from .reductions import reductions
from .terms import (
    Product,
    Sum,
    Term,
    build_product,
    build_sum,
    negated,
    raised,
    ratio,
    remaining,
    scaled,
    times,
    with_rest,
)
from .views import Views

REDUCTIONS = frozenset(["sum", "mean", "prod", "max", "min", "var", "std", "logsumexp"])
WHOLE = frozenset(["softmax", "log_softmax"])


@record(frozen=True)
class Found:
    """A match: what the variables are, and what puts the replacement into the root."""

    bindings: Bindings
    wrap: Callable[[Node], Node]


def _itself(node: Node) -> Node:
    return node


class Search:
    """Finds patterns in nodes through their views."""

    def __init__(self, views: Views):
        self.views = views

    # --- the root --------------------------------------------------------------------------------

    def at_root(self, pattern: Pattern, node: Node) -> Iterator[Found]:
        """All matches with the node as root; of a sum or a product a part is enough, in any multiple."""
        if isinstance(pattern, SumPattern):
            total = self.views.sum(node, deep=False)
            for b, scale, rest in self._terms(pattern, total, {}):
                yield Found(b, self._rest_of_sum(total, scale, rest))
        elif isinstance(pattern, ProductPattern):
            product = self.views.product(node)
            for b, left in self._powers(pattern, product, {}):
                yield Found(b, partial(with_rest, rest=left))
        else:
            for b in self.match(pattern, node, {}):
                yield Found(b, _itself)

    def _rest_of_sum(self, total: Sum, scale: float, rest: Sum) -> Callable[[Node], Node]:
        """Puts the replacement where the first term that it replaces stood."""

        def wrap(new: Node) -> Node:
            left = list(rest.terms)
            at = next((i for i, t in enumerate(total.terms) if i >= len(left) or left[i] is not t), len(left))
            return build_sum(rest.constant, [*left[:at], (scale, new), *left[at:]])

        return wrap

    # --- anywhere --------------------------------------------------------------------------------

    def match(self, pattern: Pattern, node: Node, b: Bindings) -> Iterator[Bindings]:
        """All ways in which the whole node is the pattern."""
        if isinstance(pattern, Variable):
            if pattern.name not in b:
                yield {**b, pattern.name: node}
            elif self.views.same(b[pattern.name], node):
                yield b
        elif isinstance(pattern, Number):
            if self.views.number(node) == pattern.value:
                yield b
        else:
            yield from self._spelled(pattern, node, b)

    def _spelled(self, pattern: Pattern, node: Node, b: Bindings) -> Iterator[Bindings]:
        pushed = self.views.pushed(node) if pattern.family not in REDUCTIONS | WHOLE else None
        seen = pushed if pushed is not None else node
        if isinstance(pattern, SumPattern):
            yield from self._whole_sum(pattern, seen, b)
        elif isinstance(pattern, ProductPattern):
            yield from self._whole_product(pattern, seen, b)
        elif isinstance(pattern, Call):
            yield from self._call(pattern, seen, b)

    def _call(self, pattern: Call, node: Node, b: Bindings) -> Iterator[Bindings]:
        if pattern.op not in REDUCTIONS:
            yield from self._applied(pattern, node, b)
            return
        for core, aligned in reductions(node, pattern.op):
            if b.get("aligned", aligned) == aligned:
                keepdims = core["keepdims"] if node.op is core.op else aligned
                yield from self._applied(pattern, core, {"keepdims": keepdims, "aligned": aligned, **b})

    def _applied(self, pattern: Call, node: Node, b: Bindings) -> Iterator[Bindings]:
        args = self._arguments(pattern.op, node)
        matched = bound_attributes(pattern, node, b) if args is not None else None
        if args is None or matched is None:
            return
        yield from self._in_order(pattern.args, args, matched)
        if OPS[pattern.op].commutative:
            yield from self._in_order(pattern.args, args[::-1], matched)

    def _arguments(self, op: str, node: Node) -> tuple[Node, ...] | None:
        """The node's arguments if it is that op in some spelling."""
        name = node.op.name
        if name == op:
            return node.args
        if name == "log1p" and op == "log":
            return (1.0 + node.args[0],)
        if name == "power" and op == "sqrt" and self.views.number(node.args[1]) == 0.5:
            return node.args[:1]
        return None

    def _in_order(
        self, patterns: tuple[Pattern, ...], args: tuple[Node, ...], b: Bindings
    ) -> Iterator[Bindings]:
        if not patterns:
            yield b
            return
        for bound in self.match(patterns[0], args[0], b):
            yield from self._in_order(patterns[1:], args[1:], bound)

    # --- sums ------------------------------------------------------------------------------------

    def _whole_sum(self, pattern: SumPattern, node: Node, b: Bindings) -> Iterator[Bindings]:
        for bound, scale, rest in self._terms(pattern, self.views.sum(node), b, node, (1.0,)):
            if scale == 1.0 and not rest.terms and not rest.constant:
                yield bound

    def _terms(
        self,
        pattern: SumPattern,
        total: Sum,
        b: Bindings,
        node: Node | None = None,
        scales: tuple[float, ...] = (),
    ) -> Iterator[tuple[Bindings, float, Sum]]:
        """Bindings, the multiple, and what is left; a free variable takes what is left of a whole `node`."""
        fixed = [(c, p) for c, p in pattern.terms if not isinstance(p, Variable)]
        variables = [(c, p) for c, p in pattern.terms if isinstance(p, Variable)]
        for bound, scale, left in self._fixed(fixed, list(total.terms), b, None):
            rest = Sum(total.constant, tuple(left))
            for multiple in [scale] if scale is not None else scales:
                yield from self._variables(pattern, variables, rest, bound, multiple, node)

    def _fixed(
        self, patterns: Sequence[tuple[float, Pattern]], terms: list[Term], b: Bindings, scale: float | None
    ) -> Iterator[tuple[Bindings, float | None, list[Term]]]:
        if not patterns:
            yield b, scale, terms
            return
        coefficient, pattern = patterns[0]
        candidates = [(ratio(c, coefficient), i, term) for i, (c, term) in enumerate(terms)]
        positive_first = sorted(candidates, key=lambda found: not (found[0] or 0.0) > 0.0)
        for multiple, i, term in positive_first:
            if multiple is None or (scale is not None and scale != multiple):
                continue
            for bound in self.match(pattern, term, b):
                yield from self._fixed(patterns[1:], terms[:i] + terms[i + 1 :], bound, multiple)

    def _variables(
        self, pattern: SumPattern, variables: list[tuple[float, Variable]], left: Sum, b: Bindings,
        scale: float, node: Node | None,
    ) -> Iterator[tuple[Bindings, float, Sum]]:  # fmt: skip
        if pattern.constant and not self._constant_is(times(pattern.constant, scale), left):
            return
        rest: Sum | None = Sum(0.0 if pattern.constant else left.constant, left.terms)
        free = []
        for coefficient, variable in variables:
            if variable.name not in b:
                free.append((coefficient, variable))
                continue
            if rest is not None:
                rest = self._without(rest, coefficient * scale, b[variable.name], deep=node is not None)
        if rest is None or len(free) > (node is not None):
            return
        if free:
            if rest.terms or rest.constant:
                coefficient, variable = free[0]
                yield {**b, variable.name: self._taken(rest, coefficient * scale, node)}, scale, Sum(0.0, ())
            return
        yield b, scale, rest

    def _constant_is(self, wanted: float | None, total: Sum) -> bool:
        """Whether the numbers in a sum come to the wanted one exactly; in 1 - p + 1e-20 they do not."""
        return wanted == total.constant and all(self.views.number(term) is None for _, term in total.terms)

    def _without(self, total: Sum, coefficient: float, node: Node, deep: bool) -> Sum | None:
        """total - coefficient * node, if all terms of the node are among those of the total."""
        part = self.views.sum(node, deep)
        terms = list(total.terms)
        for c, term in part.terms:
            found = next((t for t in terms if t[0] == c * coefficient and self.views.same(t[1], term)), None)
            if found is None:
                return None
            terms.remove(found)
        return Sum(total.constant - coefficient * part.constant, tuple(terms))

    def _taken(self, rest: Sum, coefficient: float, node: Node | None) -> Node:
        """What a free variable stands for: an operand as it is written, or else a new sum."""
        if coefficient == 1.0 and node is not None:
            for arg in node.args:
                if self.views.sum(arg) == rest:
                    return arg
        if len(rest.terms) == 1 and not rest.constant:
            return scaled(rest.terms[0][0] / coefficient, rest.terms[0][1])
        return build_sum(rest.constant / coefficient, [(c / coefficient, t) for c, t in rest.terms])

    # --- products --------------------------------------------------------------------------------

    def _whole_product(self, pattern: ProductPattern, node: Node, b: Bindings) -> Iterator[Bindings]:
        as_written = pattern.factor == 1.0
        if node.op.name == "square" and as_written and [e for _, e in pattern.powers] == [2]:
            yield from self.match(pattern.powers[0][0], node.args[0], b)  # as it is written: (x/y)**2
        if pattern.factor == -1.0 and len(pattern.powers) == 1 and pattern.powers[0][1] == 1:
            yield from self.match(pattern.powers[0][0], negated(node), b)
            return
        if node.op.name == "div" and as_written and [e for _, e in pattern.powers] == [1, -1]:
            yield from self._in_order(tuple(p for p, _ in pattern.powers), node.args, b)
        for bound, rest in self._powers(pattern, self.views.product(node), b, whole=True):
            if rest.factor == 1.0 and not rest.powers:
                yield bound

    def _powers(
        self, pattern: ProductPattern, product: Product, b: Bindings, whole: bool = False
    ) -> Iterator[tuple[Bindings, Product]]:
        """Bindings and what is left."""
        factor = ratio(product.factor, pattern.factor)
        if factor is None:
            return
        fixed = [(p, e) for p, e in pattern.powers if not isinstance(p, Variable)]
        variables = [(p, e) for p, e in pattern.powers if isinstance(p, Variable)]
        for bound, left in self._fixed_powers(fixed, Product(factor, product.powers), b):
            taken = self._free_powers(variables, left, bound, whole)
            if taken is not None:
                yield taken

    def _fixed_powers(
        self, patterns: Sequence[tuple[Pattern, int]], left: Product, b: Bindings
    ) -> Iterator[tuple[Bindings, Product]]:
        if not patterns:
            yield b, left
            return
        pattern, exponent = patterns[0]
        for i, (base, has) in enumerate(left.powers):
            if has * exponent <= 0 or abs(has) < abs(exponent):
                continue
            powers = (*left.powers[:i], *remaining(base, has - exponent), *left.powers[i + 1 :])
            for bound, scale in self._factor(pattern, base, b):
                factor = raised(left.factor, scale, exponent)
                if factor is not None:
                    yield from self._fixed_powers(patterns[1:], Product(factor, powers), bound)

    def _factor(self, pattern: Pattern, base: Node, b: Bindings) -> Iterator[tuple[Bindings, float]]:
        """A factor; one that is a sum may be a multiple of its pattern."""
        if not isinstance(pattern, SumPattern):
            for bound in self.match(pattern, base, b):
                yield bound, 1.0
            return
        seen = self.views.pushed(base) or base
        for bound, scale, rest in self._terms(pattern, self.views.sum(seen), b, seen, (1.0, -1.0)):
            if not rest.terms and not rest.constant:
                yield bound, scale

    def _free_powers(
        self, variables: list[tuple[Variable, int]], left: Product, b: Bindings, whole: bool
    ) -> tuple[Bindings, Product] | None:
        free = []
        for variable, exponent in variables:
            if variable.name in b:
                smaller = self._divided(left, b[variable.name], exponent)
                if smaller is None:
                    return None
                left = smaller
            else:
                free.append((variable, exponent))
        if not free:
            return b, left
        return _shared_out(free, left, b) if whole else None

    def _divided(self, product: Product, node: Node, exponent: int) -> Product | None:
        """product / node ** exponent, if all factors of the node are among those of the product."""
        part = self.views.product(node)
        factor = product.factor
        powers = list(product.powers)
        for base, e in part.powers:
            i = next((i for i, (other, _) in enumerate(powers) if self.views.same(other, base)), None)
            if i is None or powers[i][1] * e * exponent <= 0 or abs(powers[i][1]) < abs(e * exponent):
                return None
            powers[i : i + 1] = remaining(base, powers[i][1] - e * exponent)
        rest = raised(factor, part.factor, -exponent)
        return None if rest is None else Product(rest, tuple(powers))


def _shared_out(
    free: list[tuple[Variable, int]], left: Product, b: Bindings
) -> tuple[Bindings, Product] | None:
    """Numerator and denominator to a variable each; all to one that is alone."""
    nothing = Product(1.0, ())
    if len(free) == 1:
        variable, exponent = free[0]
        divisible = all(e % exponent == 0 for _, e in left.powers) and exponent in (1, left.factor * exponent)
        if not divisible or not left.powers:
            return None
        root = build_product(left.factor, [(base, e // exponent) for base, e in left.powers])
        return {**b, variable.name: root}, nothing
    if [e for _, e in free] not in ([1, -1], [-1, 1]):
        return None
    above = [p for p in left.powers if p[1] > 0]
    below = [(base, -e) for base, e in left.powers if e < 0]
    if not below or not (above or left.factor != 1.0):
        return None
    (top, _), (bottom, _) = sorted(free, key=lambda v: -v[1])
    numerator, denominator = build_product(left.factor, above), build_product(1.0, below)
    return {**b, top.name: numerator, bottom.name: denominator}, nothing
