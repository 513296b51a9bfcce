"""The graph that everything between the front end and the emitter works on.

A `Node` is an op applied to nodes; it is frozen, has a type, and is compared by identity. Operators build
nodes, so adjoint rules and rewrite rules read as mathematics:

>>> from autodiffc.compiler import ops
>>> x = ops.argument("x", Type("real", (Dim.symbol("N"),)))
>>> y = 2.0 * x + 1.0
>>> y.op.name, str(y.type)
('add', 'real[N]')

What a model calls a value and where it stands in the source live beside the graph (`Graph.names`,
`Graph.origins`) and follow it through every pass. An attribute of a node may be a `Graph` itself: that is
how loops and branches hold their bodies, whose `inputs` are the parameters and whose `outputs` the results.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property, wraps
from operator import attrgetter
from typing import Any, TypeVar, Union
from typing import Literal as Choice

import numpy as np
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

from .types import BOOL, INT, REAL, Dim, Kind, Type

Array = np.ndarray[Any, np.dtype[Any]]
Scalar = Union[int, float, bool]
Owner = TypeVar("Owner", "Graph", "Node")
Found = TypeVar("Found")


@record(frozen=True)
class NonDiff:
    """Stands in the place of a VJP rule: why there is none."""

    reason: str


# A rule gets the output's cotangent and the output node (whose `args` and attributes it may read), then the
# arguments; it gives a cotangent for each argument, None where there is none to give (integers, booleans).
# Cotangents may have the output's broadcast shape: autodiff sums them back to the argument's.
VjpRule = Callable[..., tuple["Node | None", ...]]
Interval = tuple[float, float]
Linearity = Choice["", "jointly", "each"]
Keeping = Choice["", "all", "first"]
WorkKind = Choice[
    "", "free", "elementwise", "reduction", "product", "factorisation", "pick", "update", "move", "control"
]


@record(frozen=True, eq=False)
class Op:
    """An operation, declared once with all its facts.

    infer     the result's type from the arguments' types and the attributes; raises TypeProblem
    eval      the reference value: NumPy arrays and attributes (dims already numbers) in, array out;
              works on object arrays too unless `sympy` is given
    vjp       the adjoint rule, or NonDiff
    py        the emitted text on arrays: a Python expression in which the names of `params` stand for the
              arguments; or a function of (node, d) that gives one, where `d(dim)` is the text to put for
              a dim. A text of several statements assigns `out`. Names with a leading underscore are
              routines that the emitter copies into the module. A last param with a star (`*x`) takes any
              number of arguments, which the text calls x0, x1, …
    fast      the text on arrays at -O2 where another form is quicker, of the same kind; None where it is not
    scalar    the same where arguments and result are Python numbers (None: `py` serves there too)
    plain     the scalar text at -O2: where `scalar` guards against an exception of Python's (of kind
              ArithmeticError or ValueError), this lets it happen, and the caller computes anew with
              `scalar`; where nothing is raised both give the same to the last bit
    demands   what holds of an argument where `plain` has raised nothing, if it isn't NaN: `nonzero`,
              `nonnegative`, `positive` or `above -1`, by the names of `params`
    sympy     (elementwise ops) the value as a SymPy expression: gets the sympy module, then the arguments
    domain    for each real argument of an elementwise op the interval that tests draw from
    special   further argument tuples at which the tests compare value and derivative
    singular  given the arguments' intervals: can the local derivative be infinite or NaN in them?
              (the ops marked ◆ in the numerics reference); such rules are masked where a zero cotangent
              may meet the singular point
    steep     the same, but only where the value stays finite (sqrt at 0): there a factor 0 after the op,
              which makes 0 of the value, must not make NaN of the derivative
    overflow  given the arguments' intervals: can the value overflow to infinity, as exp's does?
    bounds    the result's interval from the arguments' intervals
    linear    `jointly`: linear in its real arguments together, so that it maps tangents as it maps values;
              `each`: linear in each of them, so that the product rule holds
    keeps     `all` arguments, or the `first`: where it is infinite or NaN, so is the result, or the other is
              chosen (a linear op keeps all, and need not say so); nothing is masked for what stays so
    work      what kind of work it is, where that isn't seen: elementwise ops say so, views and what takes
              nothing are `free`, bodies are `control`; else to `move` elements
    flops     operations as a formula of dims, where they are not one for each element of result or arguments
    expand    the op in terms of simpler ones, applied after differentiation so that forward and
              backward share the parts
    """

    name: str
    params: tuple[str, ...]
    doc: str
    infer: Callable[..., Type]
    eval: Callable[..., Any]
    vjp: VjpRule | NonDiff
    py: str | Callable[..., str]
    scalar: str | Callable[..., str] | None = None
    sympy: Callable[..., Any] | None = None
    fast: Callable[..., str | None] | None = None
    plain: str | Callable[..., str] | None = None
    demands: Mapping[str, str] = field(default_factory=dict)
    domain: tuple[Interval, ...] = ()
    special: tuple[tuple[float, ...], ...] = ()
    singular: Callable[..., bool] | None = None
    steep: Callable[..., bool] | None = None
    overflow: Callable[..., bool] | None = None
    bounds: Callable[..., Interval] | None = None
    expand: Callable[..., Node] | None = None
    coerce: Callable[[tuple[Node, ...]], tuple[Node, ...]] | None = None  # makes operands of one kind
    linear: Linearity = ""
    keeps: Keeping = ""
    work: WorkKind = ""
    flops: Callable[[Node], Dim] | None = None
    elementwise: bool = False
    commutative: bool = False
    selector: bool = False  # its cotangents contain zeros that mean "not used"
    view: bool = False  # the emitted result may share memory with the first argument

    def __call__(self, *args: Node | Scalar, **attrs: Any) -> Node:
        nodes = as_nodes(args)
        frozen = tuple(sorted(attrs.items()))
        for node in nodes:
            if node.is_pattern:
                return Node(self, nodes, frozen, REAL, is_pattern=True)
        if self.coerce is not None:
            nodes = self.coerce(nodes)
        return Node(self, nodes, frozen, self.infer(*[n.type for n in nodes], **attrs))

    def __repr__(self) -> str:
        return f"Op({self.name})"


OPS: dict[str, Op] = {}


def declare(op: Op) -> Op:
    """Enter an op in the registry; its name must be new."""
    if op.name in OPS:
        raise ValueError(f"op {op.name} is declared twice")
    OPS[op.name] = op
    return op


_SHAPE = attrgetter("type.shape")


@record(frozen=True, eq=False)
class Node:
    """An op applied to arguments; `attrs` is a sorted tuple of pairs."""

    op: Op
    args: tuple[Node, ...]
    attrs: tuple[tuple[str, Any], ...]
    type: Type
    is_pattern: bool = False  # holds pattern variables: half of a rewrite rule, without a type

    def __getitem__(self, name: str) -> Any:
        for key, value in self.attrs:
            if key == name:
                return value
        raise KeyError(f"{self.op.name} has no attribute {name}")

    def get(self, name: str) -> Any:
        """An attribute; None where it is not given."""
        return next((value for key, value in self.attrs if key == name), None)

    @property
    def shape(self) -> tuple[Dim, ...]:
        return self.type.shape

    @property
    def rank(self) -> int:
        return len(self.type.shape)

    @property
    def on_numbers(self) -> bool:
        """Whether neither it nor an argument is an array."""
        if self.type.shape:
            return False
        for arg in self.args:  # noqa: SIM110  (asked of all nodes: `all` takes twice as long)
            if arg.type.shape:
                return False
        return True

    def with_args(self, args: Iterable[Node]) -> Node:
        """The same op on other arguments, typed anew where their types are others."""
        new = tuple(args)
        if new is self.args or new == self.args:  # nodes are compared by identity
            return self
        for a, b in zip(new, self.args):
            if a.type is not b.type and a.type != b.type:
                return self.op(*new, **dict(self.attrs))
        return Node(self.op, new, self.attrs, self.type)

    def subgraphs(self) -> Iterator[Graph]:
        """The bodies of a loop or a branch."""
        for _, value in self.attrs:
            if isinstance(value, Graph):
                yield value

    @cached_property
    def facts(self) -> dict[Callable[..., Any], Any]:
        """What `fact` keeps."""
        return {}

    def map_subgraphs(self, change: Callable[[Graph], Graph]) -> Node:
        """The same node with changed bodies; itself where it has none, or none of them changes.

        A body keeps its inputs and the types of its outputs, so the node keeps its type.
        """
        if not self.attrs:
            return self
        attrs = tuple((k, change(v) if isinstance(v, Graph) else v) for k, v in self.attrs)
        if all(new is old for (_, new), (_, old) in zip(attrs, self.attrs)):
            return self
        return Node(self.op, self.args, attrs, self.type)

    def __repr__(self) -> str:
        attrs = "".join(f", {k}={v}" for k, v in self.attrs)
        return f"{self.op.name}({', '.join(a.op.name for a in self.args)}{attrs}): {self.type}"

    def __add__(self, other: Node | Scalar) -> Node:
        return OPS["add"](self, other)

    def __radd__(self, other: Scalar) -> Node:
        return OPS["add"](other, self)

    def __sub__(self, other: Node | Scalar) -> Node:
        return OPS["sub"](self, other)

    def __rsub__(self, other: Scalar) -> Node:
        return OPS["sub"](other, self)

    def __mul__(self, other: Node | Scalar) -> Node:
        return OPS["mul"](self, other)

    def __rmul__(self, other: Scalar) -> Node:
        return OPS["mul"](other, self)

    def __truediv__(self, other: Node | Scalar) -> Node:
        return OPS["div"](self, other)

    def __rtruediv__(self, other: Scalar) -> Node:
        return OPS["div"](other, self)

    def __pow__(self, other: Node | Scalar) -> Node:
        return OPS["power"](self, other)

    def __neg__(self) -> Node:
        return OPS["neg"](self)

    def __matmul__(self, other: Node) -> Node:
        return OPS["matmul"](self, other)

    def __lt__(self, other: Node | Scalar) -> Node:
        return OPS["less"](self, other)

    def __le__(self, other: Node | Scalar) -> Node:
        return OPS["less_equal"](self, other)

    def __gt__(self, other: Node | Scalar) -> Node:
        return OPS["greater"](self, other)

    def __ge__(self, other: Node | Scalar) -> Node:
        return OPS["greater_equal"](self, other)


@record(frozen=True)
class Literal:
    """An array constant, hashable by its bytes."""

    kind: Kind
    shape: tuple[int, ...]
    data: bytes

    @staticmethod
    def of(array: Array) -> Literal:
        kinds: dict[str, Kind] = {"f": "real", "i": "int", "b": "bool"}
        kind = kinds[array.dtype.kind]
        dtype = {"real": np.float64, "int": np.int64, "bool": np.bool_}[kind]
        return Literal(kind, array.shape, np.ascontiguousarray(array, dtype).tobytes())

    @property
    def array(self) -> Array:
        dtype = {"real": np.float64, "int": np.int64, "bool": np.bool_}[self.kind]
        return np.frombuffer(self.data, dtype).reshape(self.shape)

    def __str__(self) -> str:
        return str(self.array.tolist())


def as_nodes(values: Sequence[Node | Scalar]) -> tuple[Node, ...]:
    """Nodes for operands; an int beside a real one is a real."""
    nodes = tuple([value for value in values if isinstance(value, Node)])
    if len(nodes) == len(values):
        return nodes
    real = any(node.type.kind == "real" for node in nodes)
    return tuple([as_node(value, real) for value in values])


def as_node(value: Node | Scalar, real: bool = False) -> Node:
    """A node for a Python number; `real` makes an int a real, as beside a real operand."""
    if isinstance(value, Node):
        return value
    return const(float(value) if real and not isinstance(value, bool) else value)


def const(value: Scalar | Array) -> Node:
    """A constant: a Python number or an array."""
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return const(value.item())
        literal = Literal.of(value)
        return Node(
            OPS["const"], (), (("value", literal),), Type(literal.kind, tuple(map(Dim.of, value.shape)))
        )
    kind = BOOL if isinstance(value, bool) else INT if isinstance(value, int) else REAL
    return Node(OPS["const"], (), (("value", value),), kind)


def const_value(node: Node) -> Scalar | None:
    """The number of a scalar constant, else None."""
    value = node["value"] if node.op.name == "const" else None
    return None if isinstance(value, Literal) else value


def attr_key(value: Any) -> Any:
    """A key that tells 1 from 1.0 from True, 0.0 from -0.0, and equates a NaN with the same NaN."""
    if isinstance(value, float):
        return ("float", struct.pack("<d", value))
    if isinstance(value, (bool, int, str)) or value is None:
        return (type(value).__name__, value)
    if isinstance(value, tuple):
        return tuple(map(attr_key, value))
    return value


@record(frozen=True)
class Origin:
    """Where a node comes from: a place in the source, and whether it belongs to that line's adjoint."""

    span: Span
    adjoint: bool = False


def adjoint_of(origins: Iterable[Origin]) -> tuple[Origin, ...]:
    """The same places, for what belongs to their lines' adjoints."""
    return tuple([Origin(origin.span, True) for origin in origins])


@record(frozen=True)
class Note:
    """A decision that a pass took for the sake of speed or memory, for `--explain-cost`.

    `kind` is a participle: saved, recomputed, unrolled, tiled, hoisted, reordered, …
    """

    kind: str
    text: str
    places: tuple[Origin, ...] = ()


@record(frozen=True, eq=False)
class Graph:
    """Inputs, named outputs, and what is known about the nodes between.

    `names` gives the model's name of a value (and `d_` names of adjoints), `origins` its places; `notes`
    are the decisions that made the graph what it is.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[tuple[str, Node], ...]
    names: Mapping[Node, str] = field(default_factory=dict)
    origins: Mapping[Node, tuple[Origin, ...]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def note(self, kind: str, text: str, *nodes: Node) -> Note:
        """A note on what has been done to these nodes."""
        places = dict.fromkeys(place for node in nodes for place in self.origins.get(node, ()))
        return Note(kind, text, tuple(places))

    def with_notes(self, notes: Iterable[Note]) -> Graph:
        """The graph with more notes."""
        return self.told(notes=tuple(dict.fromkeys((*self.notes, *notes))))

    def told(self, **known: Any) -> Graph:
        """The same nodes with something else known of them: `names`, `origins` or `notes`."""
        graph = replace(self, **known)
        if "_order" in self.__dict__:
            graph.__dict__["_order"] = self._order
        return graph

    def noted(self, kind: str, text: str, *nodes: Node) -> Graph:
        """The graph with one more note."""
        return self.with_notes([self.note(kind, text, *nodes)])

    def nodes(self) -> list[Node]:
        """All nodes that the outputs need, arguments before their users; no recursion."""
        return list(self._order)

    @cached_property
    def _order(self) -> tuple[Node, ...]:
        return tuple(topological(node for _, node in self.outputs))

    @cached_property
    def users(self) -> Mapping[Node, Sequence[Node]]:
        """For each node those that use it, once for each use."""
        return users(self._order)

    @cached_property
    def ops(self) -> frozenset[Op]:
        """The ops of the nodes, and of those in bodies."""
        return frozenset({node.op for node in self._order}.union(*[body.ops for body in self.bodies]))

    @cached_property
    def bodies(self) -> tuple[Graph, ...]:
        """The graphs that the nodes hold."""
        return tuple([body for node in self._order if node.attrs for body in node.subgraphs()])

    @cached_property
    def on_numbers(self) -> bool:
        """Whether there is no array in it, nor a body in which there may be one."""
        return not self.bodies and not any(map(_SHAPE, self._order))

    def output(self, name: str) -> Node:
        return dict(self.outputs)[name]

    def replace(self, mapping: Mapping[Node, Node]) -> Graph:
        """The graph with its outputs, names and origins carried over to the nodes' images."""
        names: dict[Node, str] = {}
        origins: dict[Node, tuple[Origin, ...]] = {}
        merged: dict[Node, dict[Origin, None]] = {}
        for old, name in self.names.items():
            names.setdefault(mapping.get(old, old), name)
        for old, places in self.origins.items():
            node = mapping.get(old, old)
            if origins.setdefault(node, places) is not places:
                merged.setdefault(node, dict.fromkeys(origins[node])).update(dict.fromkeys(places))
        origins.update((node, tuple(places)) for node, places in merged.items())
        outputs = tuple((name, mapping.get(node, node)) for name, node in self.outputs)
        return replace(self, outputs=outputs, names=names, origins=origins)

    @cached_property
    def facts(self) -> dict[Callable[..., Any], Any]:
        """What `fact` keeps."""
        return {}

    @cached_property
    def settled(self) -> set[Hashable]:
        """The passes that are known to find nothing to do in this graph and in the bodies in it."""
        return set()

    def rewrite(
        self,
        step: Callable[[Node, tuple[Node, ...]], Node],
        deep: str = "",
        done: Container[Node] = (),
    ) -> Graph:
        """Rebuild bottom-up: `step(node, new_args)` gives each node's image.

        `deep`, the name of a pass, rewrites the bodies of loops and branches first, by the same step: right
        for steps that look at the node alone, and not at what surrounds it in this graph. Bodies in which
        the pass has found nothing before are left alone: nested ones would be gone through at each level.

        Nodes in `done` are known to be their own images, with the arguments and bodies that they have: the
        step isn't asked. A node that a step makes on the way (not the image of any old node) takes over the
        origins of the node that it stands for. A graph in which no node changes comes back as it is.
        """
        inside = bool(deep and self.bodies)
        mapping: dict[Node, Node] = {}  # of the nodes that change
        unchanged = mapping.keys().isdisjoint
        alike = True  # each image has the images of its node's arguments
        for node in self._order:
            inner, args = node, node.args
            if mapping and not unchanged(args):
                args = tuple([mapping.get(a, a) for a in args])
            elif node in done and not (inside and node.attrs):
                continue
            if inside and node.attrs:
                inner = node.map_subgraphs(lambda body: body._rewritten(step, deep, done))
            image = step(inner, args)
            if image is not node:
                mapping[node] = image
                alike = alike and image.args == args
        if not mapping:
            self.settled.update([deep] if deep else [])
            return self
        graph = self.replace(mapping)
        born = self._born(mapping)
        if born:
            graph = replace(graph, origins={**born, **graph.origins})
        if alike:
            graph.__dict__["_order"] = tuple(dict.fromkeys([mapping.get(n, n) for n in self._order]))
        return graph

    def _born(self, mapping: Mapping[Node, Node]) -> dict[Node, tuple[Origin, ...]]:
        """The origins of new nodes, images and what these are made of: those of what they stand for."""
        old = set(self._order)
        known = old.difference(mapping).union(mapping.values())
        born: dict[Node, tuple[Origin, ...]] = {}
        for node, image in mapping.items():
            origins = self.origins.get(node)
            if origins and image not in old:
                born.setdefault(image, origins)
                if not known.issuperset(image.args):
                    _inherit(image.args, origins, born, known)
        return born

    def with_images(self, images: Mapping[Node, Node]) -> Graph:
        """The graph with these nodes in the places of others."""
        done = set(self._order).difference(images)
        return self.rewrite(lambda node, args: images.get(node) or node.with_args(args), done=done)

    def _rewritten(
        self, step: Callable[[Node, tuple[Node, ...]], Node], deep: str, done: Container[Node]
    ) -> Graph:
        return self if deep in self.settled else self.rewrite(step, deep, done)


def _inherit(
    nodes: Iterable[Node], origins: tuple[Origin, ...], born: dict[Node, tuple[Origin, ...]], known: set[Node]
) -> None:
    """Give fresh nodes, down to known ones, the origins of what they replace."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node in born or node in known or node.op.name == "argument":
            continue
        born[node] = origins
        if not known.issuperset(node.args):
            stack.extend(node.args)


def fact(function: Callable[[Owner], Found]) -> Callable[[Owner], Found]:
    """A fact about a graph or a node, worked out when it is first asked for and kept with its owner."""

    @wraps(function)
    def kept(owner: Owner) -> Found:
        if function not in owner.facts:
            owner.facts[function] = function(owner)
        found: Found = owner.facts[function]
        return found

    return kept


def topological(roots: Iterable[Node], beyond: Container[Node] = ()) -> list[Node]:
    """Post-order of the nodes below the roots, in the order in which they are first needed.

    Nodes in `beyond` are left out, with what they alone need.
    """
    order: list[Node] = []
    done: set[Node] = set()  # and those in `beyond` that have been met
    stack = [root for root in roots if root not in beyond][::-1]
    while stack:
        node = stack.pop()
        if node in done:
            continue
        args = node.args
        if done.issuperset(args):
            done.add(node)
            order.append(node)
            continue
        stack.append(node)
        if beyond:
            done.update([arg for arg in args if arg in beyond])
        stack += args[::-1]
    return order


def users(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """For each node those that use it, once for each use."""
    result: dict[Node, list[Node]] = {}
    for node in nodes:
        if node not in result:
            result[node] = []
        for arg in node.args:
            if arg in result:
                result[arg].append(node)
            else:
                result[arg] = [node]
    return result
