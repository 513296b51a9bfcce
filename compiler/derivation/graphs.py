"""The graph that formulas are read from: the model as written, with its adjoint, not stabilised.

    const decay = 0.1
    loss L = decay * sum(w**2)        becomes      L = decay Σ w²,  d_w = 2 decay w

Numbers that the model names stay symbols: they become arguments. Stability rules don't run: the formula
of a mathematician is the plain one, and the derivative (with its conventions at kinks) is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

from autodiffc.grammar import ast
from autodiffc.grammar.parser import parse

from ..ir import Graph, Node, const_value
from ..model import Program
from ..ops import argument, sigmoid
from ..passes.autodiff import differentiate
from ..passes.base import Repeat, run_passes
from ..passes.cse import Cse
from ..passes.dce import Dce
from ..passes.derivatives import Derivatives
from ..passes.hoist import Hoist
from ..passes.modes import trained
from ..passes.simplify import Canonicalise, Simplify
from ..types import REAL

ARITHMETIC = frozenset({"add", "sub", "mul", "div", "neg", "square", "power"})
PRODUCTS = frozenset({"matmul", "einsum", "tensordot", "patches"})


@dataclass(frozen=True, eq=False)
class Derived:
    """A model with its derivative.

    graph    outputs: the target, then `d_<wrt>` for each name; inputs: arguments, named constants, the seed
    target   the name of what is differentiated
    wrt      the names of the arguments that it is differentiated by
    seed     the target's cotangent, where the target is no scalar
    numbers  what the named constants stand for
    """

    program: Program
    graph: Graph
    target: str
    wrt: tuple[str, ...]
    seed: Node | None
    numbers: Mapping[str, float]


def derived(program: Program, wrt: tuple[str, ...]) -> Derived:
    """The derivative of the program's target by arguments of these names."""
    assert program.target is not None
    graph, numbers = _with_named_numbers(program, _in_parts(trained(program.graph)))
    value = graph.output(program.target)
    graph = run_passes(
        (Derivatives(), Canonicalise(), Cse()), replace(graph, outputs=((program.target, value),))
    )
    graph = _with_layers(graph)
    value = graph.output(program.target)
    seed = argument(f"d_{program.target}", value.type) if value.rank else None
    ranges = {a.name: a.attained for a in program.arguments}
    ranges.update({name: (number, number) for name, number in numbers.items()})
    joint = differentiate(graph, program.target, wrt, seed, ranges, optimise=_shorter)
    joint = _shorter(joint, len(wrt))
    return Derived(program, joint, program.target, wrt, seed, numbers)


def _shorter(graph: Graph, gradients: int) -> Graph:
    """What makes a derivative shorter to read: no rule for the sake of rounding, no op in its parts."""
    return run_passes((Repeat((Cse(), Simplify(gradients), Hoist(False))), Dce()), graph)


def _in_parts(graph: Graph) -> Graph:
    """silu in its parts: its own adjoint minds infinities, which a formula doesn't."""

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        return args[0] * sigmoid(args[0]) if node.op.name == "silu" else node.with_args(args)

    return graph.rewrite(step, deep="in parts")


def _with_layers(graph: Graph) -> Graph:
    """Affine maps that activation functions are taken of get names, where the model has none: z1, …"""
    graph = graph.rewrite(lambda node, args: node.with_args(args).map_subgraphs(_with_layers))
    taken = {*graph.names.values(), *(node["name"] for node in graph.inputs)}
    fresh = (name for name in (f"z{k}" for k in count(1)) if name not in taken)
    names = dict(graph.names)
    for node in graph.nodes():
        for arg in node.args if node.op.elementwise and node.op.name not in ARITHMETIC else ():
            if arg not in names and arg.rank and _is_affine(arg):
                names[arg] = next(fresh)
    return replace(graph, names=names)


def _is_affine(node: Node) -> bool:
    parts = (node, *node.args) if node.op.name in ("add", "sub") else (node,)
    return any(part.op.name in PRODUCTS for part in parts)


def _with_named_numbers(program: Program, graph: Graph) -> tuple[Graph, dict[str, float]]:
    """`const decay = 0.1` as an argument wherever the model writes `decay`."""
    declared = dict(_declared(program))
    symbols = {name: argument(name, REAL) for name in declared}
    images: dict[Node, Node] = {}
    for node in graph.nodes():
        texts = [origin.span.text for origin in graph.origins.get(node, ())]
        for name, number in declared.items():
            if const_value(node) == number and any(map(re.compile(rf"\b{name}\b").search, texts)):
                images[node] = symbols[name]
    used = [symbol for symbol in symbols.values() if symbol in images.values()]
    named = replace(graph.with_images(images), inputs=(*graph.inputs, *used))
    return named, {node["name"]: declared[node["name"]] for node in used}


def _declared(program: Program) -> Iterator[tuple[str, float]]:
    """The numbers that the model's `const` statements name, unless it writes the same number elsewhere."""
    model, _ = parse(program.source)
    for statement in model.statements:
        value = statement.value if isinstance(statement, ast.ConstDecl) else None
        if isinstance(statement, ast.ConstDecl) and isinstance(value, ast.Number):
            names = [statement.name.id] if _times(program.source.text, value.span.text) == 1 else []
            yield from ((name, float(value.value)) for name in names)


def _times(text: str, number: str) -> int:
    return len(re.findall(rf"(?<![\w.]){re.escape(number)}(?![\w.])", text))
