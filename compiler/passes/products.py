"""Products with derivatives, as graphs: what of a module's functions takes vectors.

    jvp            the target, its tangent            along tangents of the wrt values
    hvp            tangents of the gradient           forward over reverse: one pass of each
    gauss_newton   Jᵀ H J v                           with H of the outer sum of squares alone

A vector has the shape of a wrt value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..ir import Graph, Node
from ..model import CannotEmit, Requested
from ..ops import argument
from .adjoints import Seed
from .autodiff import gradients, reverse
from .cse import Cse
from .dce import Dce
from .forward import pushed_forward, tangents
from .prepared import Prepared
from .squares import squares_of
from .structured import substitute
from .zeros import Zeros


def requested(
    name: str, graph: Graph, vectors: Iterable[tuple[str, Node]], results: Sequence[str]
) -> Requested:
    """A function with further arguments, each shaped like a wrt value."""
    shaped = tuple((str(node["name"]), like) for like, node in vectors)
    first = dict(graph.outputs)
    return Requested(name, replace(graph, outputs=tuple((r, first[r]) for r in results)), shaped)


def jvp(model: Prepared) -> Requested:
    """The target and its tangent."""
    dots = model.vectors("{}_dot")
    graph = pushed_forward(model.alone(), [model.target], dots, model.options)
    return requested("jvp", graph, tuple(dots.items()), (model.target, f"{model.target}_dot"))


def hvp(model: Prepared) -> Requested:
    """The gradient's tangents."""
    dots = model.vectors("v_{}")
    graph = model.gradient_along(dots)
    return requested("hvp", graph, tuple(dots.items()), tuple(name for name, _ in graph.outputs))


def gauss_newton(model: Prepared) -> Requested:
    """Jᵀ H J v, with J of what is squared in the target and H of the squares (Schraudolph 2002)."""
    dots = model.vectors("v_{}")
    alone = Cse().run(model.alone())  # both factors of a square are one value then
    chosen = [model.node(name) for name in model.wrt]
    along, residuals, cotangents = _squares_along(model, alone, dots)
    starts = [Seed(r, g, Zeros.MIXED) for r, g in zip(residuals, cotangents)]
    adjoints, _ = reverse(starts, chosen, along, model.options)
    outputs = tuple((f"d_{name}_dot", adjoints.of(model.node(name))) for name in model.wrt)
    graph = replace(along, outputs=outputs, origins={**adjoints.origins, **along.origins})
    graph = Dce().run(substitute(graph, adjoints.replaced))
    return requested("gauss_newton", graph, tuple(dots.items()), [n for n, _ in outputs])


def _squares_along(
    model: Prepared, graph: Graph, dots: Mapping[str, Node]
) -> tuple[Graph, list[Node], list[Node]]:
    """The graph with tangents, in which what is squared is with its cotangents, H times its tangent."""
    residuals = _residuals(model, graph, [model.node(name) for name in model.wrt])
    seeds = {model.node(name): dot for name, dot in dots.items()}
    found = tangents([r for r, _ in residuals], seeds, graph, model.options)
    values = [r for r, _ in residuals]
    values += [found.of(r) if weight is None else 2.0 * weight * found.of(r) for r, weight in residuals]
    along = replace(
        graph,
        inputs=(*graph.inputs, *dots.values()),
        outputs=tuple((str(k), value) for k, value in enumerate(values)),
        names={**graph.names, **found.names},
        origins={**found.origins, **graph.origins},
    )
    along = substitute(along, found.replaced)
    values = [value for _, value in along.outputs]
    return along, values[: len(residuals)], values[len(residuals) :]


def _residuals(model: Prepared, graph: Graph, wrt: Sequence[Node]) -> list[tuple[Node, Node | None]]:
    """What is squared, and the weights of the squares in the target (None: half of its square)."""
    target = graph.output(model.target)
    if not model.program.scalar_target:
        return [(target, None)]
    found = squares_of(target, wrt)
    if isinstance(found, Node):
        place = graph.origins.get(found, ())
        where = f", see line {place[0].span.line}" if place else ""
        raise CannotEmit(
            f"gauss_newton: {model.target} is not a sum of squares{where}; "
            "differentiate the residuals instead (`grad r wrt …`), or take hvp"
        )
    # A square may be in the residual of another one: with all of them cut off, each has its own weight.
    leaves = {square: argument(f"square {k}", square.type) for k, (square, _) in enumerate(found)}
    linear = graph.with_images(leaves)
    weights = gradients(linear.output(model.target), list(leaves.values()), None, linear, model.options)
    return [(residual, weights.of(leaves[square])) for square, residual in found]
