"""The functions that compute one tile (see `tiles.py`).

def _on_tile(x: ndarray, d_x: ndarray) -> float:
    rows = x.shape[0]
    exp_x = np.exp(x)
    d_x[:] = exp_x
    return float(exp_x.sum())
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from .context import PYTHON, Context
from .dimtext import Holder, bind, readable_from
from .docstrings import write_docstring
from .pytext import tuple_of
from .statements import risk_of, write_statements
from .tiles import TileFunction
from .writer import Writer

LISTED = 5  # results that are told by name


def write_tile_functions(context: Context, writer: Writer) -> None:
    """Those that the functions written so far call."""
    caller = writer.function
    while len(context.tiles) > context.tiles_written:
        function = context.tiles[context.tiles_written]
        context.tiles_written += 1
        writer.blank(2)
        _write(context, writer, function, caller)


def _write(context: Context, writer: Writer, function: TileFunction, caller: str) -> None:
    body = function.written
    assert body is not None
    sums = [function.body.outputs[p][1] for p in function.sums]
    kinds = [PYTHON[node.type.kind] for node in sums]
    several = kinds if len(kinds) <= LISTED else [context.ref("Any"), "..."]
    result = "None" if not kinds else kinds[0] if len(kinds) == 1 else f"tuple[{', '.join(several)}]"
    texts = [str(body.value(node)) for node in sums]
    last = f"return {texts[0] if len(sums) == 1 else tuple_of(texts)}" if sums else ""
    with writer.block(f"def {function.name}({', '.join(_parameters(context, function))}) -> {result}:"):
        told, line = "; ".join(_told(function)), f"One tile of {caller}()"
        if len(f'"""{line}: {told}."""') <= writer.width - 4 * writer.depth:
            write_docstring(writer, f"{line}: {told}.")
        else:
            write_docstring(writer, f"{line}.", f"{told[0].upper()}{told[1:]}.")
        arrays = {name: Holder(name, shape) for name, shape in function.shapes()}
        bindings = {b.dim: b for name, held in arrays.items() for b in readable_from(held.shape, name)}
        for line in bind([bindings[d] for d in body.dims if d in bindings], arrays, context.local):
            writer.line(line)
        risk = risk_of(context, function.around).inside(function.tiled)
        write_statements(context, writer, body, last, risk)


def _parameters(context: Context, function: TileFunction) -> Iterator[str]:
    """The annotated parameters."""
    for node, name in function.given.items():
        yield f"{name}: {'ndarray' if node.rank else PYTHON[node.type.kind]}"
    yield from (f"{name}: ndarray" for name in function.arrays.values())
    yield from (f"{context.local(size)}: int" for size in function.sizes)
    if function.written and function.written.space and function.written.buffers:
        yield f"{function.written.space}: {context.ref('Workspace')}"


def _told(function: TileFunction) -> Iterator[str]:
    """What the function does."""
    if function.rows:
        yield f"write its rows of {_listed(function.rows)}"
    if function.added:
        yield f"add its part to {_listed([function.arrays[p] for p in sorted(function.added)])}"
    if function.sums:
        yield f"return its part of {_listed(function.sums.values())}"


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) if len(names) <= LISTED else f"{len(names)} arrays and numbers"
