"""Indexing and slicing as in NumPy, with dims that the compiler works out.

`x[:, 1:]` of real[N, D] is real[N, D-1], on the assumption that D >= 1, which the module checks at its
boundary. `E[words]` gathers by an integer array, `x[i]` by an int. Of the variables of loops it is known what
they run through: `x[t + 1]` for t in range(N) is an error, `x[t : t + 3]` has three elements.
"""

from __future__ import annotations

from typing import Union

from autodiffc.grammar import ast
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

from .. import ops
from ..ir import Node
from ..ops.indexing import Index, Item, indexed_shape, whole
from ..types import INT, Dim, Shape, TypeProblem, broadcast
from .counting import is_moving
from .expressions import Evaluator
from .values import POISON, Poison, Static, Value, as_value_node, describe, first_outside

_NEW_AXIS = "None"
_NEW = "new"


@record(frozen=True, eq=False)
class _Moving:
    """A slice whose first position changes from step to step, as an array of positions."""

    positions: Node


Picked = Union[Item, Node, _Moving]


@record(frozen=True, eq=False)
class Place:
    """What an index picks: the index, its arrays, the shape; each axis' position where it is a single one."""

    index: Index
    arrays: tuple[Node, ...]
    shape: Shape
    forms: tuple[Dim | None, ...]


def index(evaluator: Evaluator, expr: ast.Index) -> Value:
    """`value[items]` as a node (or an element of a tuple)."""
    variable = evaluator.scope.find_variable(expr.value.id) if isinstance(expr.value, ast.Name) else None
    accesses = len(evaluator.context.accesses)
    base = evaluator.value(expr.value)
    if isinstance(base, Poison):
        return base
    if isinstance(base, tuple):
        return _tuple_element(evaluator, expr, base)
    node = as_value_node(base)
    picked = _picked(evaluator, expr, node)
    if picked is None:
        return POISON
    if variable is not None:  # not the whole of it is read
        forms = _forms(evaluator, picked)
        evaluator.context.accesses[accesses] = evaluator.context.access(variable, "", forms, expr.span)
    for axis, item in enumerate([p for p in picked if p != (_NEW,)]):
        if isinstance(item, _Moving):
            rest = [whole(d) for d in node.shape]
            rest[axis] = ("array", 0)
            node = evaluator.context.made(ops.gather(node, item.positions, index=tuple(rest)), expr.span)
    still = [whole(p.positions.shape[0]) if isinstance(p, _Moving) else p for p in picked]
    return evaluator.context.made(_build(node, still), expr.span)


def place_of(evaluator: Evaluator, expr: ast.Index, node: Node) -> Place | None:
    """What `node[items] = …` writes; None, and a report, where that is no place."""
    picked = _picked(evaluator, expr, node)
    if picked is None:
        return None
    kept = [p for p in picked if not isinstance(p, _Moving) and p != (_NEW,)]
    if len(kept) < len(picked):
        help_text = "write it one element at a time"
        evaluator.context.report("E0315", "this is no place to write to", expr.span, help=help_text)
        return None
    spec, arrays = _spec(kept)
    shape = indexed_shape(node.shape, spec, [a.shape for a in arrays])
    return Place(spec, arrays, shape, _forms(evaluator, picked))


def _picked(evaluator: Evaluator, expr: ast.Index, node: Node) -> list[Picked] | None:
    items = _aligned(expr, node)
    picked = [_item(evaluator, item, axis, node.shape) for item, axis in items]
    known = [p for p in picked if not isinstance(p, Poison)]
    return known if len(known) == len(picked) else None


def _forms(evaluator: Evaluator, picked: list[Picked]) -> tuple[Dim | None, ...]:
    """Where each axis is picked at one position, that position."""
    forms: list[Dim | None] = []
    for item in picked:
        if isinstance(item, Node):
            forms.append(None if item.rank else evaluator.context.counting.form(item))
        elif isinstance(item, _Moving) or item != (_NEW,):
            forms.append(item[1] if isinstance(item, tuple) and item[0] == "at" else None)
    return tuple(forms)


def _tuple_element(evaluator: Evaluator, expr: ast.Index, base: tuple[Value, ...]) -> Value:
    only = expr.items[0] if len(expr.items) == 1 else None
    position = None if only is None or isinstance(only, (ast.Slice, ast.Ellipsis_)) else evaluator.value(only)
    if isinstance(position, Poison):
        return position
    known = position.dim.known if isinstance(position, Static) else None
    if known is None or not -len(base) <= known < len(base):
        return evaluator.context.report(
            "E0208", "an index that does not fit", expr.span, f"{describe(base)} is indexed by a number"
        )
    return base[known]


def _is_new_axis(item: ast.IndexItem) -> bool:
    return isinstance(item, ast.Name) and item.id == _NEW_AXIS


def _aligned(expr: ast.Index, node: Node) -> list[tuple[ast.IndexItem, int]]:
    """Each item with the axis that it takes; `...` and what is left out become whole slices."""
    used = sum(not isinstance(i, ast.Ellipsis_) and not _is_new_axis(i) for i in expr.items)
    ellipses = [i for i in expr.items if isinstance(i, ast.Ellipsis_)]
    if len(ellipses) > 1:
        raise TypeProblem("E0208", "more than one `...`")
    if used > node.rank:
        few = f"{used} indices for {node.type}, which has {node.rank} ax{'i' if node.rank == 1 else 'e'}s"
        raise TypeProblem("E0208", few if node.rank else "a scalar has no elements")
    items: list[ast.IndexItem] = list(expr.items)
    whole: list[ast.IndexItem] = [ast.Slice(expr.span, None, None, None)] * (node.rank - used)
    place = items.index(ellipses[0]) if ellipses else len(items)
    items[place : place + len(ellipses)] = whole
    aligned, axis = [], 0
    for item in items:
        aligned.append((item, axis))
        axis += not _is_new_axis(item)
    return aligned


def _item(evaluator: Evaluator, item: ast.IndexItem, axis: int, shape: Shape) -> Picked | Poison:
    if isinstance(item, ast.Slice):
        return _slice(evaluator, item, shape[axis])
    assert not isinstance(item, ast.Ellipsis_)  # _aligned replaced it
    if _is_new_axis(item):
        return (_NEW,)
    value = evaluator.value(item)
    if isinstance(value, Poison):
        return value
    if isinstance(value, Static):
        return _position(evaluator, value.dim, shape[axis], item.span)
    if not isinstance(value, Node) or value.type.kind != "int":
        return _bad_index(evaluator, value, item.span)
    return _in_range(evaluator, value, shape[axis], item.span)


def _in_range(evaluator: Evaluator, positions: Node, size: Dim, span: Span) -> Node | Poison:
    """An array of positions, or one that changes; what is known of them is checked now."""
    if positions.type == INT:
        form = evaluator.context.counting.form(positions)
        if _is_outside(evaluator, form, form, size, span):
            return POISON
        return _from_front(evaluator, positions, form, size, span)
    outside = first_outside(positions, -size, size)
    return positions if outside is None else _out_of_range(evaluator, str(outside), size, span)


def _from_front(evaluator: Evaluator, positions: Node, last: Dim, size: Dim, span: Span) -> Node:
    """Positions that are all seen to be negative, up to the form `last`, counted from the front."""
    high = evaluator.context.counting.highest(last)
    if high is None or not (-1 - high).is_natural:
        return positions
    return evaluator.context.made(positions + as_value_node(Static(size)), span)


def _is_outside(evaluator: Evaluator, first: Dim, last: Dim, size: Dim, span: Span) -> bool:
    """Report positions from first to last, both forms of loops' variables, that lie outside of an axis."""
    context, counting = evaluator.context, evaluator.context.counting
    if not is_moving(first) or not counting.certain:
        return False
    low, high = counting.lowest(first), counting.highest(last)
    loose_low, loose_high = counting.lowest(first, loose=True), counting.highest(last, loose=True)
    behind = high is not None and (-1 - high).is_natural
    bounds = [] if low is None else [(low + size if behind else low, loose_low, low)]
    if high is not None and not behind:
        gap = None if loose_high is None else size - 1 - loose_high
        bounds.append((size - 1 - high, gap, high))
    for slack, loose, reached in bounds:
        if (loose is not None and counting.follows(loose)) or counting.follows(slack):
            continue
        if slack.known is not None:
            text = " ".join(span.text.split())
            label = f"it comes to {reached}; the axis has {size} element{'s' * (size.known != 1)}"
            help_text = (
                f"begin the range further on, or wrap around: ({text}) % {size}" if reached is low else ""
            )
            context.report("E0208", f"index {text} is out of range", span, label, help=help_text)
            return True
        context.require(slack, f"index {' '.join(span.text.split())} of an axis of {size}", span)
    return False


def _out_of_range(evaluator: Evaluator, position: str, size: Dim, span: Span) -> Poison:
    label = f"the axis has {size} element{'s' * (size.known != 1)}"
    return evaluator.context.report("E0208", f"index {position} is out of range", span, label)


def _bad_index(evaluator: Evaluator, value: Value, span: Span) -> Poison:
    if isinstance(value, Node) and value.type.kind == "bool":
        help_text = "the result's size would depend on data: use where(mask, x, 0.0)"
        return evaluator.context.report(
            "E0208", "an array cannot be picked by a mask", span, str(value.type), help=help_text
        )
    message = "an index is an int, an int array or a slice"
    return evaluator.context.report("E0208", message, span, describe(value))


def _position(evaluator: Evaluator, at: Dim, size: Dim, span: Span) -> Item | Poison:
    """A single position, counted from the front."""
    position = size + at if at.known is not None and at.known < 0 else at
    slack = position if position is not at else size - at - 1
    if slack.known is not None and slack.known < 0:
        return _out_of_range(evaluator, str(at), size, span)
    evaluator.context.require(slack, f"index {at} of an axis of {size}", span)
    return ("at", position)


def _slice(evaluator: Evaluator, item: ast.Slice, size: Dim) -> Item | _Moving | Poison:
    parts = [_bound(evaluator, part) for part in (item.start, item.stop, item.step)]
    if any(isinstance(p, Poison) for p in parts):
        return POISON
    step = parts[2]
    stride = 1 if step is None else step.known if isinstance(step, Dim) else None
    if stride is None or stride == 0:
        assert item.step is not None
        return evaluator.context.report(
            "E0208", "the step of a slice is a number other than 0", item.step.span
        )
    if any(isinstance(p, Node) for p in parts[:2]):
        return _moving_slice(evaluator, item, size, parts[0], parts[1], stride)
    start, stop = (p if isinstance(p, Dim) else None for p in parts[:2])
    if size.known is not None and all(p is None or p.known is not None for p in (start, stop)):
        return _known_slice(size.known, start, stop, stride)
    return _symbolic_slice(evaluator, item, size, start, stop, stride)


def _bound(evaluator: Evaluator, expr: ast.Expr | None) -> Dim | Node | Poison | None:
    if expr is None or (isinstance(expr, ast.Name) and expr.id == "None"):
        return None
    value = evaluator.value(expr)
    if isinstance(value, Node) and value.type == INT:
        return value
    if isinstance(value, (Static, Poison)):
        return value.dim if isinstance(value, Static) else value
    return evaluator.context.report("E0204", "the bound of a slice is an int", expr.span, describe(value))


def _moving_slice(
    evaluator: Evaluator, item: ast.Slice, size: Dim, start: object, stop: object, step: int
) -> _Moving | Poison:
    """`x[i : i + 20]`: where it begins is known at run time, how long it is must be known now."""
    counting = evaluator.context.counting
    first, last = (
        counting.form(part) if isinstance(part, Node) else part if isinstance(part, Dim) else default
        for part, default in ((start, Dim.of(0)), (stop, size))
    )
    span = last - first
    length = span if step == 1 else (span + (step - 1)) // step
    if is_moving(span) or step < 0:
        help_text = "take a slice of one size, `x[i : i + 20]`, or mask: where(arange(N) < i, x, 0.0)"
        return evaluator.context.report(
            "E0208", "a slice whose size only run time knows", item.span, help=help_text
        )
    if length.known is not None and length.known < 0:
        return evaluator.context.report("E0208", "a slice that ends before it starts", item.span)
    end = first + step * (length - 1)
    if _is_outside(evaluator, first, end, size, item.span):
        return POISON
    begin = start if isinstance(start, Node) else as_value_node(Static(first))
    begin = _from_front(evaluator, begin, end, size, item.span)
    return _Moving(begin + ops.arange(start=Dim.of(0), step=step, count=length))


def _known_slice(size: int, start: Dim | None, stop: Dim | None, step: int) -> Item:
    """Everything is a number: Python's own clipping."""
    bounds = slice(None if start is None else start.known, None if stop is None else stop.known, step)
    picked = range(size)[bounds]
    return ("slice", Dim.of(picked.start if len(picked) else 0), Dim.of(len(picked)), step)


def _symbolic_slice(
    evaluator: Evaluator, item: ast.Slice, size: Dim, start: Dim | None, stop: Dim | None, step: int
) -> Item | Poison:
    """Sizes are dims: bounds are taken to lie inside the axis, which the module checks at run time."""

    def from_front(bound: Dim) -> Dim:
        return size + bound if bound.known is not None and bound.known < 0 else bound

    text = item.span.text
    if step > 0:
        first = Dim.of(0) if start is None else from_front(start)
        last = size if stop is None else from_front(stop)
        span = last - first
        for slack in (first, size - last, span):
            evaluator.context.require(slack, f"the slice {text} of an axis of {size}", item.span)
    else:
        first = size - 1 if start is None else from_front(start)
        last = Dim.of(-1) if stop is None else from_front(stop)
        span = first - last
        for slack in (size - first - 1, last + 1, span):
            # A whole reversed axis may be empty.
            if start is not None or stop is not None:
                evaluator.context.require(slack, f"the slice {text} of an axis of {size}", item.span)
    stride = abs(step)
    length = span if stride == 1 else (span + (stride - 1)) // stride
    if length.known is not None and length.known < 0:
        return evaluator.context.report(
            "E0208", "a slice that ends before it starts", item.span, f"{text} of an axis of {size}"
        )
    return ("slice", first, length, step)


def _build(node: Node, picked: list[Item | Node]) -> Node:
    arrays = [p for p in picked if isinstance(p, Node)]
    if not arrays:
        items = tuple(p for p in picked if isinstance(p, tuple))
        kept = [i for i in items if i[0] != "new"]
        if not all(i[0] == "slice" and i[2] == d and i[3] == 1 for i, d in zip(kept, node.shape)):
            return ops.getitem(node, index=items)
        dims = iter(node.shape)  # nothing is left out: at most axes of one element are put in
        shape = tuple(Dim.of(1) if i[0] == "new" else next(dims) for i in items)
        return node if shape == node.shape else ops.reshape(node, shape=shape)
    broadcast(*(a.shape for a in arrays))
    return ops.gather(node, *arrays, index=_spec(picked)[0])


def _spec(picked: list[Item | Node]) -> tuple[Index, tuple[Node, ...]]:
    """The index, and the arrays in it."""
    arrays = tuple(p for p in picked if isinstance(p, Node))
    counter = iter(range(len(arrays)))
    return tuple(("array", next(counter)) if isinstance(p, Node) else p for p in picked), arrays
