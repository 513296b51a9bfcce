"""Nodes as text: an op's template with its operands' texts in the places of its parameters.

mul(x, add(a, b))     ->     x * (a + b)
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from autodiffc.compiler.ir import Graph, Literal, Node
from autodiffc.compiler.ops.control import is_local
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.ops.unrolled import packed, tuple_py
from autodiffc.compiler.types import Dim

from .context import Context
from .dimtext import dim_expr
from .names import Scope
from .precision import adds_many, by_routine, in_double
from .pytext import ATOM, Expr, Template, call, number, template
from .schedule import Group, schedule
from .stepping import Ints

CASTS = {"real": "float", "int": "int", "bool": "bool"}
# operands that an op's text computes with before they meet another: of a float, NumPy then makes a double
ALONE = {
    "bce_with_logits": ("x",), "clip": ("x",), "divide_or_zero": ("y",), "elu": ("x",), "masked": ("q",),
    "rel_entr": ("p", "q"), "xlog1py": ("y",), "xlogy": ("y",),
}  # fmt: skip
_DEFAULT_DTYPE = re.compile(r"(np\.(?:zeros|ones|full|array|eye|linspace)\(.*), (?:dtype=)?_REAL\)")
_NOTHING: Mapping[str, Any] = {}
_ONE_AXIS = re.compile(r"(np\.(?:zeros|ones|full)\()\((\w+),\)")


def _is_dimless(node: Node) -> bool:
    """Whether neither a value nor what is said of it has a size."""
    return not node.rank and (not node.attrs or node.op.name in ("argument", "const"))


class Pending(NamedTuple):
    """An expression that waits for the one place where it is used."""

    expr: Expr
    ops: int
    group: Group
    stable: bool  # made of arguments and constants alone: reads well on any line
    updates: tuple[str, ...] = ()  # statements that follow the assignment; NAME stands for the name


class Rendering(ABC):
    """The texts of the values that one function knows, and the dims that they mention.

    `values` are the texts of arguments and of what has been assigned, `pending` those of expressions that
    wait to be written inside another.
    """

    def __init__(self, context: Context, graph: Graph, scope: Scope, given: Mapping[Node, Expr]):
        self.context = context
        self.graph = graph
        self.scope = scope
        self.values: dict[Node, Expr] = dict(given)
        self.pending: dict[Node, Pending] = {}
        self.dims: dict[str, None] = {}
        self.lengths: dict[str, Expr] = {}  # the numbers of steps that are known here
        self.lists: dict[Node, int] = {}  # stacked values that are Python lists, and how deep these are
        self.unpacked: dict[Node, str] = {}  # arrays and the lists of their elements
        self.tuples: set[Node] = set()  # arrays of numbers that are kept as tuples
        self.plain = False  # scalars are computed without guards: the caller waits for exceptions
        self.ints = Ints()
        self._templates: dict[Node, tuple[Template, Mapping[str, Dim]]] = {}
        self._constants: dict[tuple[Node, bool], Expr] = {}
        self._on_numbers = graph.on_numbers  # no node is on arrays

    def value(self, node: Node) -> Expr:
        """The text of a value, once the statements are written."""
        return self._operand(node, array=bool(node.rank))

    def mentioned_dims(self) -> dict[str, None]:
        """The dims that the statements will mention."""
        if all(_is_dimless(node) for node in self.graph.nodes()):
            return self.dims
        for step in schedule(self.graph):
            node = step.node
            for arg in (node, *node.args):
                if arg.op.name == "dim":
                    self.dim(arg["dim"])
            if node.op.name == "tiled":
                self._mentioned_by_tiles(node)
            for body in node.subgraphs():
                self._mentioned_inside(body)
            if node.op.name == "loop":
                self._mentioned_by_stacks(node)
            elif node.op.name not in ("branch", "item", "tiled"):
                self._template(node)
        return self.dims

    def _mentioned_inside(self, graph: Graph) -> None:
        inner = type(self)(self.context, graph, self.scope, {})
        inner.dims, inner.lengths = self.dims, dict(self.lengths)
        inner.mentioned_dims()

    def _mentioned_by_stacks(self, loop: Node) -> None:
        """The sizes of arrays that rows are written into; after the loop its number of steps is known."""
        self.lengths.update({s: Expr("") for s in loop["length"].symbols if s.startswith("_")})
        for _, row in loop["body"].outputs[loop["carried"] :]:
            for size in row.shape:
                if not is_local(size):
                    self.dim(size)

    def _mentioned_by_tiles(self, tiled: Node) -> None:
        """The sizes of the results, of what is cut, and of its rows."""
        self.lengths[str(TILE)] = Expr("")
        results = [dim for type_ in tiled.type.items for dim in type_.shape]
        for size in (tiled["length"], tiled["width"], *results):
            self.dim(size)

    def dim(self, dim: Dim) -> Expr:
        """The text of a dim, which the function must then bind."""
        return dim_expr(dim, self._symbol, self.context.ref)

    def dim_name(self, name: str) -> str:
        """The local name of a dim, which the function must then bind."""
        return self._symbol(name)

    def _symbol(self, name: str) -> str:
        if name in self.lengths:
            return self.lengths[name].within(ATOM)
        self.dims[name] = None
        return self.context.local(name)

    def text_of(self, node: Node) -> Expr | None:
        """The text of a value that has one of its own."""
        return self.values.get(node)

    def int_text(self, dim: Dim) -> Expr:
        """The text of an int of a loop: of dims, and of what only run time knows."""
        known = self.ints.texts
        if str(dim) in known:
            return known[str(dim)]
        tidy = Dim(tuple(sorted(dim.terms, key=lambda term: term[1] < 0)))  # t - 1, not -1 + t
        return dim_expr(
            tidy, lambda s: known[s].within(ATOM) if s in known else self._symbol(s), self.context.ref
        )

    def empty(self, size: str, dtype: str) -> str:
        """A new array for rows."""
        np = self.context.ref("np")
        kind = "" if dtype == "np.float64" else f", {np}{dtype[2:]}"
        return f"{np}.empty({size}{kind})"

    def on_numbers(self, node: Node) -> bool:
        """Whether neither a value nor what it is made of is an array."""
        return self._on_numbers or node.on_numbers

    # --- templates ---------------------------------------------------------------------------------

    def _template(self, node: Node) -> tuple[Template, Mapping[str, Expr]]:
        """The parsed text of a node's op, and the expressions that stand in it for dims."""
        parsed, held = self._found(node)
        return parsed, {key: self.dim(dim) for key, dim in held.items()} if held else _NOTHING

    def _parsed(self, node: Node) -> Template:
        """The parsed text of a node's op."""
        return self._found(node)[0]

    def _found(self, node: Node) -> tuple[Template, Mapping[str, Dim]]:
        """The parsed text of a node's op, and the dims in it."""
        found = self._templates.get(node)
        if found is None:
            found = self._templates[node] = self._written(node)
        return found

    def _written(self, node: Node) -> tuple[Template, Mapping[str, Dim]]:
        op, scalar = node.op, self.on_numbers(node)
        source = op.scalar if scalar and op.scalar is not None else op.py
        if scalar and self.plain and op.plain is not None:
            source = op.plain
        if node in self.tuples:
            source = tuple_py(node)
        if scalar and isinstance(source, str):
            return template(source, parameters(node)), _NOTHING
        held: dict[str, Dim] = {}

        def text_of(dim: Dim) -> str:
            if dim.known is not None:
                return str(dim.known)
            key = f"_dim{len(held)}_"
            held[key] = dim
            return key

        widened = self._is_widened(node)
        text = source if isinstance(source, str) else source(node, text_of)
        single = op is packed and (self.context.dtype == "float32" or node in self.tuples)
        if self.context.level > 1 and op.fast is not None and not (scalar or widened or single):
            text = op.fast(node, text_of) or text
        plain = _tidied(text, self.context.dtype == "float64")
        if widened:
            plain = by_routine(plain) if self._has_routine(node) else in_double(plain)
        return template(plain, parameters(node)), held

    @abstractmethod
    def _own_name(self, node: Node, texts: Iterable[str] = ()) -> str:
        """The name that a value is to have; `texts` will stand after its first assignment."""

    def _render(self, node: Node) -> tuple[list[str], Expr]:
        """The statements that a node needs before its value can be named, and the expression of its value."""
        parsed, held = self._template(node)
        array = not self.on_numbers(node)
        operands = [self._operand(arg, array) for arg in node.args]
        names = dict(zip(parsed.params, operands))
        if held:
            names.update(held)
        if parsed.is_expression:
            expr = parsed.expression(names, self._global)
            return [], self._typed(node, expr) if array else expr
        for local in parsed.stored:
            texts = [operand.text for operand in operands]
            names[local] = Expr(self._own_name(node, texts) if local == "out" else self.scope.fresh(local))
        return parsed.text(names, self._global).split("\n"), names["out"]

    def _typed(self, node: Node, expr: Expr) -> Expr:
        """The value in the type that it must have: Python's for scalars, the module's dtype for arrays."""
        if node in self.tuples or (node.op.view and node.args[0] in self.lists):
            return expr
        if not node.rank and any(a.rank for a in node.args):
            cast = self.context.ref(CASTS[node.type.kind])
            return expr if expr.text.endswith(".item()") else call(cast, expr)
        plain = any(a.rank and a.type.kind == "real" for a in node.args) and not _is_doubled(node)
        if self._has_routine(node):
            return expr
        if self._is_widened(node) or (
            self.context.dtype == "float32"
            and node.type.kind == "real"
            and node.rank
            and not plain
            and "float32" not in expr.text
        ):
            return Expr(f"{expr.within(ATOM)}.astype({self.context.ref('np')}.float32)")
        return expr

    def _is_widened(self, node: Node) -> bool:
        return self.context.dtype == "float32" and adds_many(node)

    def _has_routine(self, node: Node) -> bool:
        """Whether such a sum is an array that a routine makes."""
        return self.context.level > 1 and node.rank > 0 and self._is_widened(node)

    def _global(self, name: str) -> str:
        if name == "_REAL":
            return f"{self.context.ref('np')}.{self.context.dtype}"
        return self.context.ref(name)

    # --- operands ----------------------------------------------------------------------------------

    def _operand(self, node: Node, array: bool) -> Expr:
        known = self.values.get(node)
        if known is not None:
            return known
        waiting = self.pending.get(node)
        if waiting is not None:
            return waiting.expr
        if node.op.name == "dim":
            return self.dim(node["dim"])
        constant = self._constants.get((node, array))
        if constant is None:
            constant = self._constants[node, array] = self._constant(node, array)
        return constant

    def _constant(self, node: Node, array: bool) -> Expr:
        value = node["value"]
        return self._table(node, value) if isinstance(value, Literal) else self._number(value, array)

    def _table(self, node: Node, value: Literal) -> Expr:
        """Hook: the name of an array constant."""
        return Expr(self.context.table(value))

    def _number(self, value: float, array: bool) -> Expr:
        return number(value, self.context.ref, "np" if array else "math")


def _is_doubled(node: Node) -> bool:
    """Whether a Python float among the operands makes NumPy compute in double precision."""
    alone = ALONE.get(node.op.name, ())
    return any(not arg.rank and param in alone for param, arg in zip(node.op.params, node.args))


@lru_cache(maxsize=4096)
def _tidied(text: str, default_dtype: bool) -> str:
    """A template without what NumPy does by itself: `np.zeros((n,), float64)` is `np.zeros(n)`."""
    text = _ONE_AXIS.sub(r"\1\2", text)
    return _DEFAULT_DTYPE.sub(r"\1)", text) if default_dtype else text


def parameters(node: Node) -> tuple[str, ...]:
    """The names that stand for a node's arguments in its op's text."""
    params = node.op.params
    if params and params[-1].startswith("*"):
        fixed, rest = params[:-1], params[-1][1:]
        return (*fixed, *(f"{rest}{i}" for i in range(len(node.args) - len(fixed))))
    return params
