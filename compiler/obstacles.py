"""Why a model has no value at some sizes and arguments, or none that is finite: the place, as it is written.

failing(program, arguments, sizes)       line 3: `solve(A, b)`
not_finite(program, arguments, sizes)    line 3: `log(-b**2)` is NaN
misfit(program, {"N": 10**9})            `x @ W` in line 5 would have 3,000,000,000 elements, …
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod

import numpy as np

from .interp import values
from .ir import Array, Graph, Node
from .model import Program
from .ops.control import loop
from .samples import LARGEST, Sizes
from .tape import Tape, TooLong, traced
from .types import Dim

LONGEST = 40  # characters of the model that are repeated
FAILURES = (IndexError, ArithmeticError, ValueError)  # an assertion or a matrix may raise the last


def failing(program: Program, arguments: Mapping[str, Array], sizes: Sizes) -> str:
    """Where the evaluation fails, in bodies of loops too; nothing where it doesn't."""
    last: list[tuple[Graph, Node]] = []

    def watch(graph: Graph, node: Node) -> None:
        last[:] = [(graph, node)]

    try:
        values(program.graph, arguments, sizes, watch=watch)
    except FAILURES:
        graph, node = last[0]
        line, text = _written(program, graph, node)
        return f"line {line}" + (f": `{text}`" if text else "")
    return ""


def not_finite(program: Program, arguments: Mapping[str, Array], sizes: Sizes) -> str:
    """The first value that is not finite on the way to an output that isn't; nothing where all are."""
    try:
        tape = traced(program.graph, arguments, sizes)
    except (TooLong, *FAILURES):
        return ""
    bad = [tape.found[node] for _, node in program.graph.outputs if _is_bad(tape, tape.found[node])]
    while bad:
        record = tape.records[bad[0]]
        bad = [number for number in record.operands if _is_bad(tape, number)]
        if not bad:
            line, text = _written(program, record.graph, record.node)
            kind = "NaN" if np.isnan(record.value).any() else "infinite"
            steps = [str(where.step) for where in record.place if where.node.op is loop]
            step = f" in step {', '.join(steps)}" if steps else ""
            return f"line {line}: `{text}` is {kind}{step}" if text else f"line {line} gives {kind}{step}"
    return ""


def _is_bad(tape: Tape, number: int) -> bool:
    return not np.isfinite(tape.records[number].value).all()


def misfit(program: Program, given: Sizes) -> str:
    """What is wrong with sizes at which the model's shapes make no sense or are too large.

    Dims that are not given have small sizes.
    """
    small = {dim: 2 + k for k, dim in enumerate(program.dims)}
    sizes = {**small, **program.constants, **given}
    told = ", ".join(f"{name} = {sizes[name]}" for name in program.dims)
    try:
        return f"at {told} {next(_misfits(program, sizes), 'the shapes make no sense')}"
    except ZeroDivisionError:
        return f"at {told} the shapes make no sense"


def _misfits(program: Program, sizes: Sizes) -> Iterator[str]:
    for requirement in program.requirements:
        if requirement.slack.evaluate(sizes) < 0:
            needs = f"{requirement.text} in line {requirement.line} needs {requirement.condition}"
            yield f"the shapes make no sense: {needs}"
    for node in (*program.graph.inputs, *program.graph.nodes()):
        counts = [dim.evaluate(sizes) for dim in node.shape]
        line, text = _written(program, program.graph, node)
        what = f"`{text}` in line {line}" if text else f"a value in line {line}"
        if min(counts, default=1) < 1:
            empty = [dim for dim, size in zip(node.shape, counts) if size < 1]
            yield f"{what} would be empty; choose a larger {_named(program, empty)}"
        elif prod(counts) > LARGEST:
            yield (
                f"{what} would have {prod(counts):,} elements, and {LARGEST:,} are the most here; "
                f"choose a smaller {_named(program, node.shape)}"
            )


def _named(program: Program, dims: Iterable[Dim]) -> str:
    """`M or N`: the dims that these are made of and that may be chosen."""
    used = {name for dim in dims for name in dim.symbols}
    return " or ".join(name for name in program.dims if name in used) or "size"


def _written(program: Program, graph: Graph, node: Node) -> tuple[int, str]:
    """The line of the model's own text that a value comes from, and how it stands there, if that is short."""
    if node.op.name == "argument":
        declared = next((a for a in program.arguments if a.name == node["name"]), None)
        if declared is not None:
            return declared.span.line, declared.name
    spans = [o.span for o in graph.origins.get(node, ()) if o.span.source is program.source]
    if not spans:
        return 0, ""
    text = " ".join(spans[-1].beginning(LONGEST + 1).split())
    return spans[-1].line, text if len(text) <= LONGEST else graph.names.get(node, "")
