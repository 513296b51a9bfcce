"""The random masks of a model: functions that need them take a generator, and draw all of them at once.

    _generator("rng", rng)
    mask = rng.random((N, H)) >= 0.5

The order of the draws is the same in every function, whatever each of them computes first: the same state of
the generator gives the same masks.
"""

from __future__ import annotations

from autodiffc.compiler.ir import Graph
from autodiffc.compiler.model import Draw
from autodiffc.compiler.types import Type

from .body import Body
from .buffers import SCRATCH, Buffer
from .context import Context, once
from .pytext import number, tuple_of
from .writer import Writer


@once
def generator_name(context: Context) -> str:
    """The argument for the generator; '' where the model draws nothing."""
    return context.names.scope().fresh("rng") if context.program.draws else ""


def with_generator(context: Context, arguments: str) -> str:
    """A list of arguments, and the generator as the last one."""
    name = generator_name(context)
    return ", ".join(part for part in (arguments, name) if part)


def parameter(context: Context) -> str:
    """The generator among a function's parameters."""
    name = generator_name(context)
    return f"{name}: {context.ref('Generator')}" if name else ""


def write_check(context: Context, writer: Writer) -> None:
    """TypeError unless it is a generator."""
    name = generator_name(context)
    if name:
        writer.line(f'{context.ref("_generator")}("{name}", {name})')


def draws(context: Context, body: Body) -> list[str]:
    """The statements that draw; they mention dims, which the function must then bind.

    A function that has buffers draws into them, unless it gives a mask out. The order of the draws is theirs.
    """
    drawn = context.program.draws
    if (body.buffers or body.workspace) and all(d.shape and not _is_returned(body.graph, d) for d in drawn):
        body.drawn = [_drawn_into(context, body, draw) for draw in drawn]
        return []
    return [_drawn(context, body, draw) for draw in drawn]


def _is_returned(graph: Graph, draw: Draw) -> bool:
    """Whether a mask, or a view of it, is a result."""
    for _, node in graph.outputs:
        while node.op.view and node.args:
            node = node.args[0]
        if node.op.name == "argument" and node["name"] == draw.name:
            return True
    return False


def _drawn_into(context: Context, body: Body, draw: Draw) -> str:
    """The statement that draws a mask in a buffer."""
    name = context.local(draw.name)
    body.buffers.append(Buffer(Type("bool", draw.shape), [], name=name))
    for size in draw.shape:
        body.dim(size)
    given = f"{generator_name(context)}, {number(draw.rate)}, {name}, {_scratch(body)}"
    return f"{name} = {context.ref('_drawn')}({given})"


def _scratch(body: Body) -> str:
    """The memory that a function's routines compute in."""
    found = [buffer for buffer in body.buffers if buffer.made == SCRATCH]
    if not found:
        found.append(Buffer(Type("real", ()), [], name=body.scope.fresh("scratch"), made=SCRATCH))
        body.buffers += found
    return found[0].name


def _drawn(context: Context, body: Body, draw: Draw) -> str:
    sizes = [body.dim(dim) for dim in draw.shape]
    shape = str(sizes[0] if len(sizes) == 1 else tuple_of(sizes)) if sizes else ""
    return f"{context.local(draw.name)} = {generator_name(context)}.random({shape}) >= {number(draw.rate)}"
