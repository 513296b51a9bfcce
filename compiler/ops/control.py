"""Loops and branches: ops whose attributes are graphs.

    h_T, hs, steps = loop(T, h_0, x, W; body: (t, h, x, W) -> (h', h'))

A loop is functional: it carries values from step to step, reads what it is given, and stacks values of its
steps. Its result, like a branch's, is a tuple of which `item` takes an element:

    result = loop(count, *carried, *given, body=body, carried=1, length=T)
    h, hs = item(result, position=0), item(result, position=1)

A body is closed. Its inputs are the step's number (from 0 on), the carried values, what is given; its
outputs the carried values after the step, then what is stacked. The names of its inputs and of its outputs
are its own, each different from the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from .. import ops
from ..ir import Array, Graph, Node, NonDiff, Op, const, declare
from ..types import INT, TUPLE, Dim, Kind, Type, TypeProblem
from .shape import DimText

UNLIMITED = 2**63 - 1  # the count of a `while` without `max`
_LOCAL = "_steps"  # no dim of a model begins so


def steps_dim(number: int) -> Dim:
    """The number of steps of a loop as a dim, where only run time knows it."""
    return Dim.symbol(f"{_LOCAL}{number}")


def is_local(dim: Dim) -> bool:
    """Whether a dim takes the number of steps of a loop, which may be another each time that it runs."""
    return any(name.startswith(_LOCAL) for name in dim.symbols)


def _no_text(node: Node, d: DimText) -> str:
    raise TypeError(f"{node.op.name} is written as statements")


def _fits(results: Sequence[Type], expected: Sequence[Type], what: str) -> None:
    for result, type_ in zip(results, expected):
        if result != type_:
            raise TypeProblem("E0209", f"{type_} before {what}, {result} after it")


def _given(graph: Graph, types: Sequence[Type], what: str) -> None:
    if tuple(node.type for node in graph.inputs) != tuple(types):
        raise TypeProblem("E0209", f"the inputs of {what} are not what it is given")


def results_of(graph: Graph) -> tuple[Type, ...]:
    return tuple(node.type for _, node in graph.outputs)


# --- loops ---------------------------------------------------------------------------------------


def _loop_infer(
    count: Type, *x: Type, body: Graph, carried: int, length: Dim, condition: Graph | None = None,
    reverse: bool = False, checkpoint: bool = False, recompute: bool = False, directions: bool = False,
) -> Type:  # fmt: skip
    if count != INT:
        raise TypeProblem("E0204", f"a number of steps is an int, not {count}")
    _given(body, (INT, *x), "a loop's body")
    if condition is not None:
        _given(condition, (INT, *x), "a loop's condition")
    results = results_of(body)
    _fits(results, x[:carried], "a step")
    stacked = tuple(t.with_shape((length, *t.shape)) for t in results[carried:])
    return Type(TUPLE, (), (*x[:carried], *stacked, INT))


class Body(Protocol):
    """A body as the interpreter hands it on; `types` are the dtypes and shapes of its results."""

    @property
    def types(self) -> Sequence[tuple[Any, tuple[int, ...]]]: ...

    def __call__(self, *x: Array) -> tuple[Array, ...]: ...


def _loop_eval(
    count: Array, *x: Array, body: Body, carried: int, length: int,
    condition: Callable[..., Any] | None = None,
    reverse: bool = False, checkpoint: bool = False, recompute: bool = False, directions: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    state, given = x[:carried], x[carried:]
    rows: list[tuple[Array, ...]] = []
    while len(rows) < count:
        step = np.asarray(count - 1 - len(rows) if reverse else len(rows))
        if condition is not None and not condition(step, *state, *given)[0]:
            break
        results = body(step, *state, *given)
        state = results[:carried]
        rows.append(results[carried:])
    rows = rows[::-1] if reverse else rows
    return (*state, *_stacks(rows, body.types[carried:]), np.asarray(len(rows)))


def _stacks(rows: Sequence[tuple[Array, ...]], types: Sequence[tuple[Any, tuple[int, ...]]]) -> list[Array]:
    """Each step's values, one array for each result; where their sizes differ, zeros fill them up."""
    columns = list(zip(*rows)) or [() for _ in types]
    stacks = []
    for column, (dtype, shape) in zip(columns, types):
        sizes = [np.shape(value) for value in column]
        objects = any(np.asarray(value).dtype == object for value in column)
        size = (len(column), *(map(max, zip(*sizes)) if sizes else shape))
        stack = np.zeros(size, object if objects else dtype)
        for step, value in enumerate(column):
            place: tuple[Any, ...] = (step, *map(slice, np.shape(value)))
            stack[place] = np.asarray(value)[()]  # an element, and no array of rank 0 among objects
        stacks.append(stack)
    return stacks


loop = declare(
    Op(
        "loop",
        ("count", "*x"),
        "Carried values after `count` steps, stacked values of all steps, the number of steps.\n\n"
        "The first `carried` of x are the carried values before the first step, the rest is given to each.\n"
        "A `condition` (a graph with the body's inputs and a bool output) ends the loop before `count`.\n"
        "`length` is the number of steps as a dim: a symbol of the loop's own where only run time knows it.\n"
        "`reverse`: the steps are taken from the last to the first; what is stacked is in order of steps.\n"
        "`checkpoint` asks for an adjoint that keeps the carried values of some sqrt(count) steps,\n"
        "`recompute` for one that keeps the carried values of each step alone; both run the body again.\n"
        "`directions`: the steps are the directions of a derivative; what they do can be done without any.",
        _loop_infer,
        _loop_eval,
        NonDiff("passes/control.py differentiates it"),
        _no_text,
        work="control",
    )
)

item = declare(
    Op(
        "item",
        ("t",),
        "An element of the results of a loop or a branch.",
        lambda t, *, position: t.items[position],
        lambda t, *, position: t[position],
        NonDiff("passes/control.py differentiates it"),
        _no_text,
        work="free",
    )
)


def items(node: Node) -> tuple[Node, ...]:
    """All results of a loop or a branch."""
    return tuple(item(node, position=i) for i in range(len(node.type.items)))


# --- branches ------------------------------------------------------------------------------------


def _branch_infer(condition: Type, *x: Type, then: Graph, orelse: Graph, note: str = "") -> Type:
    if condition != Type("bool"):
        raise TypeProblem("E0204", f"a condition is a bool, not {condition}")
    _given(then, x, "a branch")
    _given(orelse, x, "a branch")
    _fits(results_of(orelse), results_of(then), "`else`")
    return Type(TUPLE, (), results_of(then))


branch = declare(
    Op(
        "branch",
        ("condition", "*x"),
        "The outputs of `then` or of `orelse` on x; only the one that the condition takes is computed.\n\n"
        "`note` is for the reader of the text.",
        _branch_infer,
        lambda condition, *x, then, orelse, note="": (then if condition else orelse)(*x),
        NonDiff("passes/control.py differentiates it"),
        _no_text,
        work="control",
    )
)

_DTYPES: dict[Kind, Any] = {"real": np.float64, "int": np.int64, "bool": np.bool_}


def _undefined_eval(*, kind: Kind, shape: tuple[int | None, ...]) -> Array:
    return np.zeros([size or 0 for size in shape], _DTYPES[kind])


undefined = declare(
    Op(
        "undefined",
        (),
        "What a branch has no value for, and nothing reads after it.",
        lambda *, kind, shape: Type(kind, shape),
        _undefined_eval,
        NonDiff("it is no value"),
        py="None",
        scalar="None",
        work="free",
    )
)

zeros_like = declare(
    Op(
        "zeros_like",
        ("x",),
        "Zeros of the shape of x, where its dims alone don't tell it.",
        lambda x: x,
        lambda x: np.zeros(x.shape, x.dtype),
        lambda g, out, x: (None,),
        py="np.zeros_like(x)",
        scalar="0.0",
        bounds=lambda x: (0.0, 0.0),
    )
)


def zeros_for(value: Node) -> Node:
    """Zeros of a value's type."""
    if any(map(is_local, value.shape)):
        return ops.zeros_like(value)
    return ops.broadcast_to(const(0.0), shape=value.shape) if value.rank else const(0.0)


def may_be_missing(node: Node) -> bool:
    """Whether a branch may have no value for it, or for a row of it."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current.op is undefined:
            return True
        if current.op is item:
            whole, position = current.args[0], current["position"]
            if whole.op not in (loop, branch):
                continue
            sides = list(whole.subgraphs())[: 2 if whole.op is branch else 1]
            stacked = whole.op is branch or position >= whole["carried"]
            waiting.extend(g.outputs[position][1] for g in sides if stacked and position < len(g.outputs))
    return False
