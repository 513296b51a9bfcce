"""The functions that compute one tile (see `tiles.py`).

def _on_tile(x: ndarray, d_x: ndarray) -> float:
    rows = x.shape[0]
    exp_x = np.exp(x)
    d_x[:] = exp_x
    return float(exp_x.sum())
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph

from .blocks import Slot
from .context import PYTHON, Context
from .control import StructuredBody
from .dimtext import Holder, bind, readable_from
from .docstrings import write_docstring
from .inplace import NAME
from .memory import Memory
from .pool import use_buffers
from .pytext import Expr
from .reuse import ReusingBody
from .schedule import Group
from .statements import risk_of, write_statements
from .tiles import TileFunction
from .writer import Writer


def write_tile_functions(context: Context, writer: Writer) -> None:
    """Those that the functions written so far call."""
    caller = writer.function
    while len(context.tiles) > context.tiles_written:
        function = context.tiles[context.tiles_written]
        context.tiles_written += 1
        writer.blank(2)
        _write(context, writer, function, caller)


def _write(context: Context, writer: Writer, function: TileFunction, caller: str) -> None:
    body = _body(context, function)
    numbers = [str(body.value(function.body.outputs[p][1])) for p in function.numbers]
    kinds = [PYTHON[function.body.outputs[p][1].type.kind] for p in function.numbers]
    result = "None" if not kinds else kinds[0] if len(kinds) == 1 else f"tuple[{', '.join(kinds)}]"
    with writer.block(f"def {function.name}({', '.join(_parameters(context, function))}) -> {result}:"):
        write_docstring(writer, f"One tile of {caller}(): {'; '.join(_told(function))}.")
        arrays = {name: Holder(name, node.shape) for node, name in function.given.items() if node.rank}
        bindings = {b.dim: b for name, held in arrays.items() for b in readable_from(held.shape, name)}
        for line in bind([bindings[d] for d in body.dims if d in bindings], arrays, context.local):
            writer.line(line)
        risk = risk_of(context, function.around).inside(function.tiled)
        write_statements(context, writer, body, f"return {', '.join(numbers)}" if numbers else "", risk)


def _body(context: Context, function: TileFunction) -> StructuredBody:
    """The statements: rows and sums go where they belong, numbers are returned."""
    graph, slots = _with_sums(function)
    given = {node: Expr(name) for node, name in function.given.items()}
    given.update((slot.old, Expr(slot.name)) for slot in slots.values() if slot.old is not None)
    pairs = {slot.old: p for p, slot in slots.items() if slot.old is not None}
    body = ReusingBody(context, graph, function.scope, given, None, Memory(graph, pairs))
    body._output_names = {}
    body.types.update({name: graph.outputs[p][1].type for p, name in function.rows.items()})
    rows = {p: f"{name}[...] = {NAME}" for p, name in function.rows.items()}
    body.write_nested(Group(False, 0), slots, rows, function.numbers)
    body.graph = replace(graph, outputs=tuple(graph.outputs[p] for p in function.numbers))
    use_buffers(body)
    return body


def _with_sums(function: TileFunction) -> tuple[Graph, dict[int, Slot]]:
    """The body, in which parts of sums are added to what these are so far, and the variables of the sums."""
    body = function.body
    outputs, inputs, slots = list(body.outputs), list(body.inputs), {}
    for position, name in function.sums.items():
        label, part = outputs[position]
        before = ops.argument(name, part.type)
        outputs[position] = label, before + part
        inputs.append(before)
        slots[position] = Slot(name, before)
    return replace(body, inputs=tuple(inputs), outputs=tuple(outputs)), slots


def _parameters(context: Context, function: TileFunction) -> Iterator[str]:
    """The annotated parameters."""
    for node, name in function.given.items():
        yield f"{name}: {'ndarray' if node.rank else PYTHON[node.type.kind]}"
    yield from (f"{name}: ndarray" for name in function.arrays.values())
    yield from (f"{context.local(size)}: int" for size in function.sizes)


def _told(function: TileFunction) -> Iterator[str]:
    """What the function does."""
    if function.rows:
        yield f"write its rows of {', '.join(function.rows.values())}"
    if function.sums:
        yield f"add its part to {', '.join(function.sums.values())}"
    if function.numbers:
        yield f"return its part of {', '.join(function.numbers.values())}"
