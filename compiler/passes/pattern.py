"""Rewrite rules as lines, and the matcher that finds them however the model spells them.

    x, a = pattern_variable("x"), attribute_variable("axis")
    rule("log-sigmoid", ops.log(ops.sigmoid(x)), -ops.softplus(-x))

A pattern is made of the same ops and operators as a graph. It matches modulo what `views` sees through:
the order and grouping of sums and products, signs, reciprocals, `log1p` for `log(1 + …)`, axes of length 1,
and ops that only move elements. A pattern whose root is a sum or a product matches part of a longer one,
in any multiple; the rest stays:

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.irtext import print_graph
>>> from autodiffc.compiler.ir import Graph
>>> from autodiffc.compiler.types import REAL
>>> x, y = pattern_variable("x"), ops.argument("y", REAL)
>>> expm1 = rule("expm1", ops.exp(x) - 1.0, ops.expm1(x))
>>> Matcher().rewrite(expm1, 3.0 - 3.0 * ops.exp(y)).args
(const(, value=-3.0): real, expm1(argument): real)

The replacement is a pattern too, or a function of the binding (None: does not apply after all). A guard
`where` sees the binding. Rules say in which way both sides are equal: `exact` (bit by bit), `real` (in real
arithmetic on the whole domain of the left side, the default) or `guarded` (where the guard holds).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, Union

from autodiffc.grammar.records import record

from ..ir import OPS, Interval, Node, Op, const_value
from ..ops import pattern_variable as pattern_variable
from ..types import Dim, TypeProblem, size_of
from .compiled import AttributeVariable, Pattern, compiled, labels_of
from .fold import folded
from .matching import Found, Search
from .terms import negated
from .views import SUMS, Views

Class = Literal["exact", "real", "guarded"]
Replacement = Union[Node, Callable[["Binding"], Union[Node, None]]]


class Binding:
    """What the variables of a pattern stand for: `b.x` a node, `b.axis` an attribute."""

    def __init__(
        self, values: Mapping[str, Any], root: Node, views: Views, interval: Callable[[Node], Interval]
    ):
        self.__dict__.update(values)
        self.values = values
        self.root = root
        self.views = views
        self.interval = interval

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


@record(frozen=True, eq=False)
class Rule:
    """`left` may be replaced by `right`; made by `rule`."""

    name: str
    left: Node
    right: Replacement
    where: Callable[[Binding], bool] | None
    kind: Class
    pattern: Pattern = field(repr=False)
    labels: frozenset[str] = field(repr=False)

    @property
    def root(self) -> str:
        """The family of roots: `sum`, `product`, or the op's name."""
        return self.pattern.family


def scalar_variable(name: str) -> Node:
    """A variable of an algebraic rule: it stands for a scalar beside arrays, among scalars for a constant."""
    variable = pattern_variable(name)
    return replace(variable, attrs=(*variable.attrs, ("scalar", True)))


def is_scalar_variable(node: Node) -> bool:
    return ("scalar", True) in node.attrs


def attribute_variable(name: str) -> Any:
    """Stands for an attribute in a pattern: an axis, keepdims."""
    return AttributeVariable(name)


def rule(
    name: str,
    left: Node,
    right: Replacement,
    *,
    where: Callable[[Binding], bool] | None = None,
    kind: Class = "real",
) -> Rule:
    """A rule, with its left side made ready for matching."""
    pattern = compiled(left)
    return Rule(name, left, right, where, kind, pattern, labels_of(pattern))


# The families of roots that a node may match under.
FAMILIES: dict[str, tuple[str, ...]] = {
    "add": ("sum",),
    "sub": ("sum",),
    "mul": ("product",),
    "div": ("product",),
    "reciprocal": ("product",),
    "power": ("product", "sqrt"),
    "log1p": ("log",),
}


def families(node: Node) -> tuple[str, ...]:
    return FAMILIES.get(node.op.name, (node.op.name,))


def _anywhere(_: Node) -> Interval:
    return float("-inf"), float("inf")


class Matcher:
    """Applies rules to nodes of one graph; remembers its views of them."""

    def __init__(self, interval: Callable[[Node], Interval] = _anywhere):
        self.views = Views()
        self.search = Search(self.views)
        self.interval = interval

    def rewrite(self, rule: Rule, node: Node) -> Node | None:
        """The node's replacement, None where the rule does not apply."""
        for found in self.search.at_root(rule.pattern, node):
            binding = Binding(found.bindings, node, self.views, self.interval)
            if rule.where is not None and not rule.where(binding):
                continue
            new = instantiate(rule.right, binding)
            if new is None:
                continue
            result = _wrapped(found, new, node)
            if result is not None and not self.views.same(result, node):
                return result
        return None


def _wrapped(found: Found, new: Node, node: Node) -> Node | None:
    """The replacement among what stood beside the pattern; None where its shape does not go with that."""
    try:
        return fitted(found.wrap(new), node)
    except TypeProblem:
        return None


# --- literal matching --------------------------------------------------------------------------------


Path = tuple[int, ...]


@record(frozen=True)
class Form:
    """One order of a rule's left side, taken apart: what must stand where, from the root down."""

    rule: Rule
    root: str
    args: tuple[Node, ...]  # the patterns of the root's arguments
    ops: tuple[tuple[Path, str], ...]  # those further down
    numbers: tuple[tuple[Path, float], ...]
    variables: tuple[tuple[Path, str], ...]
    scalars: tuple[Path, ...]  # the scalar variables further down

    def may_fit(self, args: Iterable[tuple[str, bool]], among_scalars: bool) -> bool:
        """Whether arguments of these ops, scalars or not, can be the root's."""
        return all(
            wanted.op.name in ("pattern", name)
            and (not is_scalar_variable(wanted) or (scalar and (name == "const" or not among_scalars)))
            for wanted, (name, scalar) in zip(self.args, args)
        )

    def bindings(self, node: Node) -> dict[str, Any] | None:
        """What the variables stand for, if the node is of this form; its arguments are known to fit."""
        for path, op in self.ops:
            if _at(node, path).op.name != op:
                return None
        for path in self.scalars:
            part = _at(node, path)
            if part.type.shape or (part.op.name != "const" and not node.type.shape):
                return None
        for path, number in self.numbers:
            value = const_value(_at(node, path))
            if value is None or value != number:
                return None
        found: dict[str, Any] = {}
        for path, name in self.variables:
            part = _at(node, path)
            if found.setdefault(name, part) is not part:
                return None
        return found


def _at(node: Node, path: Path) -> Node:
    for i in path:
        node = node.args[i]
    return node


def _forms(rule: Rule) -> Iterator[Form]:
    for left in _orders(rule.left):
        parts = list(_parts(left, ()))
        inner = tuple((path, p.op.name) for path, p in parts if len(path) > 1 and p.op.name != "pattern")
        numbers = tuple((path, part["value"]) for path, part in parts if part.op.name == "const")
        variables = tuple((path, part["name"]) for path, part in parts if part.op.name == "pattern")
        scalars = tuple(path for path, part in parts if len(path) > 1 and is_scalar_variable(part))
        yield Form(rule, left.op.name, left.args, inner, numbers, variables, scalars)


def _parts(pattern: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    """The nodes of a pattern with their places, each before its arguments."""
    yield path, pattern
    for i, arg in enumerate(pattern.args):
        yield from _parts(arg, (*path, i))


def _orders(pattern: Node) -> list[Node]:
    """The pattern with the operands of its commutative ops in every order."""
    if not pattern.args:
        return [pattern]
    found = [list(args) for args in product(*map(_orders, pattern.args))]
    if pattern.op.commutative and pattern.args[0] is not pattern.args[1]:
        found += [args[::-1] for args in found]
    return [replace(pattern, args=tuple(args)) for args in found]


class Fitting:
    """The forms that nodes of an op with arguments of certain ops may have, by the ops further down."""

    def __init__(self, forms: Sequence[Form]):
        self.forms = forms
        self.paths: list[Path] = sorted({path for form in forms for path, _ in form.ops if len(path) == 2})
        self._by_ops: dict[tuple[Op, ...], list[Form]] = {}

    def of(self, node: Node) -> Sequence[Form]:
        """The forms that the ops of the arguments' arguments leave."""
        if not self.paths:
            return self.forms
        args = node.args
        below = tuple([args[i].args[j].op for i, j in self.paths])
        forms = self._by_ops.get(below)
        if forms is None:
            names: dict[Path, str] = {path: op.name for path, op in zip(self.paths, below)}
            forms = [f for f in self.forms if all(names.get(path, op) == op for path, op in f.ops)]
            self._by_ops[below] = forms
        return forms


class LiteralRules:
    """Rules that match what is there as it is written, up to commuted operands.

    Every order of the operands is a form of its own, looked up by the op of the root and those of its
    arguments, and of theirs: most nodes meet no rule at all.
    """

    def __init__(self, rules: Iterable[Rule]):
        self._by_root: dict[Op, list[Form]] = {}
        for form in (form for found in rules for form in _forms(found)):
            self._by_root.setdefault(OPS[form.root], []).append(form)
        self._fitting: dict[tuple[object, ...], Fitting] = {}

    @property
    def roots(self) -> Collection[Op]:
        """The ops that a rule may apply to."""
        return self._by_root.keys()

    def rewrite(self, node: Node) -> Node | None:
        """The node after the first rule that applies; None where none does."""
        if node.op not in self._by_root:
            return None
        key = node.op, not node.type.shape, *[(arg.op, not arg.type.shape) for arg in node.args]
        fitting = self._fitting.get(key)
        if fitting is None:
            args = [(arg.op.name, not arg.type.shape) for arg in node.args]
            forms = [form for form in self._by_root[node.op] if form.may_fit(args, not node.type.shape)]
            fitting = self._fitting[key] = Fitting(forms)
        for form in fitting.of(node):
            found = form.bindings(node)
            new = None if found is None else _replaced(form.rule, node, found)
            if new is not None:
                return new
        return None


def rewrite_literally(rule: Rule, node: Node) -> Node | None:
    """The node's replacement by one rule."""
    return LiteralRules([rule]).rewrite(node)


_NO_VIEWS = Views()


def _replaced(rule: Rule, node: Node, found: dict[str, Any]) -> Node | None:
    binding = Binding(found, node, _NO_VIEWS, _anywhere)
    if rule.where is not None and not rule.where(binding):
        return None
    new = instantiate(rule.right, binding)
    return None if new is None else fitted(new, node)


# --- replacements ------------------------------------------------------------------------------------


def apply_rules(rules: Iterable[Rule], node: Node) -> Node:
    """The node after the first rule that applies to it."""
    matcher = Matcher()
    found = (matcher.rewrite(rule, node) for rule in rules if rule.root in families(node))
    return next((new for new in found if new is not None), node)


def instantiate(right: Replacement, binding: Binding) -> Node | None:
    """The right side of a rule with its variables filled in."""
    return _filled_in(right, binding) if isinstance(right, Node) else right(binding)


def _filled_in(right: Node, binding: Binding) -> Node:
    if not right.is_pattern:
        return right
    if right.op.name == "pattern":
        node: Node = binding.values[right["name"]]
        return node
    args = [_filled_in(a, binding) for a in right.args]
    if right.op.name in SUMS:
        return _signed(right.op, args)
    attrs = {
        name: binding.values[value.name] if isinstance(value, AttributeVariable) else value
        for name, value in right.attrs
    }
    new = right.op(*args, **attrs)
    return folded(new) or new


def _signed(op: Op, args: list[Node]) -> Node:
    """A sum, a difference or a negative without a sign that it can do without: a + b for a - (-b)."""
    if op.name == "neg":
        return negated(args[0])
    if args[1].op.name != "neg":
        return op(*args)
    inner = args[1].args[0]
    return args[0] + inner if op.name == "sub" else args[0] - inner


def fitted(new: Node, old: Node) -> Node | None:
    """The new node in the old one's shape; None where it is of another kind or cannot be."""
    if new.type.kind != old.type.kind:
        return None
    if new.shape == old.shape:
        return new
    if size_of(new.shape) == size_of(old.shape):
        return squeezed(new, old.shape)
    try:
        return OPS["broadcast_to"](new, shape=old.shape)
    except TypeProblem:
        return None


def squeezed(node: Node, shape: tuple[Dim, ...]) -> Node:
    """A reshape; of a reduction that kept its dims, the reduction that drops them."""
    if dict(node.attrs).get("keepdims"):
        dropped = node.op(*node.args, **{**dict(node.attrs), "keepdims": False})
        if dropped.shape == shape:
            return dropped
    return OPS["reshape"](node, shape=shape)
