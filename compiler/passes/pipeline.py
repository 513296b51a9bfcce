"""Which passes run, in which order: the whole pipeline in one place.

    prepare        stability rules, on the model alone and at every level
    autodiff       the derivative, as nodes of the same graph
    optimise       by level
    partition      forward and backward, for callers who want them apart

The value that the three emitted functions compute is the same to the last bit: all come of one prepared
graph, and what happens to the model's own nodes afterwards is exact. (At -O2 sums over large arrays may be
added up in parts, tile by tile, in one function and as a whole in another.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from .. import ops
from ..ir import Graph, Interval, Node, const
from ..model import Derivative, Program, Requested, Sparse
from ..ops import argument
from ..ops.control import may_be_missing
from .added_parts import AddedParts
from .alternatives import InSides, either
from .autodiff import differentiate
from .base import Observe, Repeat, Step, run_passes
from .batch_last import BatchLast
from .chains import Chains
from .checkpoint import Checkpoint
from .constant_arrays import constant_arrays
from .copies import Copies
from .cse import Cse, Reread
from .dce import Dce
from .derivatives import Derivatives
from .expand import Expand
from .fold import Fold
from .hoist import Hoist
from .label import Label
from .layout import Layout
from .lower import Lower
from .modes import has_modes, predicting, trained
from .narrow import Narrow
from .partition import partition
from .planes import Planes
from .prepared import Prepared
from .quadratic import quadratic
from .reciprocals import Reciprocals
from .refine import Refine
from .requested import graphs_of, refuse_senseless, sparse_of
from .rows import Rows
from .siblings import Siblings
from .sides import Sides
from .simplify import Canonicalise, Simplify
from .stabilise import Stabilise
from .tile import Tile
from .tile_scales import TileScales
from .unroll import Unroll, pays
from .written_out import WrittenOut


def preparation(level: int, ranges: Mapping[str, Interval], precise: bool = False) -> tuple[Step, ...]:
    """What runs on the model before it is differentiated."""
    last: tuple[Step, ...] = (Refine(),) if precise else ()
    stable = (Derivatives(ranges, _stable, partial(_simpler, level), level == 0), *_stable(ranges))
    if level == 0:
        return (*stable, *last, Label())
    return (*stable, *_simplification(level), *last)


def _simplification(level: int) -> tuple[Step, ...]:
    """What makes a model simpler before it is differentiated."""
    written = (WrittenOut(), Cse()) if level > 1 else ()
    turned = (BatchLast(),) if level > 1 else ()
    return Fold(), Cse(), Rows(), Simplify(), *written, Chains(level > 1), *turned, Hoist(level > 1)


def _stable(ranges: Mapping[str, Interval]) -> tuple[Step, ...]:
    """What runs on whatever is differentiated, at every level."""
    return Checkpoint(), Canonicalise(), Stabilise(ranges), Canonicalise()


def _simpler(level: int, body: Graph, derivatives: int) -> Graph:
    """The body of a loop with its adjoint, which is to be differentiated once more."""
    return run_passes((Cse(), Simplify(derivatives), Dce()) if level else (Dce(),), body)


def optimisation(level: int, gradients: int) -> tuple[Step, ...]:
    """What runs on the model with its derivative, which is the last `gradients` outputs.

    Run again on what it has given, with another seed say, it looks at what is new only.
    """
    if level == 0:
        return Expand(), Dce()
    common, simpler = Cse(), Simplify(gradients)
    together = (Siblings(),) if level > 1 else ()
    return common, simpler, Expand(), Repeat((Fold(), common, simpler, Hoist(level > 1))), *together, Dce()


def finishing(level: int, model: Graph, saved: Graph | None = None) -> tuple[Step, ...]:
    """What runs last, on the graph of each emitted function: other forms of the same values, for speed.

    All functions of a model are computed number by number, or none: their values are the same to the bit.
    Nothing is differentiated afterwards. What one function saves for another may be missing.
    """
    if level < 2:
        return ()
    loose = frozenset(name for name, node in saved.outputs if may_be_missing(node)) if saved else frozenset()
    small = (Unroll(loose), Fold(), Cse(), Simplify()) if pays(model) else ()
    return (*small, Sides(), Reciprocals(), AddedParts(), Copies())


def tiling(level: int, program: Program) -> tuple[Step, ...]:
    """What cuts large arrays into tiles, in functions that need not keep them for another."""
    steps = (Tile(_data(program)), TileScales(), Planes(), Layout())
    return (*steps, InSides(steps)) if level > 1 else ()


def _data(program: Program) -> frozenset[str]:
    """The arguments that are no params."""
    return frozenset(a.name for a in program.arguments if a.role != "param")


def lowering(level: int) -> tuple[Step, ...]:
    """What gives the last ops forms that write into memory; tiles know those before."""
    return (Lower(),) if level > 1 else ()


@dataclass(frozen=True)
class Differentiate:
    """Reverse mode as a pass: adds an output `d_NAME` for each name."""

    target: str
    wrt: tuple[str, ...]
    seed: Node | None = None
    ranges: Mapping[str, Interval] = field(default_factory=dict)
    level: int = 0
    name: str = "autodiff"

    def run(self, graph: Graph) -> Graph:
        optimise, recompute = partial(_optimised, self.level), self.level > 0
        return differentiate(
            graph, self.target, self.wrt, self.seed, self.ranges, optimise=optimise, recompute=recompute
        )


def _optimised(level: int, body: Graph, derivatives: int) -> Graph:
    """The body of a loop with its adjoint, before it is decided what the loop saves."""
    return run_passes((Narrow(), *optimisation(level, derivatives)), body)


def prepare(
    graph: Graph,
    level: int = 0,
    ranges: Mapping[str, Interval] | None = None,
    observe: Observe | None = None,
    numerics: str = "stable",
) -> Graph:
    """The model's graph in the form that is differentiated; `ranges` are the constraints of its arguments."""
    return run_passes(preparation(level, ranges or {}, numerics == "precise"), graph, observe)


def derive(
    program: Program,
    level: int,
    observe: Observe | None = None,
    numerics: str = "stable",
    emit: Sequence[str] = (),
    dtype: str = "float64",
) -> Derivative:
    """The optimised graphs of a model and its derivative.

    `numerics` is the profile, stable or precise; `emit` names functions on request; `dtype` is that of real
    numbers. Raises CannotEmit where one of these makes no sense for the model.
    """
    refuse_senseless(program, emit, level)
    ranges = {a.name: a.attained for a in program.arguments}
    prepared = prepare(trained(program.graph), level, ranges, observe, numerics)
    if program.target is None:
        forward = run_passes((Narrow(ranges), *optimisation(level, 0)), prepared, observe)
        predict = _predict(program, forward, level, ranges, numerics)
        steps = (*finishing(level, forward), *tiling(level, program), *lowering(level))
        last = partial(run_passes, steps, observe=observe)
        return Derivative(None, last(forward), None, predict and last(predict), ())
    count = len(program.wrt)
    seed = argument(f"d_{program.target}", prepared.output(program.target).type)
    optimise = optimisation(level, count)
    steps = (Differentiate(program.target, program.wrt, seed, ranges, level), Narrow(ranges), *optimise)
    joint = run_passes(steps, prepared, observe)
    if level == 0:
        joint = run_passes((Reread(seed), Dce()), joint, observe)
    parts = partition(joint, count, seed, level > 0, constant_arrays(joint) if level > 1 else ())
    alone = None
    if program.scalar_target:
        one = _with_seed_one(joint, program.target, count, seed, named=level == 0)
        alone = run_passes(optimise, one, observe)
        if level > 1 and numerics == "stable" and dtype == "float64":
            alone = _with_quadratic(program, prepared, alone, ranges, seed, observe)
    predict = _predict(program, parts.forward, level, ranges, numerics)
    finishers = finishing(level, alone or joint, parts.forward)
    lowered = lowering(level)
    finish = partial(run_passes, (*finishers, *lowered), observe=observe)
    last = partial(run_passes, (*finishers, *tiling(level, program), *lowered), observe=observe)
    requested, sparse = _requested(program, prepared, level, ranges, emit, last, observe)
    return Derivative(
        alone and last(alone),
        finish(parts.forward),
        finish(parts.backward),
        predict and last(predict),
        parts.saved,
        requested,
        sparse,
        tuple(emit),
        prepared if level == 0 else None,
    )


def _with_quadratic(
    program: Program,
    prepared: Graph,
    alone: Graph,
    ranges: Mapping[str, Interval],
    seed: Node,
    observe: Observe | None,
) -> Graph:
    """Value and gradient; by squared distances as products where the sizes and the data allow it."""
    assert program.target is not None
    found = quadratic(_only(prepared, (program.target,)), frozenset(program.wrt))
    if found is None or pays(alone):
        return alone
    count = len(program.wrt)
    told = tuple((f"condition {condition.name}", condition.node) for condition in found.conditions)
    graph = replace(found.graph, outputs=found.graph.outputs + told)
    steps = (Differentiate(program.target, program.wrt, seed, ranges, 2), Narrow(ranges))
    joint = run_passes(steps, graph, observe)
    one = _with_seed_one(joint, program.target, count, seed, named=False)
    one = replace(one, outputs=one.outputs + tuple((name, joint.output(name)) for name, _ in told))
    cut = Tile(_data(program), gain=0.7, kept=2**16)
    notes = [condition.note for condition in found.conditions]
    return either(alone, run_passes(optimisation(2, count), one, observe), notes, cut)


def _requested(
    program: Program,
    prepared: Graph,
    level: int,
    ranges: Mapping[str, Interval],
    emit: Sequence[str],
    last: Callable[[Graph], Graph],
    observe: Observe | None,
) -> tuple[tuple[Requested, ...], tuple[Sparse, ...]]:
    """The functions on request, optimised."""

    def optimised(function: Requested) -> Requested:
        derivatives = sum(name != program.target for name, _ in function.graph.outputs)
        steps = (Narrow(ranges), *optimisation(level, derivatives))
        return replace(function, graph=last(run_passes(steps, function.graph, observe)))

    plain = prepared if level else run_passes(_simplification(1), prepared)
    optimise, simpler = partial(_optimised, level), partial(_simpler, level)
    model = Prepared(program, prepared, ranges, optimise, simpler, level, plain)
    sparse = []
    for found in sparse_of(model, emit):
        pattern = run_passes(optimisation(max(level, 1), 0), found.pattern)
        sparse.append(replace(found, pattern=pattern, product=optimised(found.product)))
    return tuple(map(optimised, graphs_of(model, emit, sparse))), tuple(sparse)


def _with_seed_one(joint: Graph, target: str, gradients: int, seed: Node, named: bool) -> Graph:
    """The value of the target and its derivatives alone, for a cotangent of 1, which may have its name."""
    one = ops.seed() if named else const(1.0)
    kept = _only(joint, (target,)).outputs + joint.outputs[len(joint.outputs) - gradients :]
    graph = replace(joint, inputs=tuple(i for i in joint.inputs if i is not seed), outputs=kept)
    graph = graph.with_images({seed: one})
    if not named:
        return graph
    born = tuple(replace(origin, adjoint=True) for origin in joint.origins.get(joint.output(target), ()))
    return replace(graph, names={**graph.names, one: f"d_{target}"}, origins={**graph.origins, one: born})


def _predict(
    program: Program, forward: Graph, level: int, ranges: Mapping[str, Interval], numerics: str
) -> Graph | None:
    """The outputs without the loss: the forward's own, unless prediction is another thing than training."""
    names = tuple(name for name in program.outputs if name != program.loss)
    if not names:
        return None
    if not has_modes(program.graph):
        return Dce().run(_only(forward, names))
    prepared = prepare(predicting(_only(program.graph, names)), level, ranges, None, numerics)
    return run_passes((Narrow(ranges), *optimisation(level, 0)), prepared)


def _only(graph: Graph, names: tuple[str, ...]) -> Graph:
    """The same graph with only the outputs of these names, in this order."""
    first = dict(reversed(graph.outputs))
    return replace(graph, outputs=tuple((name, first[name]) for name in names))
