"""What holds between the derivatives of a module, whatever the model is.

    function  law                     an error that breaks it
    jvp       ⟨J v, u⟩ = ⟨v, Jᵀ u⟩    a rule of forward mode that is not the transpose of reverse mode's
    hvp       H v = differences       a term of the second derivative that is missing
    hessian   H = Hᵀ                  an element in the wrong place

v and w are random directions, u the target's cotangent. The gradient, to which all are tied, is compared with
SymPy's and with differences by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import replace

import numpy as np
from autodiffc.grammar.records import record

from .case import Case
from .comparison import SMALL_PART, Comparison, Finding, Precision, not_checked
from .compiled import Arguments, Fault
from .derived import Graphs, NoSquares
from .differences import EPSILON
from .held import NotLinear
from .ir import Array
from .model import Program
from .passes.autodiff import NotDifferentiable
from .quotients import OUT_OF_TIME, Attempt
from .rays import REACH, STEP, Ray
from .sides import Label, Sides, settled
from .types import Dim, size_of

IDENTITY = 1e-10  # relative to the terms of a product
FEW = 2_000  # elements that are differenced one by one; rows and columns of a dense matrix


class NotChecked(Exception):
    """Why a law says nothing here."""


@record(frozen=True, eq=False)
class Trial:
    """The compiled derivatives at a point, and what they are compared with.

    `stated`: the model brings an adjoint that is not the derivative of its function. Then its gradient is
    that of no function, and its second derivatives are not symmetric.
    """

    case: Case
    graphs: Graphs
    precision: Precision
    deadline: float
    stated: bool = False

    @property
    def rtol(self) -> float:
        return self.precision.tolerance(IDENTITY)

    def equal(self, label: Label, left: Array, right: Array) -> list[Sides]:
        """Element by element."""
        return [Sides(label, left, right, np.full(left.shape, self._floor(right)), self.rtol)]

    def _floor(self, expected: Array) -> float:
        """The rounding of the largest element, which may be in all."""
        return self.precision.floor(float(np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))))

    def inner(self, text: str, a: Array, b: Array, c: Array, d: Array) -> list[Sides]:
        """⟨a, b⟩ = ⟨c, d⟩."""
        terms = max(float(np.abs(a) @ np.abs(b)), float(np.abs(c) @ np.abs(d)))
        floor = self.precision.floor(terms) + SMALL_PART * self.rtol * terms
        return [Sides(lambda k: text, np.array([a @ b]), np.array([c @ d]), np.array([floor]), self.rtol)]

    def same_value(self, value: Array) -> list[Sides]:
        """The target's value, within its rounding."""
        case, reference = self.case, self.case.point.reference
        noise = np.ravel(reference.noise[case.target]) if reference else np.zeros(case.out.size)
        floors = np.array([self.precision.floor(float(n) / EPSILON) for n in noise])
        return [Sides(case.out.label, value, case.value, floors, self.rtol)]

    def quotients(self, label: Label, found: Array, ray: Ray) -> Iterator[Sides]:
        """Against the differences along v."""
        self.away_from_kinks()
        if found.size > FEW:
            raise NotChecked(f"more than {FEW} elements; try smaller --sizes")
        for attempt in ray.attempts(self.case, self.case.v, self.deadline):
            yield self.against(label, found, attempt)

    def against(self, label: Label, found: Array, attempt: Attempt | None) -> Sides:
        if attempt is None:
            raise NotChecked(OUT_OF_TIME)
        rtol = self.precision.tolerance(attempt.rtol)
        errors = attempt.errors + self._floor(attempt.slopes)
        return Sides(label, found, attempt.slopes, errors, rtol, attempt.method, attempt.sure)

    def away_from_kinks(self) -> None:
        if self.case.point.at_kink:
            raise NotChecked("every point drawn is at a kink")

    def needs_gradient(self) -> None:
        if self.stated:
            raise NotChecked("an adjoint that the model brings is not the derivative of its function")

    def nearby(self, generator: np.random.Generator) -> Trial:
        """The same at arguments that are a few units of rounding away."""
        return replace(self, case=self.case.nearby(generator, self.precision.unit))


@record(frozen=True, eq=False)
class Law:
    """Of a function of the module, in words and as the two sides that are equal.

    Sides are given in better and better ways. `partner` is a function that the law needs too, `entries` how
    many elements its matrices have.
    """

    function: str
    text: str
    sides: Callable[[Trial], Iterable[Sides]]
    partner: str = ""
    entries: Callable[[Case], int] = lambda case: 0

    def finding(self, trial: Trial) -> Finding:
        return Finding(self.function, self.text, self._outcome(trial))

    def _outcome(self, trial: Trial) -> Comparison:
        if time.monotonic() > trial.deadline:
            return not_checked(OUT_OF_TIME)
        if self.entries(trial.case) > FEW**2:
            return not_checked(f"more than {FEW**2} elements; try smaller --sizes")
        generator = np.random.default_rng(0)
        rescue = None if trial.case.point.at_kink else lambda: self.sides(trial.nearby(generator))
        try:
            return settled(self.sides(trial), rescue)
        except Fault as fault:
            return Comparison("differs", reason=str(fault))
        except (NotChecked, NotLinear, NotDifferentiable, NoSquares) as problem:
            return not_checked(str(problem))


def findings(trial: Trial, functions: Container[str] | None = None) -> Iterator[Finding]:
    """What the laws of all functions that the module has come to, or of some of them."""
    has = trial.case.compiled.has
    for law in LAWS:
        if functions is not None and law.function not in functions:
            continue
        if has(law.function) and (not law.partner or has(law.partner)):
            yield law.finding(trial)


def too_large(program: Program) -> dict[str, str]:
    """The matrices that are too large at whatever sizes, with the reason."""
    if program.target is None:
        return {}
    target = program.graph.output(program.target)
    columns = sum((size_of(a.type.shape) for a in program.arguments if a.name in program.wrt), Dim.of(0))
    sizes = {"jacobian": size_of(target.shape) * columns, "hessian": columns * columns}
    return {
        name: f"{size.known} elements are too many"
        for name, size in sizes.items()
        if size.known is not None and size.known > FEW**2 and (target.rank == 0 or name == "jacobian")
    }


# --- the laws that take more than a line -----------------------------------------------------------


def _gradient_differences(t: Trial) -> Iterator[Sides]:
    case, compiled = t.case, t.case.compiled

    def own(arguments: Arguments) -> Array:
        return case.flat("grad", compiled.call("grad", arguments))

    names = tuple(f"d_{name}" for name in case.wrt.names)
    return t.quotients(case.wrt.label, case.Hv, Ray(t.graphs.gradient, names, own))


def _value_differences(t: Trial) -> Iterator[Sides]:
    case = t.case

    def own(arguments: Arguments) -> Array:
        return np.ravel(case.compiled.outputs(arguments)[case.target])

    return t.quotients(case.out.label, case.J @ case.v, Ray(t.graphs.value, (case.target,), own))


def _square_differences(t: Trial) -> Iterator[Sides]:
    """⟨G v, w⟩ by differences of what is squared along v and along w, and a second difference of the form."""
    t.away_from_kinks()
    case, squares = t.case, t.graphs.squares
    ray = Ray(squares.inner, squares.names)
    along_v, along_w = (ray.attempts(case, direction, t.deadline) for direction in (case.v, case.w))
    floor = t.precision.floor(float(np.abs(case.Gv) @ np.abs(case.w)))
    for a, b in zip(along_v, along_w):
        form = a and b and _form(t, a, b, floor)
        yield t.against(lambda k: "⟨G v, w⟩", np.array([case.Gv @ case.w]), form)


def _form(t: Trial, a: Attempt, b: Attempt, floor: float) -> Attempt:
    """The quadratic form of two attempts' slopes as an attempt."""
    arguments, sizes = t.case.point.arguments, t.case.point.sizes
    value, largest = t.graphs.squares.product(a.slopes, b.slopes, arguments, sizes)
    error = floor + Precision(False, 0).floor(largest) + largest * (_relative(a) + _relative(b))
    return Attempt(np.array([value]), np.array([error]), max(a.rtol, b.rtol), b.method)


def _relative(attempt: Attempt) -> float:
    norm = float(np.linalg.norm(attempt.slopes))
    return float(np.linalg.norm(attempt.errors)) / norm if norm else 0.0


def _linear_rest(t: Trial) -> list[Sides]:
    """The target with its squares held, along v: the middle is the mean of the ends."""
    t.away_from_kinks()
    case, squares = t.case, t.graphs.squares
    reach = min(REACH, 0.5 * case.point.margin * STEP)
    behind, middle, ahead = (
        squares.rest(case.point.arguments, case.moved(case.v, step), case.point.sizes)
        for step in (-reach, 0.0, reach)
    )
    floor = Precision(False, 0).floor(max(map(abs, (behind, middle, ahead))))
    mean = np.array([(ahead + behind) / 2.0])
    return [Sides(lambda k: case.target, np.array([middle]), mean, np.array([floor]), 0.0)]


def _semidefinite(t: Trial) -> list[Sides]:
    case = t.case
    if not t.graphs.squares.plain(case.point.arguments, case.point.sizes):
        raise NotChecked("squares are subtracted")
    product = case.v @ case.Gv
    floor = t.precision.floor(float(np.abs(case.v) @ np.abs(case.Gv)))
    return [
        Sides(
            lambda k: "⟨v, G v⟩", np.array([product]), np.array([max(product, 0.0)]), np.array([floor]), 0.0
        )
    ]


def _hessian_symmetric(t: Trial) -> list[Sides]:
    t.needs_gradient()
    case, n = t.case, t.case.wrt.size
    H = case.folded(case.folded(case.H).T).ravel()
    mirrored = H.reshape(n, n).T.ravel()
    return t.equal(lambda k: f"({case.wrt.label(k // n)}, {case.wrt.label(k % n)})", H, mirrored)


def _hessian_product(t: Trial) -> list[Sides]:
    t.needs_gradient()
    return t.equal(t.case.wrt.label, t.case.H @ t.case.v, t.case.Hv)


def _hvp_symmetric(t: Trial) -> list[Sides]:
    t.needs_gradient()
    return t.inner("⟨H v, w⟩", t.case.Hv, t.case.w, t.case.v, t.case.Hw)


def _tangent(t: Trial) -> list[Sides]:
    return t.inner("⟨J v, u⟩", t.case.jvp[1], t.case.u, t.case.v, t.case.Jtu)


def _jacobian_rows(t: Trial) -> list[Sides]:
    case = t.case
    return t.equal(case.wrt.label, case.folded(case.u @ case.J), case.folded(case.Jtu))


def _sparse_jacobian(t: Trial) -> list[Sides]:
    case, n = t.case, t.case.wrt.size
    left, right = case.sparse_jacobian[1].dense().ravel(), case.J.ravel()
    return t.equal(lambda k: f"{case.out.label(k // n)} by {case.wrt.label(k % n)}", left, right)


def _sparse_hessian(t: Trial) -> list[Sides]:
    case, n = t.case, t.case.wrt.size
    left, right = case.sparse_hessian.dense().ravel(), case.H.ravel()
    return t.equal(lambda k: f"({case.wrt.label(k // n)}, {case.wrt.label(k % n)})", left, right)


def _sparse_product(t: Trial) -> list[Sides]:
    t.needs_gradient()
    return t.equal(t.case.wrt.label, t.case.sparse_hessian.times(t.case.v), t.case.Hv)


def _jacobian_size(case: Case) -> int:
    return case.out.size * case.wrt.size


def _hessian_size(case: Case) -> int:
    return case.wrt.size**2


VALUE = "value = forward's"

LAWS = (
    Law("jvp", VALUE, lambda t: t.same_value(t.case.jvp[0])),
    Law("jvp", "⟨J v, u⟩ = ⟨v, Jᵀ u⟩", _tangent),
    Law("vjp", VALUE, lambda t: t.same_value(t.case.vjp[0])),
    Law("vjp", "Jᵀ u = backward's", lambda t: t.equal(t.case.wrt.label, t.case.vjp[1], t.case.Jtu)),
    Law("hvp", "H v = differences of the gradient", _gradient_differences),
    Law("hvp", "⟨H v, w⟩ = ⟨v, H w⟩", _hvp_symmetric),
    Law("jacobian", VALUE, lambda t: t.same_value(t.case.jacobian[0]), entries=_jacobian_size),
    Law("jacobian", "J v = differences of the value", _value_differences, entries=_jacobian_size),
    Law("jacobian", "J v = jvp's", lambda t: t.equal(t.case.out.label, t.case.J @ t.case.v, t.case.jvp[1]),
        "jvp", _jacobian_size),
    Law("jacobian", "Jᵀ u = backward's", _jacobian_rows, entries=_jacobian_size),
    Law("hessian", "H = Hᵀ", _hessian_symmetric, entries=_hessian_size),
    Law("hessian", "H v = hvp's", _hessian_product, "hvp", _hessian_size),
    Law("sparse_jacobian", VALUE, lambda t: t.same_value(t.case.sparse_jacobian[0])),
    Law("sparse_jacobian", "S v = jvp's",
        lambda t: t.equal(t.case.out.label, t.case.sparse_jacobian[1].times(t.case.v), t.case.jvp[1]), "jvp"),
    Law("sparse_jacobian", "S = jacobian's", _sparse_jacobian, "jacobian", _jacobian_size),
    Law("sparse_hessian", "S v = hvp's", _sparse_product, "hvp"),
    Law("sparse_hessian", "S = hessian's", _sparse_hessian, "hessian", _hessian_size),
    Law("gauss_newton", "⟨G v, w⟩ = differences of what is squared", _square_differences),
    Law("gauss_newton", "what is not squared is linear", _linear_rest),
    Law("gauss_newton", "⟨G v, w⟩ = ⟨v, G w⟩",
        lambda t: t.inner("⟨G v, w⟩", t.case.Gv, t.case.w, t.case.v, t.case.Gw)),
    Law("gauss_newton", "⟨v, G v⟩ >= 0", _semidefinite),
)  # fmt: skip
SPARSE = ("sparse_jacobian", "sparse_hessian")
PARTNERS = {law.function: law.partner for law in LAWS if law.partner}
