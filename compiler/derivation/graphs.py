"""The graph that formulas are read from: the model as written, with its adjoint, not stabilised.

    const decay = 0.1
    loss L = decay * sum(w**2)        becomes      L = decay Σ w²,  d_w = 2 decay w

Numbers that the model names stay symbols: they become arguments. Stability rules don't run: the formula
of a mathematician is the plain one, and the derivative (with its conventions at kinks) is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from math import pi, sqrt

from autodiffc.grammar import ast
from autodiffc.grammar.parser import parse
from autodiffc.grammar.records import record

from ..ir import Graph, Interval, Node, const, const_value
from ..model import Program
from ..ops import argmax, argmin, argument, reshape, sigmoid
from ..passes.adjoints import Options
from ..passes.autodiff import differentiate
from ..passes.base import Repeat, run_passes
from ..passes.cse import Cse
from ..passes.dce import Dce
from ..passes.derivatives import Derivatives
from ..passes.forward import pushed_forward
from ..passes.hoist import Hoist
from ..passes.modes import trained
from ..passes.simplify import Canonicalise, Simplify
from ..types import REAL

ARITHMETIC = frozenset({"add", "sub", "mul", "div", "neg", "square", "power"})
PRODUCTS = frozenset({"matmul", "einsum", "tensordot", "patches"})


@record(frozen=True, eq=False)
class Derived:
    """A model with its derivative.

    graph    outputs: the target, then `d_<wrt>` for each name; inputs: arguments, named constants, the seed
    target   the name of what is differentiated
    wrt      the names of the arguments that it is differentiated by
    seed     the target's cotangent, where the target is no scalar
    numbers  what the named constants stand for
    slopes   where the target is an array: outputs `d_<wrt>` are its tangents
    units    by names of arrays: what is 1 for one of their elements, 0 for the others
    """

    program: Program
    graph: Graph
    target: str
    wrt: tuple[str, ...]
    seed: Node | None
    numbers: Mapping[str, float]
    slopes: Derived | None = None
    units: Mapping[str, Node] | None = None


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
    ranges = _ranges(program, numbers)
    slopes = None
    if seed is not None and not any(True for node in graph.nodes() for _ in node.subgraphs()):
        slopes = _slopes(program, graph, wrt, numbers)
    joint = differentiate(graph, program.target, wrt, seed, ranges, optimise=_shorter)
    joint = _with_plain_positions(_shorter(joint, len(wrt)))
    return Derived(program, joint, program.target, wrt, seed, numbers, slopes)


def _ranges(program: Program, numbers: Mapping[str, float]) -> dict[str, Interval]:
    ranges = {a.name: a.attained for a in program.arguments}
    return {**ranges, **{name: (number, number) for name, number in numbers.items()}}


def _slopes(program: Program, graph: Graph, wrt: tuple[str, ...], numbers: Mapping[str, float]) -> Derived:
    """The target's tangent along each argument: along a number by 1, along an array by an element."""
    assert program.target is not None
    types = {node["name"]: node.type for node in graph.inputs}
    units = {name: argument(f"{name}_dot", types[name]) for name in wrt if types[name].rank}
    joint = graph
    for name in wrt:
        along = {name: units.get(name) or const(1.0)}
        pushed = pushed_forward(graph, (program.target,), along, Options(_ranges(program, numbers)))
        tangent = pushed.output(f"{program.target}_dot")
        joint = replace(joint, outputs=(*joint.outputs, (f"d_{name}", tangent)))
    joint = replace(joint, inputs=(*joint.inputs, *units.values()))
    joint = _with_plain_positions(_shorter(joint, len(wrt)))
    return Derived(program, joint, program.target, wrt, None, numbers, None, units)


def second(derived: Derived) -> Derived:
    """Its derivatives differentiated once more: outputs `d_<x> <y>` for each pair."""
    graph = derived.graph
    joint = graph
    for k, name in enumerate(derived.wrt):
        outputs = [f"d_{other}" for other in derived.wrt[: k + 1]]
        options = Options(_ranges(derived.program, derived.numbers))
        pushed = pushed_forward(graph, outputs, {name: const(1.0)}, options)
        pairs = ((f"{output} {name}", pushed.output(f"{output}_dot")) for output in outputs)
        joint = replace(joint, outputs=(*joint.outputs, *pairs))
    return replace(derived, graph=_shorter(joint, len(joint.outputs) - 1))


def _shorter(graph: Graph, gradients: int) -> Graph:
    """What makes a derivative shorter to read: no rule for the sake of rounding, no op in its parts."""
    return run_passes((Repeat((Cse(), Simplify(gradients), Hoist(False))), Dce()), graph)


def _with_plain_positions(graph: Graph) -> Graph:
    """The position of an extreme without the axis that it is taken along."""

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        if node.op not in (argmax, argmin) or not node["keepdims"]:
            return node.with_args(args)
        return reshape(node.op(args[0], axis=node["axis"], keepdims=False), shape=node.shape)

    return graph.rewrite(step, deep="positions")


def _in_parts(graph: Graph) -> Graph:
    """silu and gelu in their parts: their own adjoints mind infinities, which a formula doesn't."""

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        if node.op.name == "silu":
            return args[0] * sigmoid(args[0])
        if node.op.name == "gelu_tanh":
            x = args[0]
            return x * sigmoid(const(2 * sqrt(2 / pi)) * (x + const(0.044715) * x * x * x))
        return node.with_args(args)

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
