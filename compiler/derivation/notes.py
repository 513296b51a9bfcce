"""What stands beside the equations: headings, and what the notation means where it is used."""

from __future__ import annotations

from collections.abc import Iterator

from . import tree
from .algebra import added
from .lines import Branch, Derivation, Line, Loop
from .printer import dim_text
from .tree import Equation, Formula, parts_of

SETS = {"real": "ℝ", "int": "ℤ", "bool": "{0, 1}"}


def headings(derivation: Derivation) -> Iterator[tuple[str, tuple[Line, ...] | tuple[str, ...]]]:
    derived = derivation.derived
    program = derived.program
    yield (
        f"{program.name}: the derivatives of {derived.target} with respect to {', '.join(derived.wrt)}",
        (),
    )
    yield "The model", derivation.model
    yield "Its derivatives", derivation.adjoints
    legend = tuple(_legend(derivation))
    if legend:
        yield "where", legend


def last_step(loop: Loop) -> Formula:
    """The number of the last step of a loop, counted from 0."""
    if isinstance(loop.count, tree.Size):
        return tree.Size(loop.count.dim - 1)
    if isinstance(loop.count, tree.Number):
        return tree.Number(loop.count.value - 1)
    return added(loop.count, tree.Number(-1.0))


def _legend(derivation: Derivation) -> Iterator[str]:
    formulas = [f for lines in (derivation.model, derivation.adjoints) for f in _formulas(lines)]
    parts = [p for f in formulas for p in parts_of(f)]
    target = derivation.derived.target
    spaces = _spaces(derivation)
    if spaces:
        yield f"{', '.join(spaces)}; indices begin at 0"
    if any(isinstance(p, tree.Symbol) and p.role == "adjoint" for p in parts):
        yield (
            f"δ_v = ∂{target}/∂v, the adjoint of v"
            if derivation.derived.seed is None
            else f"δ_{target} is given; δ_v, the adjoint of v, is the derivative of ⟨δ_{target}, {target}⟩"
        )
    if any(isinstance(p, tree.Indicator) for p in parts):
        yield "1[c] is 1 where c holds, else 0"
    if any(isinstance(p, tree.Element) and p.padded for p in parts):
        yield "elements outside of an array are 0 where windows or a rim reach there"
    counts = [line.count for lines in (derivation.model, derivation.adjoints) for line in _loops(lines)]
    if any(isinstance(c, tree.Size) and not c.dim.is_natural for c in counts):
        yield "a number of steps that would be below 0 is 0"
    if any(isinstance(p, tree.Call) and p.name == "onehot" for p in parts):
        yield "onehot(y) has a row for each element of y, 1 at its position, else 0"
    if any(isinstance(p, tree.Call) and "softmax" in p.name and not p.notes for p in parts):
        yield "softmax is taken along the last axis"
    if any(isinstance(p, tree.Product) and p.way == "each" for p in parts):
        yield "⊙ multiplies element by element; functions, too, are taken of each element"


def _spaces(derivation: Derivation) -> list[str]:
    """What the arrays among the arguments are elements of: `x ∈ ℝ^(N×D)`."""
    found: dict[str, list[str]] = {}
    for argument in derivation.derived.program.arguments:
        if argument.type.rank and argument.type.kind in SETS:
            shape = "×".join(map(dim_text, argument.type.shape))
            power = shape if shape.isalnum() else f"({shape})"
            found.setdefault(f"{SETS[argument.type.kind]}^{power}", []).append(argument.name)
    return [f"{', '.join(names)} ∈ {space}" for space, names in found.items()]


def _loops(lines: tuple[Line, ...]) -> Iterator[Loop]:
    for line in lines:
        if isinstance(line, Loop):
            yield line
            yield from _loops(line.lines)
        elif isinstance(line, Branch):
            yield from _loops((*line.then, *line.otherwise))


def _formulas(lines: tuple[Line, ...]) -> Iterator[Formula]:
    for line in lines:
        if isinstance(line, Equation):
            yield from (line.left, line.right)
        elif isinstance(line, Branch):
            yield line.condition
            yield from _formulas((*line.then, *line.otherwise))
        elif isinstance(line, Loop):
            yield from _formulas(line.lines)
            yield from [line.condition] if line.condition is not None else []
