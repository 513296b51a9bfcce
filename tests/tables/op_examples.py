"""A model around each op, for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from autodiffc.compiler import ops
from autodiffc.compiler.ir import OPS, Graph, Node, NonDiff, Op, topological
from autodiffc.compiler.model import Argument, Bound, Initialiser, Program
from autodiffc.compiler.ops.precise import PRECISE
from autodiffc.compiler.types import Dim, Kind, Type
from autodiffc.grammar.source import Source, Span

SOURCE = Source("hand.dsl", "\n")
N, M, K = (Dim.of(n) for n in (3, 2, 4))


def whole(dim: Dim) -> tuple[Any, ...]:
    return ("slice", Dim.of(0), dim, 1)


def cut(start: int, length: int, step: int = 1) -> tuple[Any, ...]:
    return ("slice", Dim.of(start), Dim.of(length), step)


def array(name: str, *shape: Dim, kind: Kind = "real") -> Node:
    return ops.argument(name, Type(kind, shape))


x, y, z = array("x", N), array("y", N), array("z", N)
s, t = array("s"), array("t")
A, B, C = array("A", N, K), array("B", K, M), array("C", N, K)
S = array("S", N, N)
c = array("c", N, kind="bool")
i = array("i", N, kind="int")
signal = array("signal", Dim.of(1), M, K)
rows = array("rows", N, Dim.of(1), kind="int")

# What an argument of an example must keep to; an int is below its limit.
POSITIVE = (0.0, 3.0)
LIMITS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("arcsin", "arccos", "arctanh"), (-1.0, 1.0)),
    **dict.fromkeys(("log", "log2", "log10", "sqrt", "power", "nonnegative", "log1mexp"), POSITIVE),
    **dict.fromkeys(("xlogy", "xlog1py", "rel_entr", "lbeta", "digamma_drop"), POSITIVE),
    **dict.fromkeys(("lgamma", "digamma", "polygamma", "huber"), POSITIVE),
    "arccosh": (1.0, 4.0),
    "log1p": (-1.0, 3.0),
    "logit": (0.0, 1.0),
}
AXES = {"axis": (1,), "keepdims": False}
WINDOW = {"stride": (1,), "padding": (Dim.of(1),), "dilation": (2,)}
WIDTHS = ((Dim.of(0), Dim.of(0)), (Dim.of(1), Dim.of(1)))

UNARY = (
    *("exp", "expm1", "log", "log2", "log10", "log1p", "log1mexp", "logit"),
    *("sin", "cos", "tan", "tanh", "sinh", "cosh"),
    *("arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh"),
    *("sigmoid", "log_sigmoid", "softplus", "relu", "selu", "silu", "gelu_tanh"),
    *("erf", "erfc", "erfcx", "log_erfc", "ndtr", "gelu", "lgamma", "digamma"),
)

# The ops that the precise profile puts in the place of plain ones: these are what a model uses.
PLAIN = {tight.name: plain for plain, tight in PRECISE.items()}

# One example for each op: a value that depends on the op's result.
EXAMPLES: dict[str, Callable[[], Node]] = {
    "add": lambda: ops.add(x, s),
    "sub": lambda: ops.sub(s, x),
    "mul": lambda: ops.mul(A, C),
    "div": lambda: ops.div(x, y),
    "floordiv": lambda: x * y + ops.floordiv(x, y),
    "mod": lambda: ops.mod(x, y),
    "neg": lambda: ops.neg(ops.sin(x)),
    "abs": lambda: ops.abs(x),
    "sign": lambda: x * ops.sign(x + 0.2),
    "square": lambda: ops.square(x),
    "reciprocal": lambda: ops.reciprocal(x),
    "floor": lambda: x * y + ops.floor(x),
    "ceil": lambda: x * y + ops.ceil(x),
    "round": lambda: x * y + ops.round(x),
    "gate": lambda: ops.gate(x, c),
    "gate_finite": lambda: ops.gate_finite(ops.sin(x), c),
    "masked": lambda: ops.masked(x * x, y),
    "nonnegative": lambda: ops.nonnegative(x),
    "where": lambda: ops.where(c, x * y, x),
    "maximum": lambda: ops.maximum(x, y),
    "minimum": lambda: ops.minimum(x, y),
    "clip": lambda: ops.clip(x, y - 1.0, y + 1.0),
    "power": lambda: ops.power(x, y),
    "sqrt": lambda: ops.sqrt(x),
    "cbrt": lambda: ops.cbrt(x),
    "hypot": lambda: ops.hypot(x, y),
    "log_weight": lambda: ops.log_weight(x, y),
    "logaddexp": lambda: ops.logaddexp(x, y),
    "xlogy": lambda: ops.xlogy(x, y),
    "xlog1py": lambda: ops.xlog1py(x, y),
    "elu": lambda: ops.elu(x, s),
    "leaky_relu": lambda: ops.leaky_relu(x, s),
    "rel_entr": lambda: ops.rel_entr(x, y),
    "huber": lambda: ops.huber(x, s),
    "bce_with_logits": lambda: ops.bce_with_logits(x, y),
    "arctan2": lambda: ops.arctan2(x, y),
    "polygamma": lambda: ops.polygamma(x, n=2),
    "lbeta": lambda: ops.lbeta(x, y),
    "digamma_drop": lambda: ops.digamma_drop(x, y),
    **{name: lambda name=name: OPS[name](x) for name in UNARY},  # type: ignore[misc]
    "after": lambda: ops.after(ops.sin(x), ops.check(s > 0.0, text="", message="", place="", labels=())),
    "reshape": lambda: ops.reshape(ops.sin(A), shape=(K, N)),
    "transpose": lambda: ops.transpose(ops.sin(A), axes=(1, 0)),
    "broadcast_to": lambda: ops.broadcast_to(ops.sin(x), shape=(K, N)),
    "getitem": lambda: ops.getitem(ops.sin(A), index=(cut(1, 2), ("at", Dim.of(2)))),
    "put": lambda: ops.put(ops.sin(x), shape=(Dim.of(5),), index=(cut(1, 3),)),
    "gather": lambda: ops.gather(A, i, index=(("array", 0), whole(K))),
    "scatter_add": lambda: ops.scatter_add(ops.sin(x), i, shape=(N,), index=(("array", 0),)),
    "set_at": lambda: ops.set_at(ops.sin(x), s, index=(("at", Dim.of(1)),), once=False),
    "add_at": lambda: ops.add_at(ops.sin(x), y, i, index=(("array", 0),)),
    "take_flat": lambda: ops.take_flat(ops.sin(C), i),
    "window_max": lambda: ops.window_max(ops.sin(signal), kernel=(M,), **WINDOW),
    "put_flat": lambda: ops.put_flat(ops.sin(x), i, shape=(N, K)),
    "patches": lambda: ops.patches(ops.sin(signal), kernel=(M,), **WINDOW),
    "fold": lambda: ops.fold(ops.patches(ops.sin(signal), kernel=(M,), **WINDOW), sizes=(K,), **WINDOW),
    "decrement": lambda: ops.decrement(ops.sin(S), i, i),
    "take_along": lambda: ops.take_along(ops.sin(A), rows, axis=1),
    "put_along": lambda: ops.put_along(ops.sin(ops.reshape(x, shape=(N, Dim.of(1)))), rows, axis=1, count=N),
    "matmul": lambda: ops.matmul(A, B),
    "tensordot": lambda: ops.tensordot(A, C, axes=((0, 1), (0, 1))),
    "outer": lambda: ops.outer(x, y),
    "sum": lambda: ops.sum(ops.sin(A), **AXES),
    "mean": lambda: ops.mean(ops.sin(A), **AXES),
    "prod": lambda: ops.prod(A, **AXES),
    "max": lambda: ops.max(A, **AXES),
    "min": lambda: ops.min(A, **AXES),
    "var": lambda: ops.var(A, **AXES, ddof=1),
    "std": lambda: ops.std(A, **AXES, ddof=0),
    "norm": lambda: ops.norm(A, **AXES, ord=2),
    "logsumexp": lambda: ops.logsumexp(A, **AXES),
    "exp_share": lambda: ops.exp_share(A, axis=(1,)),
    "tight_sigmoid": lambda: ops.tight_sigmoid(x),
    "tight_tanh": lambda: ops.tight_tanh(x),
    "tight_log_softmax": lambda: ops.tight_log_softmax(A, axis=1),
    "tight_logsumexp": lambda: ops.tight_logsumexp(A, **AXES),
    "tight_cross_entropy": lambda: ops.tight_cross_entropy(A, i),
    "shifted": lambda: ops.shifted(x, s),
    "centred_squares": lambda: ops.centred_squares(A, **AXES),
    "divide_or_zero": lambda: ops.divide_or_zero(x, y),
    "cumsum": lambda: ops.cumsum(ops.sin(A), axis=1),
    "cumprod": lambda: ops.cumprod(A, axis=1),
    "exclusive_cumprod": lambda: ops.exclusive_cumprod(A, axis=1, reverse=True),
    "linear_scan": lambda: ops.linear_scan(A, C, axis=1, reverse=False),
    "flip": lambda: ops.flip(ops.sin(A), axis=(1,)),
    "roll": lambda: ops.roll(ops.sin(A), shift=(Dim.of(1),), axis=(1,)),
    "repeat": lambda: ops.repeat(ops.sin(A), repeats=2, axis=1),
    "tile": lambda: ops.tile(ops.sin(A), reps=(2, 1)),
    "pad": lambda: ops.pad(ops.sin(A), widths=WIDTHS, mode="reflect", value=0.0),
    "fold_pad": lambda: ops.fold_pad(ops.sin(C), widths=WIDTHS, mode="reflect"),
    "concatenate": lambda: ops.concatenate(ops.sin(x), y, axis=0),
    "stack": lambda: ops.stack(ops.sin(x), y, axis=1),
    "linspace": lambda: ops.linspace(s, t, count=K),
    "tril": lambda: ops.tril(ops.sin(S), k=0),
    "triu": lambda: ops.triu(ops.sin(S), k=1),
    "diag": lambda: ops.diag(ops.sin(x), k=1),
    "diagonal": lambda: ops.diagonal(ops.sin(S), k=0),
    "put_diagonal": lambda: ops.put_diagonal(ops.sin(x), n=N, m=N, k=0),
    "trace": lambda: ops.trace(ops.sin(S)),
    "einsum": lambda: ops.einsum(A, B, spec="ij,jk->ik"),
    "contract": lambda: ops.contract(A, C, spec="ij,ij->i"),
    "det": lambda: ops.det(S),
    "cofactors": lambda: ops.cofactors(S),
    "cofactors_adjoint": lambda: ops.cofactors_adjoint(S, ops.cos(S)),
    "det_sign": lambda: x * ops.det_sign(S),
    "log_abs_det": lambda: ops.log_abs_det(S),
    "log_det": lambda: ops.log_det(S),
    "inv": lambda: ops.inv(S),
    "solve": lambda: ops.solve(S, x),
    "solve_triangular": lambda: ops.solve_triangular(S, x, lower=True, transposed=False, unit=False),
    "cholesky": lambda: ops.cholesky(S),
    "softmax": lambda: ops.softmax(A, axis=1),
    "log_softmax": lambda: ops.log_softmax(A, axis=1),
    "normalize": lambda: ops.normalize(A, axis=(1,), eps=1e-5),
    "cross_entropy": lambda: ops.cross_entropy(A, i),
    "cross_entropy_probs": lambda: ops.cross_entropy_probs(A, C),
}


def example(op: Op) -> Program:
    """A model around one op: every real argument is differentiated, the target is not a scalar."""
    name = PLAIN.get(op.name, op.name)
    assert name in EXAMPLES, f"{name} has no example: a wrong rule for it would not be seen"
    output = EXAMPLES[name]()
    nodes = topological([output])
    assert OPS[name] in {node.op for node in nodes}
    arguments = [node for node in nodes if node.op.name == "argument"]
    graph = Graph(tuple(arguments), (("out", output),), {output: "out"})
    wrt = tuple(node["name"] for node in arguments if node.type.kind == "real")
    declared = tuple(_argument(node, LIMITS.get(name)) for node in arguments)
    return Program(op.name, SOURCE, "", (), {}, declared, graph, ("out",), None, "out", wrt, ())


def _argument(node: Node, limits: tuple[float, float] | None) -> Argument:
    bounds = tuple(map(Bound, (">", "<"), limits)) if limits and node.type.kind == "real" else ()
    below = (Dim.of(0), N) if node.type.kind == "int" else None
    role: Literal["input", "param"] = "param" if node.type.kind == "real" else "input"
    return Argument(node["name"], role, node.type, Span(SOURCE, 0, 0), bounds, below, Initialiser("zeros"))


# Ops that no cotangent passes: their results are ints or bools, they have no real argument, they cancel,
# or they are gone before the model is differentiated, or come after that.
NO_DERIVATIVE = frozenset(
    (
        *("to_real", "to_int", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
        *("logical_and", "logical_or", "logical_not", "one_hot", "max_shift", "zeros_like", "in_training"),
        *("stop_gradient", "check", "detached", "columns"),
    )
)
OWN = frozenset({"own_adjoint", "governed"})  # a rule that a model states: test_own_adjoints.py
DIFFERENTIABLE = sorted(
    n for n, op in OPS.items() if n not in NO_DERIVATIVE | OWN and not isinstance(op.vjp, NonDiff)
)
