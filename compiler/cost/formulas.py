"""What a node does: the kind of its work, operations and bytes that are moved, as formulas in the dims.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import Dim, Type
>>> N, D = Dim.symbol("N"), Dim.symbol("D")
>>> x, w = ops.argument("x", Type("real", (N, D))), ops.argument("w", Type("real", (D,)))
>>> done = work(x @ w)
>>> done.kind, str(done.flops), str(done.read), str(done.written)
('product', '2*D*N', '8*D*N + 8*D', '8*N')

An operation on elements counts once for each element of the result, a reduction once for each element of its
argument, a product of matrices once for each multiplication and each addition. What moves or picks elements
does no operations. A loop costs its steps, a branch the dearer of its sides, term by term; of two ways to
compute the same (`alternatives.py`) the quick one counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from autodiffc.grammar.records import record

from ..ir import Graph, Node, Op, WorkKind, topological
from ..ops.tiles import TILE
from ..types import Dim, Shape, Type, size_of

NOTHING = Dim.of(0)
REAL_BYTES = 8


@record(frozen=True)
class Work:
    """The kind of work, operations, bytes read and bytes written."""

    kind: WorkKind
    flops: Dim = NOTHING
    read: Dim = NOTHING
    written: Dim = NOTHING

    @property
    def bytes(self) -> Dim:
        return self.read + self.written


FREE = Work("free")
IN_PLACE = ("set_at", "add_at")  # what loops do to the arrays that they carry, in place


def kind_of(op: Op) -> WorkKind:
    """The kind of an op's work; what gives an argument as it is, or a view of it, is free."""
    if op.work:
        return op.work
    if op.elementwise:
        return "elementwise"
    return "free" if op.view or op.py in op.params else "move"


def kind(node: Node) -> WorkKind:
    """The kind of a node's work: what picks elements at positions is free if these are single ones."""
    found = kind_of(node.op)
    if found == "pick" and node.op.view and not any(a.rank for a in node.args[1:]):
        return "free"
    return found


def is_scalar(node: Node) -> bool:
    """Whether it is computed with Python's numbers."""
    return not node.rank and not any(a.rank for a in node.args)


@lru_cache(maxsize=4096)
def bytes_of(type_: Type, real: int = REAL_BYTES) -> Dim:
    """The bytes of a value; `real` are those of a real number."""
    each = {"real": real, "int": 8, "bool": 1}
    if type_.items:
        return total(bytes_of(item, real) for item in type_.items)
    return size_of(type_.shape) * each[type_.kind]


def total(dims: Iterable[Dim]) -> Dim:
    """The sum; equal ones are multiplied, so that many nodes of few sizes are summed at once."""
    result = NOTHING
    for dim, times in Counter(dims).items():
        result = result + dim * times
    return result


def work(node: Node, real: int = REAL_BYTES) -> Work:
    """What a node does; of a loop or a branch, with its bodies."""
    found = kind(node)
    if found == "free":
        return FREE
    if found == "control":
        return _control(node, real)
    if node.op.expand is not None:
        return _parts(node, real)
    written = bytes_of(node.type, real)
    if found == "update":
        news = bytes_of(node.type.with_shape(elements(node)), real)
        return Work(found, NOTHING, news, news)
    read = written if found == "pick" else total(bytes_of(a.type, real) for a in node.args if a.rank)
    return Work(found, _flops(node, found), read, written)


def work_of(nodes: Iterable[Node], real: int = REAL_BYTES) -> Work:
    """What nodes do together."""
    return summed(work(node, real) for node in nodes)


def summed(works: Iterable[Work]) -> Work:
    done = [w for w in works if w.kind != "free"]
    return Work(
        "control", total(w.flops for w in done), total(w.read for w in done), total(w.written for w in done)
    )


def elements(node: Node) -> Shape:
    """The shape of what a node goes through: its result, or what a reduction is made of, or what is new."""
    if node.op.name in IN_PLACE:
        return node.args[1].shape
    return node.args[0].shape if kind(node) == "reduction" else node.shape


def _flops(node: Node, found: WorkKind) -> Dim:
    if node.op.flops is not None:
        return node.op.flops(node)
    return size_of(elements(node)) if found in ("elementwise", "reduction") else NOTHING


def _parts(node: Node, real: int) -> Work:
    """The work of the simpler ops that an op will become."""
    assert node.op.expand is not None
    known = set(node.args)
    expanded = node.op.expand(*node.args, **dict(node.attrs))
    return summed(work(part, real) for part in topological([expanded]) if part not in known)


def counted(node: Node) -> list[Graph]:
    """The bodies that count: where the compiler offers two ways, that where its condition holds."""
    return [node["then"]] if node.get("note") else list(node.subgraphs())


def _control(node: Node, real: int) -> Work:
    bodies = [graph_work(body, real) for body in counted(node)]
    if node.op.name == "branch":
        first, last = bodies[0], bodies[-1]
        return Work("control", *(_most(*pair) for pair in zip(_formulas(first), _formulas(last))))
    if node.op.name == "tiled":  # what does not go with the rows is done for each tile: that counts once
        whole = {str(TILE): node["length"]}
        return Work("control", *(formula.substitute(whole) for formula in _formulas(bodies[0])))
    steps = node["length"] if node.op.name == "loop" else Dim.of(1)
    return Work("control", *(steps * total(column) for column in zip(*map(_formulas, bodies))))


def _formulas(done: Work) -> tuple[Dim, Dim, Dim]:
    return done.flops, done.read, done.written


def _most(a: Dim, b: Dim) -> Dim:
    """No less than either: the larger coefficient of each term."""
    first, second = dict(a.terms), dict(b.terms)
    terms = (Dim(((m, max(first.get(m, 0), second.get(m, 0))),)) for m in {**first, **second})
    return total(terms)


def graph_work(graph: Graph, real: int = REAL_BYTES) -> Work:
    """What all nodes that the outputs need do together."""
    return work_of(graph.nodes(), real)
