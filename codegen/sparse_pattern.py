"""The functions that give a sparse derivative's pattern, and its colours.

rows, cols = jacobian_sparsity(N=1000)        # what may differ from 0
colouring = jacobian_colouring(N=1000)        # what can be kept between calls
"""

from __future__ import annotations

from collections.abc import Iterator

from autodiffc.compiler.model import Argument

from .boundary import bindings_of, holders, write_call
from .context import Context
from .dimtext import bind
from .docstrings import arguments_text, write_docstring
from .functions import given_of, signature
from .requested import order
from .reuse import body_of
from .sparse_parts import OF, Parts, parts_of
from .statements import write_statements
from .writer import Writer

COLOURED = {"columns": "columns of one colour meet in no row", "rows": "rows of one colour share no column",
            "star": "a star colouring of the columns"}  # fmt: skip


def _keywords(parts: Parts) -> str:
    ints = ", ".join(f"{parts.context.local(d)}: int" for d in parts.dims)
    return f"*, {ints}" if ints else ""


def _pattern_signature(parts: Parts) -> str:
    return ", ".join(part for part in (signature(parts.context, parts.given), _keywords(parts)) if part)


def _passed(parts: Parts) -> str:
    """The pattern's arguments, handed on."""
    local = parts.context.local
    return ", ".join([*(local(a.name) for a in parts.given), *(f"{local(d)}={local(d)}" for d in parts.dims)])


def write_sparsity(parts: Parts, writer: Writer) -> None:
    context, graph = parts.context, parts.sparse.pattern
    scope = context.names.scope(context.local(name) for name in (*parts.dims, *(a.name for a in parts.given)))
    body = body_of(context, graph, scope, given_of(context, graph))
    outputs = dict(graph.outputs)
    texts = {name: str(body.value(node)) for name, node in outputs.items()}
    starts = parts.starts()
    if parts.name == "jacobian":
        blocks = [f"({text}, {start})" for text, start in zip(texts.values(), starts)]
        result = f"{context.ref('_entries')}([{', '.join(blocks)}], {starts[-1]})"
    else:
        result = f"{context.ref('_pairs')}({texts['rows']}, {texts['cols']}, {starts[-1]})"
    for size in parts.columns:
        body.dim(size)
    with writer.block(f"def {parts.name}_sparsity({_pattern_signature(parts)}) -> tuple[ndarray, ndarray]:"):
        what = f"Return rows and columns of the elements of the {OF[parts.name]} that may differ from 0."
        write_docstring(writer, what, f"{_axes(parts)}{arguments_text(parts.given)}")
        _write_given(parts, writer)
        for dim in parts.dims:
            local = context.local(dim)
            writer.line(f'{local} = {context.ref("_size")}("{local}", {local})')
        bindings = bindings_of(context, parts.given)
        used = [bindings[d] for d in body.dims if d in bindings]
        for line in bind(used, holders(context, parts.given), context.local):
            writer.line(line)
        for argument in parts.given:
            _write_range(parts, writer, argument)
        write_statements(context, writer, body, f"return {result}")


def _write_given(parts: Parts, writer: Writer) -> None:
    """The check of the ints that the pattern is made of."""
    whole = parts.given == parts.context.program.arguments
    checker = "_checked" if whole else f"_checked_{parts.name}_sparsity"
    write_call(parts.context, writer, parts.given, checker)


def _write_range(parts: Parts, writer: Writer, argument: Argument) -> None:
    """The check of a range that the arguments alone don't tell."""
    symbols = frozenset(s for dim in argument.range or () for s in dim.symbols)
    if argument.range is not None and symbols & set(parts.dims) and symbols <= {*parts.dims}:
        name, (low, high) = parts.context.local(argument.name), map(parts.size, argument.range)
        writer.line(f'{parts.context.ref("_range")}("{name}", {name}, {low}, {high})')


def _axes(parts: Parts) -> str:
    """What rows and columns count."""
    if parts.name == "hessian":
        return f"Both count the elements in the order of {order(parts.context)}.\n"
    return f"Rows count the elements of {parts.target}, columns those of {order(parts.context)}.\n"


def write_colouring(parts: Parts, writer: Writer) -> None:
    context = parts.context
    head = f"def {parts.name}_colouring({_pattern_signature(parts)}) -> Colouring:"
    with writer.block(head):
        what = f"Return the pattern of the {OF[parts.name]} with colours: {COLOURED[parts.sparse.by]}."
        write_docstring(writer, what, f"Takes what {parts.name}_sparsity() takes; may be kept between calls.")
        _write_given(parts, writer)
        scope = context.names.scope(parts.made_of)
        pattern = f"{scope.fresh('rows')}, {scope.fresh('cols')}"
        writer.line(f"{pattern} = {context.ref(f'{parts.name}_sparsity')}({_passed(parts)})")
        # The sizes may be told by the ints that were given.
        bindings = bindings_of(context, parts.given)
        needed = {s for dim in parts.sizes for s in dim.symbols}
        used = [b for d, b in bindings.items() if d in needed]
        for line in bind(used, holders(context, parts.given), context.local):
            writer.line(line)
        passed = [pattern, *(str(parts.size(dim)) for dim in parts.sizes), *parts.made_of]
        writer.line(f"return {context.ref(f'_coloured_by_{parts.sparse.by}')}({', '.join(passed)})")


def default_colouring(parts: Parts) -> str:
    """The colouring, where the dims and ints that it needs are at hand."""
    if parts.is_constant:
        return parts.context.ref(f"_{parts.constant.replace('SPARSITY', 'COLOURING')}")
    return f"{parts.context.ref(f'{parts.name}_colouring')}({_passed(parts)})"


def constants(context: Context) -> Iterator[str]:
    """The pattern and its colouring, where they need no arguments."""
    for parts in parts_of(context):
        if parts.is_constant:
            yield f"{parts.constant} = {parts.name}_sparsity()"
            yield f"_{parts.constant.replace('SPARSITY', 'COLOURING')} = {parts.name}_colouring()"
