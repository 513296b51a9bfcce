"""A table of the ops on whole arrays: arguments and attributes with which every one of them is tested.

    case("sum", "real[N, D]", axis=(0,), keepdims=False, linear=True)

`int[M]<N` is an array of ints below N; `<regular` and `<definite` are matrices far from singular, the latter
symmetric, and so is what it is perturbed by. The dims are symbols; `SIZES` gives the numbers at which they are
run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Array
from autodiffc.compiler.types import Dim, Type

SIZES = {"N": 3, "D": 4, "K": 5, "M": 6, "B": 2}
N, D, K, M, B = map(Dim.symbol, SIZES)
ONE, ZERO = Dim.of(1), Dim.of(0)


def whole(dim: Dim) -> tuple[Any, ...]:
    return ("slice", ZERO, dim, 1)


def last(dim: Dim, back: int = 1) -> tuple[Any, ...]:
    return ("at", dim - back)


@dataclass(frozen=True)
class Case:
    op: str
    arguments: tuple[str, ...]
    attrs: Mapping[str, Any]
    linear: bool = False

    def __str__(self) -> str:
        attrs = ", ".join(f"{name}={shown(value)}" for name, value in self.attrs.items())
        return f"{self.op}({', '.join(self.arguments)}; {attrs})"


def shown(value: Any) -> str:
    return f"({','.join(map(shown, value))})" if isinstance(value, tuple) else str(value)


def case(op: str, *arguments: str, linear: bool = False, **attrs: Any) -> Case:
    return Case(op, arguments, attrs, linear)


def reductions(name: str, linear: bool = False, **attrs: Any) -> list[Case]:
    """A vector, a matrix and a stack, reduced by one axis, several, all, none."""
    return [
        case(name, argument, axis=axis, keepdims=keepdims, linear=linear, **attrs)
        for argument, axis in [
            ("real[D]", (0,)), ("real[N, D]", (0,)), ("real[N, D]", (1,)), ("real[N, D]", (0, 1)),
            ("real[N, D, B]", (0, 2)), ("real[N, D, B]", (1,)), ("real", ()), ("real[N, 1]", (1,)),
        ]
        for keepdims in (False, True)
    ]  # fmt: skip


def positions(name: str) -> list[Case]:
    return [
        case(name, argument, axis=axis, keepdims=keepdims)
        for argument, axis in [("real[D]", (0,)), ("real[N, D]", (1,)), ("real[N, D]", (0, 1)), ("real", ())]
        for keepdims in (False, True)
    ]


def truths(name: str) -> list[Case]:
    return [case(name, "bool[N, D]", axis=axis, keepdims=False) for axis in [(0,), (1,), (0, 1)]]


def parsed(text: str) -> Type:
    """`int[N, 1]<K` as a type."""
    match = re.fullmatch(r"(real|int|bool)(?:\[(.*)\])?(?:<\w+)?", text)
    assert match is not None, text
    names = [name.strip() for name in (match[2] or "").split(",") if name.strip()]
    return Type(match[1], tuple(eval(name, {n: Dim.symbol(n) for n in SIZES}) + ZERO for name in names))  # type: ignore[arg-type]


BASIC_INDICES: list[tuple[str, tuple[Any, ...]]] = [
    ("real[N]", (("at", ZERO),)),
    ("real[N]", (last(N),)),
    ("real[N, D]", (whole(N), ("slice", ONE, D - 1, 1))),
    ("real[N, D]", (("slice", ZERO, N - 1, 1), last(D, 2))),
    ("real[N, D]", (whole(N), ("new",), ("slice", ZERO, D // 2, 2))),
    ("real[M]", (("slice", M - 1, M, -1),)),
    ("real[M]", (("slice", M - 1, (M + 1) // 2, -2),)),
    ("real[M]", (("slice", M - 1, M - 3, -1),)),
    ("real[M]", (("slice", M - 2, M - 1 - N, -1),)),
    ("real[M]", (("slice", ZERO, (M + 1) // 2, 2),)),
    ("real[M]", (("slice", ONE, M // 4, 4),)),
    ("real[M]", (("slice", N, Dim.of(2), 1),)),
    ("real[M]", (("slice", M - 3, Dim.of(3), 1),)),
    ("real[5]", (("slice", Dim.of(4), Dim.of(2), -3),)),
    ("real[5]", (("slice", Dim.of(2), ZERO, 1),)),
    ("real[N, D, B]", (whole(N), last(D), whole(B))),
    ("real", (("new",), ("new",))),
]

GATHERS: list[tuple[tuple[str, ...], tuple[Any, ...]]] = [
    (("real[N]", "int[M]<N"), (("array", 0),)),
    (("real[N]", "int<N"), (("array", 0),)),
    (("real[N, D]", "int[M]<N"), (("array", 0), whole(D))),
    (("real[N, D]", "int[B, M]<N"), (("array", 0), ("slice", ONE, D - 1, 1))),
    (("real[N, D]", "int[M]<N", "int[M]<D"), (("array", 0), ("array", 1))),
    (("real[N, D]", "int[M, 1]<N", "int[B]<D"), (("array", 0), ("array", 1))),
    (("real[N, D, B]", "int[M]<N", "int[M]<B"), (("array", 0), whole(D), ("array", 1))),
    (("real[N, D, B]", "int[M]<D"), (whole(N), ("array", 0), whole(B))),
    (("real[N, D, B]", "int[M]<B"), (("at", ZERO), whole(D), ("array", 0))),
    (("real[N, D, B]", "int[M]<D"), (("at", ONE), ("array", 0), whole(B))),
    (("real[N, D]", "int[M]<N", "int[M]<D"), (("array", 0), ("new",), ("array", 1))),
    (("real[N, D]", "int<N", "int<D"), (("array", 0), ("array", 1))),
    (("real[N, D]", "int<D"), (whole(N), ("array", 0))),
]


def scatter_argument(arguments: tuple[str, ...], index: tuple[Any, ...]) -> str:
    x, *arrays = map(parsed, arguments)
    return str(ops.gather(ops.argument("x", x), *(ops.argument("i", a) for a in arrays), index=index).type)


def scatters() -> list[Case]:
    return [
        case("scatter_add", scatter_argument(a, i), *a[1:], linear=True, shape=parsed(a[0]).shape, index=i)
        for a, i in GATHERS
    ]


def puts() -> list[Case]:
    return [
        case("put", str(ops.getitem(ops.argument("x", x), index=i).type), linear=True, shape=x.shape, index=i)
        for x, i in ((parsed(text), index) for text, index in BASIC_INDICES)
    ]


def updates() -> list[Case]:
    """Elements set and added to; those that an index array may pick twice are only added to."""
    picked = [
        (x, str(ops.getitem(ops.argument("x", parsed(x)), index=i).type), (), i)
        for x, i in BASIC_INDICES
        if x != "real"
    ]
    gathered = [(a[0], scatter_argument(a, i), a[1:], i) for a, i in GATHERS]
    single = [p for p in gathered if all("[" not in array for array in p[2])]
    return [
        *(case("add_at", x, v, *arrays, index=i, linear=True) for x, v, arrays, i in (*picked, *gathered)),
        *(case("set_at", x, v, *arrays, index=i, once=False) for x, v, arrays, i in (*picked, *single)),
    ]


MATMULS = [
    ("real[D]", "real[D]"), ("real[N, D]", "real[D]"), ("real[N]", "real[N, D]"),
    ("real[N, D]", "real[D, K]"),
    ("real[B, N, D]", "real[D, K]"), ("real[N, D]", "real[B, D, K]"), ("real[B, 1, N, D]", "real[M, D, K]"),
    ("real[B, N, D]", "real[D]"), ("real[N]", "real[B, N, D]"), ("real[B, N, D]", "real[B, D, 1]"),
]  # fmt: skip

EINSUMS = [
    ("ij,jk->ik", "real[N, D]", "real[D, K]"), ("ij->ji", "real[N, D]"), ("ij->", "real[N, D]"),
    ("ij,ij->i", "real[N, D]", "real[N, D]"), ("i,j->ij", "real[N]", "real[D]"), ("ii->i", "real[N, N]"),
    ("ii->", "real[N, N]"), ("iij,j->i", "real[N, N, D]", "real[D]"),
    ("iji,k->jk", "real[N, D, N]", "real[B]"),
    ("bij,bjk->bik", "real[B, N, D]", "real[B, D, K]"),
    ("ij,jk,kl->il", "real[N, D]", "real[D, K]", "real[K, B]"),
    ("ij,kl->k", "real[N, D]", "real[K, B]"), (",i->i", "real", "real[N]"), ("iii->i", "real[N, N, N]"),
    ("i,i,i->", "real[N]", "real[N]", "real[N]"), ("ij,kj->ki", "real[N, D]", "real[K, D]"),
    ("bij,kbi->kjb", "real[B, N, D]", "real[K, B, N]"),
    ("ij,j->i", "real[N, D]", "real[D]"), ("i,i->", "real[N]", "real[N]"),
    ("ijk,jkl->li", "real[N, D, B]", "real[D, B, K]"), ("ijk,jk->i", "real[N, D, B]", "real[D, B]"),
    ("bijc,bck->bjik", "real[B, N, D, K]", "real[B, K, M]"), ("ij,ji->", "real[N, D]", "real[D, N]"),
]  # fmt: skip

EQUATIONS = [
    ("real[N, N]<regular", "real[N]"), ("real[N, N]<regular", "real[N, D]"),
    ("real[B, N, N]<regular", "real[N]"), ("real[B, N, N]<regular", "real[N, D]"),
    ("real[N, N]<regular", "real[B, N, D]"), ("real[B, 1, N, N]<regular", "real[D, N, B]"),
    ("real[1, 1]<regular", "real[1]"),
]  # fmt: skip
TRIANGLES = [{"lower": lower, "transposed": transposed, "unit": unit}
             for lower in (False, True) for transposed in (False, True) for unit in (False, True)]  # fmt: skip
SQUARES = ["real[N, N]", "real[B, N, N]", "real[1, 1]", "real[D, B, N, N]"]

PADS = [
    ("real[D]", ((ONE, Dim.of(2)),)),
    ("real[N, D]", ((ONE, ONE), (ONE, ONE))),
    ("real[N, D]", ((ZERO, B), (ONE, ZERO))),
]


def moving(*stride: int, padding: tuple[Dim, ...] = (), dilation: tuple[int, ...] = ()) -> dict[str, Any]:
    """How windows move."""
    count = len(stride)
    return {"stride": stride, "padding": padding or (ZERO,) * count, "dilation": dilation or (1,) * count}


TWO, THREE = Dim.of(2), Dim.of(3)
WINDOWS: list[tuple[str, tuple[Dim, ...], dict[str, Any]]] = [
    ("real[B, N, M]", (THREE,), moving(1)),
    ("real[B, 1, M]", (TWO,), moving(3, padding=(ONE,))),
    ("real[1, N, 5, D]", (TWO, TWO), moving(2, 2)),
    ("real[B, 1, 5, K]", (THREE, TWO), moving(1, 2, padding=(ONE, ONE))),
    ("real[B, N, M, 7]", (TWO, THREE), moving(2, 1, padding=(ONE, ONE), dilation=(1, 2))),
    ("real[1, B, D, D]", (B, ONE), moving(1, 3, padding=(B - 1, ZERO))),
]


def patches_of(x: str, kernel: tuple[Dim, ...], how: dict[str, Any]) -> str:
    return str(ops.patches(ops.argument("x", parsed(x)), kernel=kernel, **how).type)


TENSORDOTS: list[tuple[tuple[str, str], tuple[tuple[int, ...], tuple[int, ...]]]] = [
    (("real[N, D, K]", "real[D, K, B]"), ((1, 2), (0, 1))),
    (("real[N, D, K]", "real[K, B, D]"), ((1, 2), (2, 0))),
    (("real[N, D, K]", "real[K, N, D]"), ((0, 2), (1, 0))),
    (("real[N, D]", "real[B, N, M]"), ((0,), (1,))),
    (("real[N]", "real[B]"), ((), ())),
    (("real[N, D]", "real[D, N]"), ((0, 1), (1, 0))),
]

CASES: list[Case] = [
    *reductions("sum", linear=True), *reductions("mean", linear=True), *reductions("prod"),
    *reductions("max"),
    *reductions("min"), *reductions("var", ddof=0), *reductions("std", ddof=0), *reductions("norm", ord=2),
    *reductions("norm", ord=1), *reductions("logsumexp"), *reductions("centred_squares"),
    case("var", "real[N, D]", axis=(0,), keepdims=False, ddof=1),
    case("std", "real[N, D]", axis=(1,), keepdims=True, ddof=1),
    case("std", "real[4]", axis=(0,), keepdims=False, ddof=1),
    *positions("argmax"), *positions("argmin"), *truths("all"), *truths("any"),
    *(case(name, "real[N, D]", axis=axis, linear=name == "cumsum")
      for name in ("cumsum", "cumprod") for axis in (0, 1)),
    case("cumsum", "real[D]", axis=0, linear=True), case("cumprod", "real[D]", axis=0),
    *(case("exclusive_cumprod", "real[N, D]", axis=a, reverse=r)
      for a in (0, 1) for r in (False, True)),
    *(case("linear_scan", "real[N, D]", "real[N, D]", axis=a, reverse=r)
      for a in (0, 1) for r in (False, True)),
    *(case("max_shift", "real[N, D]", axis=(1,), keepdims=k) for k in (False, True)),
    case("max_shift", "real[N, 4]", axis=(1,), keepdims=True),
    # shape
    case("reshape", "real[N, D]", shape=(D * N,), linear=True),
    case("reshape", "real[N, D]", shape=(N, ONE, D), linear=True),
    case("reshape", "real[N, 1, D, 1]", shape=(N, D), linear=True),
    case("reshape", "real[M, D]", shape=(D, M), linear=True),
    case("reshape", "real[1]", shape=(), linear=True), case("reshape", "real[1, 1]", shape=(), linear=True),
    case("reshape", "real", shape=(ONE, ONE), linear=True),
    *(case("transpose", "real[N, D, B]", axes=a, linear=True)
      for a in [(2, 1, 0), (0, 2, 1), (1, 0, 2), (1, 2, 0)]),
    case("transpose", "real[N, D]", axes=(1, 0), linear=True),
    case("transpose", "real[N]", axes=(0,), linear=True),
    case("broadcast_to", "real", shape=(N, D), linear=True),
    case("broadcast_to", "real[D]", shape=(N, D), linear=True),
    case("broadcast_to", "real[N, 1]", shape=(N, D), linear=True),
    case("concatenate", "real[N, D]", "real[B, D]", "real[N, D]", axis=0, linear=True),
    case("concatenate", "real[N, D]", "real[N, B]", axis=1, linear=True),
    case("concatenate", "real[N]", axis=0, linear=True),
    case("stack", "real[N, D]", "real[N, D]", axis=0, linear=True),
    case("stack", "real[N, D]", "real[N, D]", axis=2, linear=True),
    case("stack", "real", "real", "real", axis=0, linear=True),
    *(case("flip", "real[N, D]", axis=a, linear=True) for a in [(0,), (1,), (0, 1), ()]),
    case("roll", "real[N, D]", shift=(ONE,), axis=(1,), linear=True),
    case("roll", "real[D]", shift=(-B,), axis=(0,), linear=True),
    case("roll", "real[N, D]", shift=(ONE, N), axis=(0, 1), linear=True),
    case("repeat", "real[N, D]", repeats=B, axis=0, linear=True),
    case("repeat", "real[N]", repeats=Dim.of(3), axis=0, linear=True),
    case("tile", "real[N, D]", reps=(B, Dim.of(3)), linear=True),
    *(case("pad", x, widths=w, mode=m, value=0.0, linear=True) for x, w in PADS
      for m in ("constant", "edge", "reflect", "symmetric", "wrap")),
    case("pad", "real[D]", widths=((ONE, ONE),), mode="constant", value=2.5),
    *(case("fold_pad", "real[M]", widths=((ONE, B),), mode=m, linear=True)
      for m in ("edge", "reflect", "symmetric", "wrap")),
    # picking
    *(case("getitem", x, index=i, linear=True) for x, i in BASIC_INDICES), *puts(),
    *(case("gather", *a, index=i, linear=True) for a, i in GATHERS), *scatters(),
    *updates(), case("zeros_like", "real[N, D]"), case("detached", "real[N, D]"), case("columns", "real[N, D]"),
    case("decrement", "real[D]", "int<D"),
    case("take_along", "real[N, D]", "int[N, 1]<D", axis=1, linear=True),
    case("put_along", "real[N, 1]", "int[N, 1]<D", axis=1, count=D, linear=True),
    case("one_hot", "int<K", classes=K), case("one_hot", "int[N]<K", classes=K),
    case("one_hot", "int[N, B]<K", classes=K),
    # matrices
    *(case("matmul", a, b) for a, b in MATMULS), case("outer", "real[N]", "real[D]"),
    *(case(name, x + "<regular") for x in SQUARES
      for name in ("det", "cofactors", "inv", "slogdet", "det_sign", "log_abs_det", "log_det")),
    *(case("cholesky", x + "<definite") for x in SQUARES),
    *(case("cofactors_adjoint", x, x + "<regular") for x in SQUARES),
    *(case("slogdet_part", "real[2, B]", k=k) for k in (0, 1)),
    *(case("solve", a, b) for a, b in EQUATIONS),
    *(case("solve_triangular", a, b, **o) for a, b in EQUATIONS[:2] for o in TRIANGLES),
    *(case("solve_triangular", a, b, **TRIANGLES[5]) for a, b in EQUATIONS[2:]),
    *(case("einsum", *xs, spec=spec) for spec, *xs in EINSUMS), case("contract", "real[N, D]", spec="ij->i"),
    *(case(name, "real[N, D]", k=k, linear=True) for name in ("tril", "triu") for k in (-1, 0, 1)),
    *(case(name, "real[B, N, N]", k=0, linear=True) for name in ("tril", "triu")),
    *(case("diagonal", x, k=k, linear=True)
      for x, k in [("real[N, N]", 0), ("real[3, 4]", 1), ("real[4, 3]", -2), ("real[N, D]", 1)]),
    *(case("put_diagonal", x, n=n, m=m, k=k, linear=True) for x, n, m, k in
      [("real[N]", N, N, 0), ("real[3]", Dim.of(3), Dim.of(4), 1), ("real[2]", Dim.of(4), Dim.of(3), -2)]),
    *(case("diag", x, k=k, linear=True) for x in ("real[N]", "real[N-1]") for k in (-2, 0, 1)),
    case("trace", "real[N, N]", linear=True), case("trace", "real[N, D]", linear=True),
    # made
    case("seed"), case("arange", start=ZERO, step=1, count=N), case("arange", start=N, step=-2, count=D),
    case("eye", n=N, m=N, k=0), case("eye", n=N, m=D, k=1),
    case("linspace", "real", "real", count=M, linear=True),
    case("linspace", "real", "real", count=ONE, linear=True),
    # windows
    *(case("patches", x, kernel=k, linear=True, **w) for x, k, w in WINDOWS),
    *(case("fold", patches_of(x, k, w), sizes=parsed(x).shape[2:], linear=True, **w) for x, k, w in WINDOWS),
    *(case("window_argmax", x, kernel=k, **w) for x, k, w in WINDOWS),
    *(case("window_max", x, kernel=k, **w) for x, k, w in WINDOWS),
    case("take_flat", "real[N, D]", "int[B, M]<M", linear=True),
    case("put_flat", "real[B, M]", "int[B, M]<M", shape=(N, D), linear=True),
    *(case("tensordot", *xs, axes=axes) for xs, axes in TENSORDOTS),
    case("in_training", "real[N]", "real[N]", linear=True),
    # softmax and kin
    *(case(name, "real[N, D]", axis=a) for name in ("softmax", "log_softmax") for a in (0, 1)),
    case("softmax", "real[D]", axis=0), case("softmax", "real[N, 1]", axis=1),
    *(case("exp_share", "real[N, D]", axis=a) for a in [(0,), (1,), (0, 1)]),
    *(case("tight_log_softmax", "real[N, D]", axis=a) for a in (0, 1)),
    *(case("tight_logsumexp", "real[N, D]", axis=a, keepdims=False) for a in [(0,), (1,), (0, 1)]),
    case("tight_cross_entropy", "real[K]", "int<K"), case("tight_cross_entropy", "real[N, K]", "int[N]<K"),
    case("cross_entropy", "real[K]", "int<K"), case("cross_entropy", "real[N, K]", "int[N]<K"),
    case("cross_entropy", "real[B, N, K]", "int[B, N]<K"),
    case("cross_entropy_probs", "real[K]", "real[K]"),
    case("cross_entropy_probs", "real[N, K]", "real[N, K]"),
    case("cross_entropy_probs", "real[N, K]", "real[K]"),
    case("cross_entropy_probs", "real[K]", "real[B, N, K]"),
    *(case("normalize", "real[N, D]", axis=a, eps=1e-5) for a in [(0,), (1,), (0, 1)]),
]  # fmt: skip


def draw(text: str, rng: np.random.Generator) -> Array:
    type_ = parsed(text)
    shape = tuple(d.evaluate(SIZES) for d in type_.shape)
    if type_.kind == "int":
        return rng.integers(0, SIZES[text.rpartition("<")[2]], shape)
    if type_.kind == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    values = np.asarray(rng.normal(size=shape) + 0.2)
    if text.endswith("<regular"):
        return values + 3.0 * np.eye(shape[-1])
    if text.endswith("<definite"):
        return values @ values.swapaxes(-1, -2) + np.eye(shape[-1])  # type: ignore[no-any-return]
    return values
