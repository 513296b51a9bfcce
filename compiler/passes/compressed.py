"""Sparse derivatives as graphs: the pattern, and the compressed products that its colouring asks for.

    r[i] = x[i + 1] - x[i]        pattern: r[i] by x[i] and x[i + 1]; two colours
    columns = J @ S               S: a column for each colour, 1 where an element of x has it

Columns of one colour meet in no row, so every element that may differ from 0 stands alone somewhere in the
compressed product (Curtis, Powell & Reid 1974; for Hessians Coleman & Moré 1984). Colours of rows are used,
with reverse mode, where fewer of them do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal as Choice

import numpy as np

from .. import ops
from ..colouring import _star_coloured
from ..interp import evaluate
from ..ir import Array, Graph, Node
from ..model import Requested, Sparse
from ..ops import argument
from ..ops.own import has_own_adjoints
from ..types import Dim, Type, size_of
from .dce import Dce
from .directions import over_directions
from .forward import pushed_forward
from .matrices import flat_rows, hessian_is_written_out, is_written_out
from .prepared import Prepared
from .sparsity import Extent, Pattern, hessian_pattern, jacobian_pattern
from .structured import Fresh

DIRECTIONS = "P"  # the number of colours, as a dim
# Sizes of the dims in turn where a pattern is looked at; those of data are larger. All are multiplied: large
# sizes tell wide bands from what is full, small ones serve where large ones make too many entries.
SAMPLE_SIZES, MANY, MULTIPLES = (7, 5, 6, 4, 8, 3), 40, (5, 1)
LARGEST_LOOK = 200_000  # entries


def sparse_jacobian(model: Prepared) -> Sparse | None:
    """What a sparse Jacobian is made of; None where colours are no fewer than columns or rows."""
    if model.program.scalar_target:
        return None
    patterns = jacobian_pattern(model.plain_alone(), model.target, model.wrt)
    if all(pattern is Extent.FULL for pattern in patterns.values()):
        return None
    indices = _indices(model, patterns)
    by = _best_side(model, indices)
    if by is None:
        return None
    product = _row_product(model) if by == "rows" else _column_product(model)
    dense = all(
        is_written_out(model, model.alone(), name) or patterns[name] is Extent.FULL for name in model.wrt
    )
    return Sparse("jacobian", indices, product, by, serves_dense=not dense)


def sparse_hessian(model: Prepared) -> Sparse | None:
    """What a sparse Hessian is made of; None where colours are no fewer than columns."""
    if has_own_adjoints(model.graph):
        return None  # what it brings need not be the derivative of a function, nor its own be symmetric
    pattern = hessian_pattern(model.plain_alone(), model.target, model.wrt)
    if pattern is Extent.FULL:
        return None
    if isinstance(pattern, Extent):
        none = ops.broadcast_to(-1, shape=(Dim.of(0),))
        pattern = Graph((), (("rows", none), ("cols", none)))
    if not _is_worth_colours(model, pattern):
        return None
    stacks = _stacks(model, "v_{}s", {name: model.node(name).type for name in model.wrt})
    dots = model.vectors("v_{}")
    graph = over_directions(
        model.gradient_along(dots), {dots[n]: stack for n, stack in stacks.items()}, _count(model)
    )
    products = flat_rows([node for _, node in graph.outputs], _count(model))
    graph = replace(graph, outputs=(("products", products),))
    vectors = tuple((str(stack["name"]), name) for name, stack in stacks.items())
    product = Requested("_hessian_products", graph, vectors)
    return Sparse("hessian", pattern, product, "star", serves_dense=not hessian_is_written_out(model))


# --- patterns ------------------------------------------------------------------------------------


def _indices(model: Prepared, patterns: Mapping[str, Pattern]) -> Graph:
    """One graph with the indices of each wrt value as an output."""
    shape = model.value().shape
    outputs, inputs = [], {}
    for name, pattern in patterns.items():
        size = size_of(model.node(name).shape)
        if isinstance(pattern, Graph):
            outputs.append((f"{name}_indices", pattern.outputs[0][1]))
            inputs.update(dict.fromkeys(pattern.inputs))
        elif pattern is Extent.FULL:
            outputs.append((f"{name}_indices", ops.broadcast_to(_every(size), shape=(*shape, size))))
        else:
            outputs.append((f"{name}_indices", ops.broadcast_to(-1, shape=(*shape, Dim.of(0)))))
    return Graph(tuple(inputs), tuple(outputs))


def _best_side(model: Prepared, indices: Graph) -> Choice["columns", "rows"] | None:
    """Which side of a Jacobian wants fewer colours, at sizes chosen for a look; None if neither spares any.

    A row wants as many colours of columns as it has entries, and a column as many colours of rows.
    """
    sizes = [size_of(model.node(name).shape) for name in model.wrt]
    height = size_of(model.value().shape)
    found = _at_a_look(model, indices)
    if found is None:
        return "columns"
    at, arrays = found
    starts = np.cumsum([0, *(size.evaluate(at) for size in sizes)])
    keys = [np.zeros(0, np.int64)]
    for array, start in zip(arrays, starts):
        table = array.reshape(height.evaluate(at), array.shape[-1])
        row, at_row = np.nonzero(table >= 0)
        keys.append(row * starts[-1] + start + table[row, at_row])
    rows, cols = np.divmod(np.unique(np.concatenate(keys)), max(starts[-1], 1))
    of_columns, of_rows = (int(np.bincount(side).max(initial=0)) for side in (rows, cols))
    if of_columns < starts[-1] and (of_columns <= of_rows or of_rows >= height.evaluate(at)):
        return "columns"
    return "rows" if of_rows < height.evaluate(at) else None


def _is_worth_colours(model: Prepared, pattern: Graph) -> bool:
    """Whether a Hessian has fewer colours than columns, at sizes chosen for a look."""
    found = _at_a_look(model, pattern)
    if found is None:
        return True
    at, (rows, cols) = found
    size = model.size().evaluate(at)
    there = (rows >= 0) & (cols >= 0)
    rows, cols = np.divmod(np.unique(rows[there] * size + cols[there]), max(size, 1))
    return bool(_star_coloured(rows, cols, size).max(initial=-1) + 1 < size)


def _at_a_look(model: Prepared, pattern: Graph) -> tuple[dict[str, int], list[Array]] | None:
    """A pattern at sizes chosen for a look; None where it is too large for one or does not fit the model."""
    for multiple in MULTIPLES:
        found = _at_sizes(_sample(model, pattern, multiple), pattern)
        if found is not None:
            return found
    return None


def _at_sizes(at: dict[str, int], pattern: Graph) -> tuple[dict[str, int], list[Array]] | None:
    try:
        if max(size_of(node.shape).evaluate(at) for _, node in pattern.outputs) > LARGEST_LOOK:
            return None
        rng = np.random.default_rng(0)
        given = {
            node["name"]: rng.integers(0, 2, tuple(dim.evaluate(at) for dim in node.shape))
            for node in pattern.inputs
        }
        found = evaluate(pattern, given, at)
    except (ValueError, IndexError):
        return None
    return at, [found[name] for name, _ in pattern.outputs]


def _sample(model: Prepared, pattern: Graph, multiple: int) -> dict[str, int]:
    data = _symbols(a.type for a in model.program.inputs) - _symbols(a.type for a in model.program.params)
    data |= _symbols(node.type for node in pattern.inputs)
    return {
        name: (SAMPLE_SIZES[i % len(SAMPLE_SIZES)] + MANY * (name in data)) * multiple
        for i, name in enumerate(sorted(model.program.dims))
    }


def _symbols(types: Iterable[Type]) -> set[str]:
    return {symbol for type in types for dim in type.shape for symbol in dim.symbols}


def _every(size: Dim) -> Node:
    return ops.arange(start=Dim.of(0), step=1, count=size)


# --- products ------------------------------------------------------------------------------------


def _count(model: Prepared) -> Dim:
    """How many directions there are: a dim named unlike anything in the model."""
    return Dim.symbol(model.fresh()(DIRECTIONS))


def _stacks(model: Prepared, pattern: str, types: Mapping[str, Type]) -> dict[str, Node]:
    """An argument for the stack of all directions of each value."""
    fresh, count = model.fresh(), _count(model)
    return {
        name: argument(fresh(pattern.format(name)), type.with_shape((count, *type.shape)))
        for name, type in types.items()
    }


def _column_product(model: Prepared) -> Requested:
    """The target, and its tangents along a stack of directions."""
    dots, count = model.vectors("{}_dot"), _count(model)
    stacks = _stacks(model, "{}_dots", {name: model.node(name).type for name in model.wrt})
    joint = pushed_forward(model.alone(), [model.target], dots, model.options)
    alone = Dce().run(replace(joint, outputs=joint.outputs[-1:]))
    graph = over_directions(alone, {dots[n]: stack for n, stack in stacks.items()}, count)
    products = ops.reshape(graph.outputs[0][1], shape=(count, size_of(model.value().shape)))
    return _with_target(model, "_jacobian_columns", graph, products, stacks)


def _row_product(model: Prepared) -> Requested:
    """The target, and its gradients for a stack of cotangents."""
    value, count = model.value(), _count(model)
    seed = argument(model.fresh()(f"d_{model.target}"), value.type)
    stacks = _stacks(model, "d_{}s", {model.target: value.type})
    graph = over_directions(model.gradient(seed), {seed: stacks[model.target]}, count)
    products = flat_rows([node for _, node in graph.outputs], count)
    return _with_target(model, "_jacobian_rows", graph, products, stacks)


def _with_target(
    model: Prepared, name: str, graph: Graph, products: Node, stacks: Mapping[str, Node]
) -> Requested:
    label = Fresh([model.target])("products")
    whole = replace(graph, outputs=((model.target, model.value()), (label, products)))
    names = {products: label, **model.graph.names, **graph.names}
    whole = Dce().run(replace(whole, names=names, origins={**graph.origins, **model.graph.origins}))
    return Requested(name, whole, tuple((str(stack["name"]), like) for like, stack in stacks.items()))
