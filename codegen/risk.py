"""Which steps of an adjoint may make NumPy warn where the value does not.

    d_x = d_y / x        may (x = 0);        d_x = 2.0 * d_y, d_W = x.T @ d_y        do not

Sums, products with constants, matrix products and selections warn only where the value has warned before;
quotients, logarithms, powers and products with values that may be infinite may warn at a model's edges,
unless NumPy has warned of those values, as it does of an array's logarithms. An input that the model is
differentiated by may be anywhere, at infinity too; params and data are finite.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from autodiffc.compiler.ir import Graph, Interval, Node, const_value
from autodiffc.compiler.model import Program
from autodiffc.compiler.ranges import intervals_of
from autodiffc.compiler.types import TUPLE

from .telling import is_softmax, known_form

QUIET = frozenset({
    "add", "sub", "neg", "sum", "mean", "matmul", "times", "inner", "outer", "gate", "gate_finite",
    "where", "masked", "maximum", "minimum", "max", "min", "argmax", "argmin", "sign", "abs", "less",
    "less_equal", "greater", "greater_equal", "equal", "not_equal", "logical_and", "logical_or",
    "logical_not", "reshape", "transpose", "broadcast_to", "getitem", "put", "gather", "scatter_add",
    "decrement", "take_along", "put_along", "concatenate", "stack", "flip", "roll", "tril", "triu",
    "diag", "diagonal", "put_diagonal", "trace", "eye", "arange", "to_real", "to_int", "to_bool", "clip",
    "nonnegative", "sigmoid", "tanh", "relu", "shifted", "one_hot", "cumsum", "pad", "repeat", "tile",
    "einsum", "contract", "linspace",
    "max_shift", "all", "any", "floor", "ceil", "round", "square", "erf", "erfc", "ndtr",
    "patches", "fold", "fold_pad", "columns", "tensordot", "take_flat", "put_flat", "window_argmax",
    "inv", "solve", "solve_triangular", "cholesky", "slogdet", "slogdet_part",
    "set_at", "add_at", "detached", "zeros_like", "undefined", "item", "elements", "packed",
})  # fmt: skip
WAVES = frozenset({"sin", "cos"})  # quiet, and finite, of finite arguments
FINITE = QUIET | WAVES | {"mul", "const", "dim"}  # of finite arguments
TOLD = frozenset({"div", "exp", "expm1", "log", "log1p", "sqrt", "power"})  # of arrays NumPy warns
GROWING = frozenset({"exp", "expm1"})  # overflow alike
HUGE = 1e100
LARGEST = 88.0  # of exponents: beyond it single precision overflows


class Risk:
    """The judgement of one graph's adjoint steps."""

    def __init__(self, graph: Graph, ranges: Mapping[str, Interval], finite: Collection[str]):
        self.graph = graph
        self.ranges = ranges
        self.finite = finite  # names of arguments
        self._bounded_nodes: set[Node] | None = None
        self._intervals: Mapping[Node, Interval] | None = None
        self._judged: dict[Node, bool] = {}
        self._results: dict[Node, list[bool]] = {}
        self._inner: dict[Node, list[Risk]] = {}

    def may_warn(self, node: Node) -> bool:
        """Whether the step, or an adjoint step below it, may warn."""
        stack, seen = [node], set()
        while stack:
            current = stack.pop()
            if current in seen or not self.is_adjoint(current):
                continue
            seen.add(current)
            if self._judged.setdefault(current, False) or self._warns(current):
                self._judged[current] = True
                return True
            stack.extend(a for a in current.args if a not in self._judged)
        return False

    def is_adjoint(self, node: Node) -> bool:
        """Whether it is a step of an adjoint; loops that passes have made may be, and tell it inside."""
        origins = self.graph.origins.get(node, ()) if node.args else ()
        return all(o.adjoint for o in origins) and (bool(origins) or node.op.name in ("loop", "branch"))

    def _warns(self, node: Node) -> bool:
        if node.type.kind == TUPLE and node.op.name != "elements":
            return any(risk.may_warn(n) for risk in self._inside(node) for n in risk.graph.nodes())
        if node.on_numbers:
            return False  # Python's floats don't warn
        if node.op.name == "square" or node.op.name in WAVES:
            return not self.is_finite(node.args[0])
        if node.op.name == "exp":
            return not (self._is_small_power(node) or self._has_warned(node.args[0], _grows))
        if node.op.name == "mul":
            return not (all(map(self.is_finite, node.args)) or any(map(self._is_factor, node.args)))
        if node.op.name == "div":
            divisor = node.args[1]
            return not (self._nonzero(divisor) or is_softmax(node) or self._has_warned(divisor, _bars_zero))
        return node.op.name not in QUIET

    def _is_factor(self, node: Node) -> bool:
        """A number made of constants, dims and the cotangent that backward() is given, and not 0."""
        stack = [node]
        while stack:
            part = stack.pop()
            seed = part.op.name == "argument" and part["name"] not in self.ranges
            if part.rank or not (part.args or seed or part.op.name == "dim" or const_value(part)):
                return False
            stack.extend(part.args)
        return True

    def is_finite(self, node: Node) -> bool:
        """Whether a factor cannot make a NaN of a finite cotangent: it is finite, where all data are."""
        if self._bounded_nodes is None:
            self._bounded_nodes = self._finite_nodes()
        return node in self._bounded_nodes

    def _finite_nodes(self) -> set[Node]:
        found: set[Node] = set()
        for node in self.graph.nodes():
            if node.op.name == "argument":
                known = node["name"] in self.finite
            elif node.op.name == "item" and not self.is_adjoint(node):
                known = self._is_finite_result(node, found)
            else:
                known = _keeps_finite(node) and all(a in found for a in node.args)
            small = self._small(node) or self._is_small_power(node)
            if known or small or node.type.kind != "real" or self.is_adjoint(node):
                found.add(node)
        return found

    def inside(self, tiled: Node) -> Risk:
        """The judgement of what is done with a tile."""
        known = [self.is_finite(a) or (self.is_adjoint(a) and a.type.kind == "real") for a in tiled.args]
        return self._risks(tiled, known)[0]

    def _inside(self, node: Node) -> list[Risk]:
        """The judgements of an adjoint's bodies; the cotangents that a loop carries are finite."""
        if node not in self._inner:
            if node.op.name == "tiled":
                return self._inner.setdefault(node, [self.inside(node)])
            carried = node["carried"] if node.op.name == "loop" else 0
            known = [i <= carried or self.is_finite(a) for i, a in enumerate(node.args)]
            self._inner[node] = self._risks(node, known)
        return self._inner[node]

    def _risks(self, node: Node, known: Sequence[bool]) -> list[Risk]:
        """The judgements of bodies of which some operands are known to be finite."""
        first = 1 if node.op.name == "branch" else 0
        fixed = {"loop": node.get("carried") or 0, "branch": 0, "tiled": -1}[node.op.name] + 1
        risks = []
        for body in node.subgraphs():
            names = [i["name"] for i in body.inputs]
            given = list(zip(names, node.args[first:]))[fixed - first :]
            ranges = {name: self._interval(a) for name, a in given}
            finite = {name for name, flag in zip(names, known[first:]) if flag}
            risks.append(Risk(body, ranges, finite))
        return risks

    def _is_finite_result(self, item: Node, found: Collection[Node]) -> bool:
        """Whether a result of a loop or a branch of the model is finite, where its operands are."""
        whole, position = item.args[0], item["position"]
        if whole.op.name == "elements":
            return whole.args[0] in found
        if whole not in self._results:
            known = [(not a.rank and a.type.kind != "real") or a in found for a in whole.args]
            self._results[whole] = self._finite_results(whole, known)
        results = self._results[whole]
        return bool(position >= len(results) or results[position])

    def _finite_results(self, whole: Node, known: list[bool]) -> list[bool]:
        while True:
            bodies = [r for r in self._risks(whole, known) if r.graph.outputs]
            results = [
                all(r.is_finite(r.graph.outputs[p][1]) for r in bodies if p < len(r.graph.outputs))
                for p in range(max((len(r.graph.outputs) for r in bodies), default=0))
            ]
            carried = range(whole["carried"]) if whole.op.name == "loop" else range(0)
            lost = [i + 1 for i in carried if known[i + 1] and not results[i]]
            if not lost:
                return results
            for place in lost:
                known[place] = False

    def _small(self, node: Node) -> bool:
        low, high = self._interval(node)
        return low > -HUGE and high < HUGE

    def _is_small_power(self, node: Node) -> bool:
        """An exponential that cannot overflow: of what has its maximum subtracted, say."""
        if node.op.name != "exp":
            return False
        (exponent,) = node.args
        shifted = exponent.op.name == "shifted" or known_form(exponent) == "shifted"
        return shifted or self._interval(exponent)[1] < LARGEST

    def _has_warned(self, operand: Node, alike: Callable[[Node, Node], bool]) -> bool:
        """Whether a step of the value, on arrays, makes NumPy warn where another one on the operand does."""
        users = self.graph.users.get(operand, ())
        return any(alike(u, operand) and u.rank and not self.is_adjoint(u) for u in users)

    def _nonzero(self, node: Node) -> bool:
        if self._is_factor(node):
            return True
        low, high = self._interval(node)
        return low > 0.0 or high < 0.0

    def _interval(self, node: Node) -> Interval:
        if self._intervals is None:
            self._intervals = intervals_of(self.graph.nodes(), self.ranges)
        return self._intervals[node]


def _grows(node: Node, exponent: Node) -> bool:
    return node.op.name in GROWING


def _bars_zero(node: Node, operand: Node) -> bool:
    """Whether NumPy warns of the step if the operand is 0."""
    return node.op.name == "log" or (node.op.name == "div" and node.args[1] is operand)


def _keeps_finite(node: Node) -> bool:
    """Whether the op makes finite values of finite ones, or NumPy warns that it does not."""
    if node.op.name in TOLD and node.rank:
        return True
    return node.op.name in FINITE or (node.op.name == "div" and bool(const_value(node.args[1])))


def finite_names(program: Program, forward: Graph) -> frozenset[str]:
    """The arguments of forward() and backward() that are finite: data, what is saved of them, the seed."""
    data = {a.name for a in program.arguments if a.role == "param" or a.name not in program.wrt}
    risk = Risk(forward, {a.name: a.interval for a in program.arguments}, data)
    saved = {name for name, node in forward.outputs if risk.is_finite(node)}
    return frozenset(data | saved | {f"d_{program.target}"})
