"""Products with derivatives, as graphs: what of a module's functions takes vectors.

    jvp            the target, its tangent            along tangents of the wrt values
    hvp            tangents of the gradient           forward over reverse: one pass of each
    gauss_newton   Jᵀ H J v                           with H of the outer sum of squares alone

A vector has the shape of a wrt value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..ir import Graph, Node
from ..model import CannotEmit, Requested
from ..ops import argument
from .adjoints import Seed
from .autodiff import gradients, reverse
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
    alone = model.alone()
    chosen = [model.node(name) for name in model.wrt]
    residuals = _residuals(model, alone, chosen)
    seeds = {model.node(name): dot for name, dot in dots.items()}
    found = tangents([r for r, _ in residuals], seeds, alone, model.options)
    starts = [
        Seed(r, found.of(r) if weight is None else 2.0 * weight * found.of(r), Zeros.MIXED)
        for r, weight in residuals
    ]
    adjoints, _ = reverse(starts, chosen, alone, model.options)
    outputs = tuple((f"d_{name}_dot", adjoints.of(model.node(name))) for name in model.wrt)
    graph = replace(
        alone,
        inputs=(*alone.inputs, *dots.values()),
        outputs=outputs,
        names={**alone.names, **found.names},
        origins={**adjoints.origins, **found.origins, **alone.origins},
    )
    graph = substitute(substitute(graph, found.replaced), adjoints.replaced)
    return requested("gauss_newton", Dce().run(graph), tuple(dots.items()), [n for n, _ in outputs])


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
