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
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from autodiffc.compiler.ir import Graph
from autodiffc.compiler.ops.control import is_local, may_be_missing
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.types import REAL, Dim, Type

from .blocks import Statement, mentions
from .body import Body
from .buffers import SCRATCH, Allocation, Buffer
from .constants import with_arguments, with_constants
from .context import Context, once
from .into import FILLED, RESHAPED, WHERE
from .placed import placed
from .pytext import tuple_of
from .structure import list_depth
from .supplies import ROOM, varies
from .writer import Writer


@dataclass(frozen=True)
class Maker:
    """A function of the module that makes arrays for one of its functions, of some sizes."""

    name: str
    sizes: tuple[str, ...]
    arrays: tuple[str, ...]
    summary: str


@once
def makers(context: Context) -> list[Maker]:
    """The makers of the functions that have been written."""
    return []


def use_buffers(body: Body, workspace: str = "", passed: Collection[str] = ()) -> None:
    """Let the statements of a function write into buffers, and note the dims of these.

    `workspace` is the argument that may lend them, and memory for the results; `passed` are dims that are
    arguments.
    """
    known = {*_readable(body.graph, _missing(body.context)), *passed}
    types = {name: type for name, type in body.types.items() if type is not None and _fits(type, known)}
    if any(type.rank for type in types.values()):
        _allocate(body, types, known, bool(workspace))
    if workspace and (body.buffers or any(mentions(text, body.space) for text in _texts(body.statements))):
        body.workspace = workspace
    elif workspace:
        body.space = ""


def _allocate(body: Body, types: Mapping[str, Type], known: set[str], results: bool) -> None:
    """Let statements write into buffers."""
    outputs = [str(body.value(node)) for name, node in body.graph.outputs if name]
    given = {str(text) for text in body.given.values()}
    last, np = f"return {tuple_of(outputs)}", body.context.ref("np")
    sizes = {body.context.local(symbol): symbol for symbol in sorted(known)}
    body.statements = placed(
        body.statements, last, types, np, lambda size: str(body.dim(size)), partial(_array, body), sizes
    )
    lent = bool(body.space)
    found = Allocation(
        body.statements,
        last,
        types,
        given,
        body.scope.fresh,
        np,
        results,
        sizes,
        lent,
        body.until_written,
        [body.context.table(table) for table in body.context.tables],
    ).result()
    for routine in (WHERE, RESHAPED, FILLED, ROOM):
        if any(f"{routine}(" in text for text in (*_texts(found.statements), found.last)):
            body.context.ref(routine)
    body.statements = with_constants(found.statements, body.types, body.context)
    _rewrite_outputs(body, last, found.last)
    body.buffers, body.in_buffers = found.buffers, found.inside
    if any(not buffer.is_result for buffer in found.buffers):
        _hold_numbers(body, np)
    for buffer in found.buffers:
        for size in () if varies(buffer.type) else buffer.type.shape:
            body.dim(size)


def _hold_numbers(body: Body, np: str) -> None:
    """Let arrays meet the arguments that are numbers as arrays of rank 0, which are memory too."""
    if body.context.dtype != "float64":
        return
    numbers = [str(text) for node, text in body.given.items() if node.type == REAL]
    body.statements, held = with_arguments(body.statements, body.types, numbers, np, body.scope.fresh)
    body.buffers += [Buffer(REAL, [], name=array, number=name) for name, array in held.items()]


def _rewrite_outputs(body: Body, before: str, after: str) -> None:
    """Let the results that are written on the last line have the texts that these have now."""
    texts = dict(zip(_returned(before), _returned(after)))
    for _, node in body.graph.outputs:
        waiting = body.pending.get(node)
        if waiting is not None:
            text = texts.get(waiting.expr.text, waiting.expr.text)
            body.pending[node] = waiting._replace(expr=replace(waiting.expr, text=text))


def _returned(line: str) -> list[str]:
    """The texts of what a line returns; `ast.get_source_segment` would split the line for each."""
    (tree,) = ast.parse(line).body
    assert isinstance(tree, ast.Return)
    assert isinstance(tree.value, ast.Tuple)
    data = line.encode()  # an expression's place is told in bytes
    return [data[part.col_offset : part.end_col_offset].decode() for part in tree.value.elts]


def _texts(statements: Sequence[Statement]) -> Iterator[str]:
    """All lines."""
    for statement in statements:
        yield from statement.lines
        for block in statement.blocks:
            yield block.head
            yield from _texts(block.statements)


@once
def _missing(context: Context) -> frozenset[str]:
    """What forward() saves in some branches alone."""
    return frozenset(name for name, node in context.derivative.forward.outputs if may_be_missing(node))


def _readable(graph: Graph, missing: Collection[str]) -> set[str]:
    """The dims that a function can read from the shapes of the arrays that it is given."""
    nodes = dict.fromkeys((*graph.inputs, *graph.nodes()))
    arguments = (node for node in nodes if node.op.name == "argument")
    given = (node for node in arguments if not list_depth(node) and node["name"] not in missing)
    return {
        symbol for node in given for size in node.shape if len(size.terms) == 1 for symbol in size.symbols
    }


def _fits(type: Type, known: set[str]) -> bool:
    return type.kind != "tuple" and all(size.symbols <= known or is_local(size) for size in type.shape)


@contextmanager
def within(context: Context, writer: Writer, body: Body) -> Iterator[None]:
    """The block in which a function has its memory, where a caller may lend it."""
    if not body.workspace:
        yield
        return
    borrowed = f"{body.workspace} or {context.ref('_borrowed')}()"
    with writer.block(f"with {borrowed} as {body.space}:"):
        yield


def taking(context: Context, writer: Writer, body: Body) -> Iterator[str]:
    """The statements with which a function takes its memory."""
    inner = [buffer for buffer in body.buffers if not buffer.is_result]
    results = [buffer for buffer in body.buffers if buffer.is_result]
    if not body.space and inner:
        body.memory_name = body.scope.fresh("memory")
        call = _call(context, writer, body, inner, "memory")
        yield f"{body.memory_name} = {context.ref('_taken')}({call})"
        yield f"_, {_names(inner).rstrip(',')} = {body.memory_name}"
    elif inner:
        yield f"{_names(inner)} = {body.space}.memory({_call(context, writer, body, inner, 'memory')})"
    numbers = [buffer for buffer in inner if buffer.number]
    if numbers:
        yield "# NumPy would make arrays of these numbers wherever arrays meet them"
    yield from (f"{buffer.name}[()] = {buffer.number}" for buffer in numbers)
    if results:
        arrays = [node for node in body.graph.nodes() if node in body.given and node.rank]
        given = tuple_of(list(dict.fromkeys(str(body.given[node]) for node in arrays)))
        call = _call(context, writer, body, results, "results")
        yield f"{_names(results)} = {body.space}.results({given}, {call})"
    yield from body.drawn


def _names(buffers: list[Buffer]) -> str:
    """The variables of buffers, as the target of an assignment."""
    return ", ".join(buffer.name for buffer in buffers) + "," * (len(buffers) == 1)


def _call(context: Context, writer: Writer, body: Body, buffers: list[Buffer], what: str) -> str:
    """The arguments that ask for buffers: what makes them, then their sizes."""
    types = [buffer.type for buffer in buffers if not varies(buffer.type)]
    symbols = {s for type in types for size in type.shape for s in size.symbols}
    dims = context.program.dims
    order = [*(name for name in dims if name in symbols), *sorted(symbols.difference(dims))]
    sizes = [context.local(name) for name in order]
    function = writer.function
    told = f"what {function}() {'returns' if what == 'results' else 'computes on the way'}"
    name = f"_{function.lstrip('_')}_{what}"
    arrays = tuple(_maker_text(body, buffer) for buffer in buffers)
    makers(context).append(Maker(name, tuple(sizes), arrays, told))
    return ", ".join([name, *sizes])


def _maker_text(body: Body, buffer: Buffer) -> str:
    if buffer.made == SCRATCH:
        return SCRATCH
    if buffer.picks:
        return buffer.made  # NumPy would copy it if it couldn't be written to
    if buffer.made:
        return f"{body.context.ref('_constant')}({buffer.made})"
    if buffer.is_supply and varies(buffer.type):
        dtype = body.context.numpy_type(buffer.type).removeprefix("np")
        return f"{body.context.ref('_supply_of_sizes')}({body.context.ref('np')}{dtype})"
    if buffer.is_supply:
        return f"{body.context.ref('_supply')}(lambda: {_array(body, buffer.type)})"
    axes = buffer.order
    if not axes:
        return _array(body, buffer.type)
    text = _empty(body, buffer.type.with_shape(tuple(buffer.type.shape[axis] for axis in axes)))
    if axes == tuple(range(len(axes))):
        return text
    if axes == (1, 0):
        return f"{text}.T"
    if axes[:2] == (1, 0) and axes[2:] == tuple(range(2, len(axes))):
        return f"{text}.swapaxes(0, 1)"
    return f"{text}.transpose({', '.join(map(str, map(axes.index, range(len(axes)))))})"


def _array(body: Body, type: Type) -> str:
    if type.kind in ("real", "bool") and TILE in type.shape[:-1]:
        width = _width(body, type)
        more = f", width={body.dim(width)}" if width is not None else ""
        more += f", dtype={body.context.numpy_type(type)}" if type.kind == "bool" else ""
        return f"{body.context.ref('_by_columns')}({_sizes(body, type)}, {type.shape.index(TILE)}{more})"
    return _empty(body, type)


def _width(body: Body, type: Type) -> Dim | None:
    """The last axis of arrays that have two as a matrix has them: it lies in memory as these do."""
    shapes = [buffer.type.shape for buffer in body.buffers if buffer.type.rank == 3] if type.rank == 2 else []
    return next((size for *rows, size in shapes if (*rows,) == type.shape and size.known != 1), None)


def _empty(body: Body, type: Type) -> str:
    return body.empty(_sizes(body, type), body.context.numpy_type(type))


def _sizes(body: Body, type: Type) -> str:
    """The shape of an array, as NumPy wants it."""
    # `x[2:]` is nowhere computed where x is shorter, and no size of an array is -1
    shape = [size if size.is_natural else size.maximum(0) for size in type.shape]
    sizes = [str(body.dim(size)) for size in shape]
    return sizes[0] if len(sizes) == 1 else str(tuple_of(sizes))


def leaving(context: Context, body: Body, last: str) -> Iterator[str]:
    """The statements with which a function leaves its memory to later calls, and returns."""
    if body.memory_name:
        read = {node.id for node in ast.walk(ast.parse(last)) if isinstance(node, ast.Name)}
        if read & body.in_buffers:
            result = body.scope.fresh("result")
            yield f"{result} = {last.removeprefix('return ')}"
            last = f"return {result}"
        yield f"{context.ref('_IDLE')}.append({body.memory_name})"
    if last:
        yield last


def write_makers(context: Context, writer: Writer) -> None:
    """The functions that make memory, and the one that forgets it."""
    for maker in makers(context):
        sizes = ", ".join(f"{size}: int" for size in maker.sizes)
        with writer.block(f"def {maker.name}({sizes}) -> list[{context.ref('Any')}]:"):
            writer.line(f'"""Return new memory for {maker.summary}."""')
            writer.line(f"return [{', '.join(maker.arrays)}]")
        writer.blank(2)
    with writer.block("def release() -> None:"):
        writer.line('"""Forget the memory that calls have left for later ones."""')
        for name in ("_IDLE", "_SPACES"):
            if name in context.names.used or (name == "_SPACES" and "_borrowed" in context.names.used):
                writer.line(f"{name}.clear()")
