"""The memory of emitted functions at -O2: taken from a pool by a call, and left there at its end.

    memory = _taken(_value_and_grad_memory, N, H)
    _, h, d_h = memory
    …
    _IDLE.append(memory)

The pool holds what calls have left, in whatever order; a call takes what was made for its own sizes. So
calls in several threads never share memory, and a call that ends with an exception just leaves none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from autodiffc.compiler.ir import Graph
from autodiffc.compiler.types import Type

from .buffers import Buffer, buffered
from .context import Context, once
from .control import StructuredBody
from .pytext import tuple_of
from .structure import list_depth
from .writer import Writer


@dataclass(frozen=True)
class Memory:
    """The memory of one function: its sizes' names, and the text of what makes each array."""

    function: str
    sizes: tuple[str, ...]
    arrays: tuple[str, ...]

    @property
    def maker(self) -> str:
        return f"_{self.function.lstrip('_')}_memory"


@once
def memories(context: Context) -> list[Memory]:
    """The memory of the functions that have been written."""
    return []


def use_buffers(body: StructuredBody) -> None:
    """Let the statements of a function write into buffers, and note the dims of these."""
    known = _readable(body.graph)
    types = {name: type for name, type in body.types.items() if type is not None and _fits(type, known)}
    if not any(type.rank for type in types.values()):
        return
    outputs = [str(body.value(node)) for name, node in body.graph.outputs if name]
    given = {str(text) for text in body.given.values()}
    last, np = f"return {tuple_of(outputs)}", body.context.ref("np")
    found = buffered(body.statements, last, types, given, body.scope.fresh, np)
    body.statements, body.buffers, body.in_buffers = found.statements, found.buffers, found.inside
    for buffer in found.buffers:
        for size in buffer.type.shape:
            body.dim(size)


def _readable(graph: Graph) -> set[str]:
    """The dims that a function can read from the shapes of the arrays that it is given."""
    given = (node for node in graph.nodes() if node.op.name == "argument" and not list_depth(node))
    return {symbol for node in given for size in node.shape if len(size.terms) == 1 for symbol in size.symbols}


def _fits(type: Type, known: set[str]) -> bool:
    return type.kind != "tuple" and all(size.symbols <= known for size in type.shape)


def taking(context: Context, writer: Writer, body: StructuredBody) -> Iterator[str]:
    """The statements with which a function takes its memory."""
    buffers: list[Buffer] = body.buffers
    if not buffers:
        return
    symbols = {s for buffer in buffers for size in buffer.type.shape for s in size.symbols}
    dims = context.program.dims
    order = [*(name for name in dims if name in symbols), *sorted(symbols.difference(dims))]
    sizes = [context.local(name) for name in order]
    arrays = tuple(_array(body, buffer) for buffer in buffers)
    own = Memory(writer.function, tuple(sizes), arrays)
    memories(context).append(own)
    body.memory_name = body.scope.fresh("memory")
    yield f"{body.memory_name} = {context.ref('_taken')}({', '.join([own.maker, *sizes])})"
    yield f"_, {', '.join(buffer.name for buffer in buffers)} = {body.memory_name}"


def _array(body: StructuredBody, buffer: Buffer) -> str:
    # `x[2:]` is nowhere computed where x is shorter, and no size of an array is -1
    shape = [size if size.is_natural else size.maximum(0) for size in buffer.type.shape]
    sizes = [str(body.dim(size)) for size in shape]
    text = str(tuple_of(sizes)) if len(sizes) > 1 else sizes[0]
    return body.empty(text, body.context.numpy_type(buffer.type))


def leaving(context: Context, body: StructuredBody, last: str) -> Iterator[str]:
    """The statements with which a function leaves its memory to later calls, and returns."""
    if body.buffers:
        (tree,) = ast.parse(last).body
        read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if read & body.in_buffers:
            result = body.scope.fresh("result")
            yield f"{result} = {last.removeprefix('return ')}"
            last = f"return {result}"
        yield f"{context.ref('_IDLE')}.append({body.memory_name})"
    yield last


def write_memories(context: Context, writer: Writer) -> None:
    """The functions that make memory."""
    for index, memory in enumerate(memories(context)):
        writer.blank(2 * bool(index))
        sizes = ", ".join(f"{size}: int" for size in memory.sizes)
        with writer.block(f"def {memory.maker}({sizes}) -> list[{context.ref('Any')}]:"):
            writer.line(f'"""Return new memory for what {memory.function}() computes on the way."""')
            writer.line(f"return [{', '.join(memory.arrays)}]")
