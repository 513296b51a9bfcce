"""Which functions a module can have on request, and the graphs of those that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from ..model import CannotEmit, Program, Requested, Sparse
from ..ops.checks import awaited, guarded
from .autodiff import NotDifferentiable
from .compressed import sparse_hessian, sparse_jacobian
from .dce import Dce
from .matrices import hessian, jacobian
from .prepared import Prepared
from .products import gauss_newton, hvp, jvp

T = TypeVar("T")
GRAPHS: dict[str, Callable[[Prepared], Requested]] = {
    "jvp": jvp, "hvp": hvp, "jacobian": jacobian, "hessian": hessian, "gauss_newton": gauss_newton,
}  # fmt: skip
SPARSE: dict[str, Callable[[Prepared], Sparse | None]] = {
    "jacobian": sparse_jacobian, "hessian": sparse_hessian,
}  # fmt: skip
NAMES = ("jvp", "vjp", "hvp", "jacobian", "hessian", "gauss_newton")  # vjp is made of forward and backward
WORKSPACE = "workspace"  # memory that a caller lends to the functions


def refuse_senseless(program: Program, emit: Sequence[str], level: int) -> None:
    """CannotEmit where a function is unknown, or needs another target or level."""
    for name in emit:
        if name == WORKSPACE and level < 2:
            raise CannotEmit(f"{name}: it is for -O2; at -O{level} functions keep no memory")
        if name == WORKSPACE:
            continue
        if name not in NAMES:
            raise CannotEmit(f"{name} is no function on request; there are {', '.join((*NAMES, WORKSPACE))}")
        if program.target is None or not program.wrt:
            raise CannotEmit(f"{name}: the model differentiates nothing; add a loss or `grad … wrt …`")
        if name in ("hvp", "hessian") and not program.scalar_target:
            raise CannotEmit(f"{name}: {program.target} is not a scalar; it has a jacobian, jvp and vjp")


def sparse_of(model: Prepared, emit: Sequence[str]) -> tuple[Sparse, ...]:
    """What sparse derivatives are made of, where they are asked for and anything is sparse."""
    found = (_made(SPARSE, name, model) for name in emit if name in SPARSE)
    return tuple(replace(s, product=_checked(model, s.product)) for s in found if s is not None)


def graphs_of(model: Prepared, emit: Sequence[str], sparse: Sequence[Sparse]) -> tuple[Requested, ...]:
    """The graphs of the functions that are asked for, but for dense ones that are made of sparse ones."""
    made = {s.name for s in sparse if s.serves_dense}
    wanted = (name for name in emit if name in GRAPHS and name not in made)
    return tuple(_checked(model, _made(GRAPHS, name, model)) for name in wanted)


def _made(functions: Mapping[str, Callable[[Prepared], T]], name: str, model: Prepared) -> T:
    try:
        return functions[name](model)
    except NotDifferentiable as problem:  # an adjoint that the model brings
        raise CannotEmit(f"{name}: {problem}") from problem


def _checked(model: Prepared, function: Requested) -> Requested:
    """What the model asserts, where the target that stands behind it is none of the results."""
    checks, graph = awaited(model.value()), function.graph
    if not checks or model.target in dict(graph.outputs):
        return function
    (name, first), *others = graph.outputs
    names = {**model.graph.names, **graph.names}
    origins = {**model.graph.origins, **graph.origins}
    outputs = ((name, guarded(first, checks)), *others)
    return replace(function, graph=Dce().run(replace(graph, outputs=outputs, names=names, origins=origins)))
