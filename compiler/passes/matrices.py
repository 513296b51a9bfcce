"""Dense derivatives as graphs: the Jacobian of a target by each wrt value, the Hessian over all of them.

    r = y - b1 * (1 - exp(-b2 * x))     J_b1, J_b2: a tangent each, written out
    p = softmax(x @ W)                  J_W: tangents along all unit vectors of W's space

By scalars the target is differentiated one by one; by an array along the unit vectors of its space, all in
one stack. Where the target is smaller than what it is differentiated by, it is done from the target's side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from .. import ops
from ..ir import Graph, Node, const
from ..model import Requested
from ..ops import argument
from ..ops.indexing import whole
from ..ops.own import has_own_adjoints
from ..types import TUPLE, Dim, Shape, Type, size_of
from .dce import Dce
from .directions import over_directions
from .forward import pushed_forward
from .prepared import Prepared
from .products import requested
from .structured import Fresh

UNROLLED = 16  # directions that are written out of an array, at most
WRITTEN_OUT = 20_000  # steps that are written out for all wrt values, at most


def jacobian(model: Prepared) -> Requested:
    """The target, and its derivative by each wrt value."""
    if model.program.scalar_target:
        joint = model.joint()
        graph = replace(joint, outputs=joint.outputs[1:])
    else:
        graph = _by_rows(model) if _is_wide(model) else _by_columns(model)
    fresh = Fresh([model.target])
    names = [fresh(f"J_{name}") for name in model.wrt]
    outputs = tuple((name, node) for name, (_, node) in zip(names, graph.outputs))
    graph = _with_names(replace(graph, outputs=((model.target, model.value()), *outputs)), outputs)
    return requested("value_and_jacobian", graph, (), (model.target, *names))


def _is_wide(model: Prepared) -> bool:
    """Whether the target has fewer elements than the wrt values, whatever the dims are."""
    return (model.size() - size_of(model.value().shape) - 1).is_natural


def _by_rows(model: Prepared) -> Graph:
    """All rows by reverse mode."""
    value = model.value()
    seed = argument(model.fresh()(f"d_{model.target}"), value.type)
    count = size_of(value.shape)
    units = _units(count, Dim.of(0), value.type, count)
    stacked = over_directions(model.gradient(seed), {seed: units}, count)
    outputs = [
        (name, shaped(node, (*value.shape, *model.node(name).shape)))
        for name, (_, node) in zip(model.wrt, stacked.outputs)
    ]
    return replace(stacked, outputs=tuple(outputs))


def _by_columns(model: Prepared) -> Graph:
    """A wrt value after the other by forward mode; scalars together where there are many."""
    graph = model.alone()
    scalars = [n for n in model.wrt if not model.node(n).rank and not is_written_out(model, graph, n)]
    columns: dict[str, Node] = {}
    if len(scalars) > 1:
        made, columns = _together(model, scalars)
        graph = _beside(graph, made)
    for name in model.wrt:
        if name not in columns:
            one = _written_out if is_written_out(model, graph, name) else _stacked
            made, columns[name] = one(model, name)
            graph = _beside(graph, made)
    return replace(graph, outputs=tuple((name, columns[name]) for name in model.wrt))


def _beside(graph: Graph, made: Graph) -> Graph:
    """The graph with what is known of another one's nodes."""
    return replace(graph, names={**made.names, **graph.names}, origins={**made.origins, **graph.origins})


def is_written_out(model: Prepared, graph: Graph, name: str) -> bool:
    """Whether the directions of a wrt value are few, and better one by one."""
    nodes = graph.nodes()
    if len(nodes) * len(model.wrt) > WRITTEN_OUT or any(n.type.kind == TUPLE for n in nodes):
        return False
    node = model.node(name)
    return not node.rank or _is_bundle(model, graph, node)


def _is_bundle(model: Prepared, graph: Graph, node: Node) -> bool:
    """Whether an array is no more than a few scalars, each read by its constant position."""
    known = size_of(node.shape).known
    if model.level == 0 or known is None or known > UNROLLED:
        return False
    readers = [n for n in graph.nodes() if node in n.args]
    return all(n.op is ops.getitem and not n.rank for n in readers)


def _written_out(model: Prepared, name: str) -> tuple[Graph, Node]:
    """The tangents along each direction of a wrt value, as the last axes."""
    graph, value, node = model.alone(), model.value(), model.node(name)
    columns = []
    for direction in _directions(node.type):
        joint = pushed_forward(graph, [model.target], {name: direction}, model.options)
        columns.append(joint.outputs[-1][1])
        # Along a unit vector a tangent may be a value of the model, which is not called after it.
        graph = replace(joint, outputs=graph.outputs, names=graph.names)
    J = ops.stack(*columns, axis=value.rank) if node.rank else columns[0]
    return graph, shaped(J, (*value.shape, *node.shape))


def _stacked(model: Prepared, name: str) -> tuple[Graph, Node]:
    """The tangents along all directions of a wrt value, as the last axes."""
    node, value = model.node(name), model.value()
    graph = model.alone()
    dot = argument(model.fresh()(f"{name}_dot"), node.type)
    joint = pushed_forward(graph, [model.target], {name: dot}, model.options)
    alone = Dce().run(replace(joint, outputs=joint.outputs[-1:]))
    count = size_of(node.shape)
    stacked = over_directions(alone, {dot: _units(count, Dim.of(0), node.type, count)}, count)
    rows = stacked.outputs[0][1]
    turned = ops.transpose(rows, axes=(*range(1, rows.rank), 0)) if rows.rank > 1 else rows
    return stacked, shaped(turned, (*value.shape, *node.shape))


def _together(model: Prepared, names: Sequence[str]) -> tuple[Graph, dict[str, Node]]:
    """The tangents along several scalars, in one stack."""
    fresh, count = model.fresh(), Dim.of(len(names))
    dots = {name: argument(fresh(f"{name}_dot"), model.node(name).type) for name in names}
    joint = pushed_forward(model.alone(), [model.target], dots, model.options)
    alone = Dce().run(replace(joint, outputs=joint.outputs[-1:]))
    one = Dim.of(1)
    stacks = {dot: _units(count, Dim.of(k), dot.type, one) for k, dot in enumerate(dots.values())}
    stacked = over_directions(alone, stacks, count)
    rows = stacked.outputs[0][1]
    rest = tuple(map(whole, rows.shape[1:]))
    columns = {n: ops.getitem(rows, index=(("at", Dim.of(k)), *rest)) for k, n in enumerate(names)}
    return stacked, columns


def hessian(model: Prepared) -> Requested:
    """The second derivatives by all wrt values, one after the other in a vector."""
    written_out = hessian_is_written_out(model)
    graph = (_hessian_written_out if written_out else _hessian_stacked)(model)
    return requested("hessian", graph, (), ("hess",))


def hessian_is_written_out(model: Prepared) -> bool:
    """Whether there are few elements, and each is better computed by itself."""
    known = model.size().known
    if known is None or known > UNROLLED or has_own_adjoints(model.graph):
        return False
    gradient = model.gradient()
    return all(is_written_out(model, gradient, name) for name in model.wrt)


def _hessian_stacked(model: Prepared) -> Graph:
    """Products with all unit vectors."""
    dots, total = model.vectors("v_{}"), model.size()
    stacks, start = {}, Dim.of(0)
    for dot in dots.values():
        size = size_of(dot.shape)
        stacks[dot] = _units(total, start, dot.type, size)
        start = start + size
    stacked = over_directions(model.gradient_along(dots), stacks, total)
    hess = flat_rows([node for _, node in stacked.outputs], total)
    outputs = (("hess", hess),)
    return _with_names(replace(stacked, outputs=outputs), outputs)


def flat_rows(stacks: Iterable[Node], count: Dim) -> Node:
    """Stacks of `count` values of several shapes as one matrix, a row for each direction."""
    blocks = [shaped(node, (count, size_of(node.shape[1:]))) for node in stacks]
    return blocks[0] if len(blocks) == 1 else ops.concatenate(*blocks, axis=1)


def shaped(node: Node, shape: Shape) -> Node:
    """The node in a shape, which it may have already."""
    return node if node.shape == shape else ops.reshape(node, shape=shape)


def _hessian_written_out(model: Prepared) -> Graph:
    """Each element by itself; those above the diagonal are those below it."""
    gradient = model.gradient()
    names = [name for name, _ in gradient.outputs]
    graph, rows = gradient, []
    for name in model.wrt:
        for direction in _directions(model.node(name).type):
            joint = pushed_forward(graph, names, {name: direction}, model.options)
            dots = joint.outputs[-len(names) :]
            rows.append([part for _, dot in dots for part in _elements(dot)])
            graph = replace(joint, outputs=graph.outputs)
    n = len(rows)
    full = [ops.stack(*(rows[max(i, j)][min(i, j)] for j in range(n)), axis=0) for i in range(n)]
    return Dce().run(replace(graph, outputs=(("hess", ops.stack(*full, axis=0)),)))


def _with_names(graph: Graph, outputs: Iterable[tuple[str, Node]]) -> Graph:
    """The graph whose outputs are named as such."""
    own = {node: name for name, node in outputs if node.op.name != "argument"}
    names = {**own, **{node: name for node, name in graph.names.items() if node not in own}}
    return Dce().run(replace(graph, names=names))


def _units(count: Dim, start: Dim, type: Type, size: Dim) -> Node:
    """Unit vectors of a space of `count` dims, the part from `start` on of each, in the shape of a value."""
    columns = ops.eye(n=count, m=count, k=0)
    if size != count:
        index = (("slice", Dim.of(0), count, 1), ("slice", start, size, 1))
        columns = ops.getitem(columns, index=index)
    return shaped(columns, (count, *type.shape))


def _directions(type: Type) -> list[Node]:
    """The unit vectors of a value of known size."""
    if not type.rank:
        return [const(1.0)]
    shape = tuple(int(d.known or 0) for d in type.shape)
    return [const(row.reshape(shape)) for row in np.eye(int(np.prod(shape)))]


def _elements(node: Node) -> list[Node]:
    if not node.rank:
        return [node]
    shape = tuple(int(d.known or 0) for d in node.shape)
    return [ops.getitem(node, index=tuple(("at", Dim.of(i)) for i in at)) for at in np.ndindex(*shape)]
