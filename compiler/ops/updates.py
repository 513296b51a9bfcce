"""An array with some of its elements changed: how a loop writes into an array that it carries.

    hs2 = ops.set_at(hs, h, t, index=(("array", 0), whole(H)), once=True)     # hs[t] = h
    d_x2 = ops.add_at(d_x, g, t, index=(("array", 0), whole(D)))              # d_x[t] += g

Both give a new array. Where nothing else uses the old one, the emitter writes in place.
"""

from __future__ import annotations

import numpy as np

from .. import ops
from ..ir import Array, Node, Op, declare
from ..types import Type, TypeProblem, shape_text
from .indexing import (
    Index,
    adding_routine,
    check_index_arrays,
    index_text,
    index_value,
    indexed_shape,
    picked_once,
    subscript,
)
from .shape import DimText


def _infer(a: Type, v: Type, *arrays: Type, index: Index, once: bool = False) -> Type:
    check_index_arrays(arrays)
    expected = indexed_shape(a.shape, index, [x.shape for x in arrays])
    if v != a.with_shape(expected):
        raise TypeProblem("E0203", f"{v} in the place of {a.kind}{shape_text(expected)}")
    return a


def elements(a: Node, *arrays: Node, index: Index) -> Node:
    """The elements that an index with as many index arrays picks."""
    return ops.gather(a, *arrays, index=index) if arrays else ops.getitem(a, index=index)


def _set_eval(a: Array, v: Array, *arrays: Array, index: Index, once: bool) -> Array:
    out = np.array(a)
    out[subscript(index, arrays)] = v if np.ndim(v) else np.asarray(v).item()
    return out


def _set_vjp(g: Node, out: Node, a: Node, v: Node, *arrays: Node) -> tuple[Node | None, ...]:
    index = out["index"]
    taken = elements(g, *arrays, index=index)
    if out["once"]:
        # Nothing but zeros was there, and no earlier step has read what this one writes.
        return g, taken, *(None for _ in arrays)
    zeros = ops.broadcast_to(0.0, shape=v.shape) if v.shape else ops.as_node(0.0)
    return ops.set_at(g, zeros, *arrays, index=index, once=False), taken, *(None for _ in arrays)


def _set_py(node: Node, d: DimText) -> str:
    return f"out = a.copy()\nout[{index_text(node['index'], node.shape, d)}] = v"


def _add_eval(a: Array, v: Array, *arrays: Array, index: Index) -> Array:
    out = np.array(a)
    np.add.at(out, subscript(index, arrays), v if np.ndim(v) else np.asarray(v).item())
    return out


def _add_py(node: Node, d: DimText) -> str:
    if picked_once(node.args[2:]):
        return f"out = a.copy()\nout[{index_text(node['index'], node.shape, d)}] += v"
    return f"out = a.copy()\nnp.add.at(out, {index_value(node['index'], node.shape, d)}, v)"


def _add_fast(node: Node, d: DimText) -> str | None:
    a, _, *arrays = node.args
    routine = adding_routine(node["index"], a.shape, arrays)
    return None if routine is None else f"out = a.copy()\n{routine}(out, i0, v)"


set_at = declare(
    Op(
        "set_at",
        ("a", "v", "*i"),
        "a with v in the place of the elements that an index picks, none of them twice.\n\n"
        "`once`: these elements are zeros in a, and no other step writes them (a model's `var`).",
        _infer,
        _set_eval,
        _set_vjp,
        work="update",
        py=_set_py,
        bounds=lambda a, v, *_: (min(a[0], v[0]), max(a[1], v[1])),
        linear="jointly",
    )
)

add_at = declare(
    Op(
        "add_at",
        ("a", "v", "*i"),
        "a with v added to the elements that an index picks; to one that is picked twice, twice.",
        _infer,
        _add_eval,
        lambda g, out, a, v, *arrays: (
            g,
            elements(g, *arrays, index=out["index"]),
            *(None for _ in arrays),
        ),
        work="update",
        py=_add_py,
        fast=_add_fast,
        linear="jointly",
    )
)

columns = declare(
    Op(
        "columns",
        ("x",),
        "x, column by column in memory where its rows are short and many.",
        lambda x: x,
        lambda x: x,
        lambda g, out, x: (g,),
        py="_columns(x)",
        bounds=lambda x: x,
        linear="jointly",
        view=True,
    )
)

detached = declare(
    Op(
        "detached",
        ("a",),
        "a in memory of its own, where what it is a part of will change.",
        lambda a: a,
        lambda a: np.array(a),
        lambda g, out, a: (g,),
        py="a.copy()",
        bounds=lambda a: a,
        linear="jointly",
    )
)
