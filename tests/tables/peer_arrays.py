"""Structure, indexing, products, matrices, losses and layers, at the shapes of the peers' own tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from peers import Array, Row, Shape, draw, row

RNG = np.random.default_rng(20)


def regular(*shape: int) -> Array:
    """Matrices far from singular."""
    return RNG.normal(size=shape) + 5.0 * np.eye(shape[-1]) if 0 not in shape else np.zeros(shape)


def many(peer: str, texts: list[str], fixed: bool = True, **values: Any) -> list[Row]:
    return [row(peer, text, fixed=fixed, **values) for text in texts]


def said(peer: str, texts: list[tuple[str, str]], **values: Any) -> list[Row]:
    return [row(peer, text, numpy, fixed=True, **values) for text, numpy in texts]


INDICES: dict[str, Any] = {"i": np.array([0, 2, 1]), "j": np.array([1, 3]), "k": np.array([-1, -2])}

STRUCTURE = [
    # autograd
    *many("autograd", [
        "x[3, 0, 1]", "x[::-1, 2:4, :]", "x[[0, 1, 2], :, :]", "x[3, 2:, [1, 3]]", "x[::-1, 2:4, :] + x[::-1, 3:5, :]",
        "reshape(x, (5 * 4, 6))", "reshape(x, 5 * 4, 6)", "ravel(x)", "reshape(x, -1)", "repeat(x, 2, axis=1)", "repeat(x, 1, axis=1)",
        "expand_dims(x, 2)", "expand_dims(x, (0, -1))", "concatenate((x, 2 * x))", "concatenate((x, x, x), axis=1)", "concatenate((x, x), 1)",
        "x[1][2][3]", "x[-1, ..., None]", "x[None, :, None, 0]", "swapaxes(x, 0, 2)", "swapaxes(x, -1, 1)", "x.T", "roll(x, 2, axis=1)", "roll(x, 2)",
        "stack((x, -x))", "stack((x, -x), axis=1)", "stack((x, -x), axis=-1)", "flip(x)", "flip(x, axis=0)", "flip(x, axis=(0, 2))",
    ], x=(5, 6, 4)),
    *many("autograd", [f"transpose(x, {axes})" for axes in ("(0, 1, 2)", "(0, 2, 1)", "(2, 0, 1)", "(2, 1, 0)", "(1, 0, 2)", "(1, 2, 0)")], x=(2, 3, 4)),
    *many("autograd", ["transpose(x)", "triu(x, k=2)", "tril(x, k=2)", "triu(x, k=-1)", "tril(x, -2)", "diag(x)", "diag(x, k=1)", "diagonal(x)", "trace(x)", "sum(diag(x, k=-1))"], x=(5, 5)),
    *many("autograd", ["trace(x)", "diag(x)", "diag(x, k=-2)", "diag(x, k=2)"], x=(4, 5)), *many("autograd", ["trace(x)"], x=(5, 4)),
    *many("autograd", ["x[2:6][1:3]", "x[[0, 0]]", "x[[0, 1, 0]]", "x[:2] @ x[2:4]", "diag(x)", "diag(x, k=1)", "diag(x, k=-2)", "x[[6, -7, -1]]", "reshape(x, 7, 1) + x", "x[:, None] * x"], x=(7,)),
    *many("autograd", ["squeeze(x)", "squeeze(x, axis=1)", "expand_dims(x, 2)", "squeeze(x, -2)"], x=(5, 1, 4)),
    *said("autograd", [("[x, x * 1.0, x + 2.5]", "np_array([x, x * 1.0, x + 2.5])"), ("[[x, x * 1.0, x + 2.5], [x**2, x, x / 2.0]]", "np_array([[x, x * 1.0, x + 2.5], [x**2, x, x / 2.0]])"),
        ("[x, x + 1] + [x, x * 2]", "np_array([2 * x, 3 * x + 1])"), ("concatenate(([1.0, 2.0, 3.0], [x]))", "np_array([1, 2, 3, x])")], x=()),
    *said("autograd", [("[x, x]", "np_array([x, x])"), ("[[2 * x, x + 1], [x, x]]", "np_array([[2 * x, x + 1], [x, x]])")], x=(3, 2)),
    *many("autograd", ["where(x > 0, x, y)", "x + y.T.T", "concatenate((x, y))", "where(x > y, 2 * x, y * y)"], x=(4, 5), y=(4, 5)),
    *many("autograd", ["repeat(x, 2, axis=0)", "tile(x, 2)", "tile(x, (2, 1))", "tile(x, (2, 1, 3))", "repeat(x, 3)"], x=(5, 3)),
    *many("autograd", ["concatenate((x, y, x))", "concatenate((y, x))"], x=(5, 6), y=(4, 6)),
    # lax
    *(row("lax", f"concatenate((x, y, z), axis={axis})", fixed=True, x=s(3), y=s(1), z=s(4)) for axis, s in (
        (0, lambda n: (n,)), (0, lambda n: (n, 4)), (1, lambda n: (3, n)), (1, lambda n: (2, n, 4)), (-1, lambda n: (2, 3, n)))),
    *(row("lax", text, fixed=True, x=shape) for shape, text in [
        ((3,), "x[1:2]"), ((7,), "x[4:7]"), ((5,), "x[1:5:2]"), ((8,), "x[1:6:2]"), ((5, 3), "x[1:3, 1:2]"), ((5, 3), "x[1:3, 1:1]"), ((7, 5, 3), "x[4:7, 0:1, 1:3]"),
        ((5, 3), "x[1:2, 1:1]"), ((5, 3), "x[1:5:2, 1:3]"), ((3, 3, 5), "x[0:3:1, 2:2:2, 0:5]"), ((7, 5, 3), "x[4:6, 1:1, 0:1]"),
        ((2, 3), "broadcast_to(x, 1, 2, 2, 3)"), ((), "broadcast_to(x, (1, 2))"), ((2,), "broadcast_to(x, 2, 2)"), ((2,), "broadcast_to(x[:, None], 2, 3)"), ((), "broadcast_to(x, 2, 3)"),
        ((3, 4), "reshape(x, 12)"), ((2, 1, 4), "reshape(x, 8)"), ((2, 2, 4), "reshape(x, 2, 8)"), ((3, 4), "reshape(x.T, 12)"), ((2, 1, 4), "reshape(transpose(x, 2, 0, 1), 8)"),
        ((2, 2, 4), "reshape(transpose(x, (2, 0, 1)), 2, 8)"), ((2, 3), "pad(x, ((1, 2), (0, 1)))"), ((2, 3), "pad(x[1:], ((0, 0), (0, 2)))"), ((3,), "flip(x, 0)"), ((2, 3), "flip(x, (0, 1))"),
        ((2, 3), "pad(x, 1, constant_values=2.5)"), ((3, 4), "transpose(x, 1, 0)"), ((3, 4), "transpose(x, 0, 1)"), ((3, 4, 5), "transpose(x, 2, 1, 0)"),
        ((0,), "concatenate((x, 2 * x))"), ((3, 0), "reshape(x, 0, 7)"), ((0, 4), "x.T"), ((0, 4), "pad(x, 1)"), ((4,), "pad(x, 0)"), ((1,), "reshape(x, ())" ), ((), "reshape(x, 1, 1)"),
    ]),
    *(row("lax", f'pad(x, {widths}, mode="{mode}")', f'pad(x, {widths}, "{mode}")', fixed=True, x=shape)
      for mode in ("reflect", "edge", "symmetric", "wrap") for shape, widths in (((4,), "(2, 1)"), ((3, 4), "((1, 2), (0, 2))"), ((2, 3, 2), "1"))),
    *(row("lax", text, fixed=True, x=(3, 4, 5), **INDICES) for text in [
        "x[i]", "x[k]", "x[:, j]", "x[j - 1, j]", "x[j - 1, :, j]", "x[i, i, i]", "x[i[:, None], j]", "x[:, :, i]", "x[i, :2, i]", "x[..., j]", "x[0][j]", "x[i][:, j]", "x[i, 1:3][:, :, k]", "x[-i - 1]"]),
    *(row("lax", "x[p]", fixed=True, x=(10, 5), p=np.array(p, int)) for p in ([0, 0, 0], [[0], [2], [1]], [], 3, -1, [9, 0, -10])),
    *(row("lax", text, numpy, fixed=True, c=c, x=shape, y=shape) for shape in ((), (3,), (2, 3)) for c in ([True] if not shape else [True, np.arange(np.prod(shape)).reshape(shape) % 2 == 0])
      for text, numpy in [("where(c, x, y)", None), ("x if c else y", "where(c, x, y)")]),
    *many("lax", ["clip(x, x - 10, x + 10)", "clip(x - 10, x, x + 10)", "clip(x - 10, x - 20, x)"], x=(2, 3)), *many("lax", ["clip(x, x - 10, x + 10)", "clip(x - 10, x, x + 10)"], x=()),
    # opinfo
    *(row("opinfo", f"transpose(x, {axes})", fixed=True, x=(1, 2, 3, 4)) for axes in ("(0, 2, 3, 1)", "(0, -2, -1, 1)", "(2, 1, 3, 0)")),
    row("opinfo", "one_hot(p, 4) * x", fixed=True, p=np.array([3, 0, 3]), x=(3, 4)),
    *many("opinfo", ["tile(x, (2, 3))", "tile(x, (1, 1, 1))", "tile(x, 0)", "repeat(x, 0, axis=0)", "roll(x, (1, -2), (0, 1))", "roll(x, 7)", "roll(x, 0)", "flip(x, ())", "x[::-2, ::3]", "x[-3:-1, -1]",
        "triu(x, 5)", "tril(x, -7)", "squeeze(x)", "x[:, 5:]", "stack((x, x, x), axis=-2)", "x[..., -1:]", "x[None, ..., None]", "embedding(x, [[0, 2], [2, 2]])", "x[4][::-1]"], x=(5, 3)),
    *many("opinfo", ["x[arange(3), arange(3)]", "x[[0, 1], [1, 0]] * 2.0", "linspace(0, 1, 3) * x", "eye(3) * x", "zeros_like(x) + x", "ones_like(x) * x", "ones(3, 1) * x", "full((3, 3), 2.0) * x", "arange(9, 0, -3) * x"], x=(3, 3)),
]  # fmt: skip

# --- products ------------------------------------------------------------------------------------------

PRODUCTS: list[tuple[str, Shape, Shape]] = [
    ("autograd", (10, 11), (11,)), ("autograd", (4, 5), (5, 4)), ("autograd", (5,), (5, 3)), ("autograd", (11,), (11,)),
    ("lax", (2,), (2,)), ("lax", (3, 2), (2,)), ("lax", (2,), (2, 4)), ("lax", (3, 2), (2, 4)), ("lax", (3, 3, 2), (3, 2, 4)),
    ("opinfo", (5,), (5,)), ("opinfo", (5, 3), (3,)), ("opinfo", (3, 1, 2), (2,)), ("opinfo", (2, 3, 4), (4, 3)), ("opinfo", (3,), (2, 3, 4)), ("opinfo", (2, 1, 3, 4), (3, 4, 2)),
    ("opinfo", (2, 3, 4), (2, 4, 3)), ("opinfo", (0,), (0,)), ("opinfo", (0, 3), (3,)), ("opinfo", (3, 0), (0, 2)), ("opinfo", (2, 3, 0), (0, 4)), ("opinfo", (1, 1), (1, 1)), ("opinfo", (1,), (1, 3)), ("opinfo", (0, 2, 3), (3, 2)),
]  # fmt: skip
EINSUMS: list[tuple[str, str, list[Shape]]] = [
    ("autograd", "ij->ji", [(1, 1)]), ("autograd", "ij->ji", [(3, 4)]), ("autograd", "ij,jk->ik", [(2, 3), (3, 4)]), ("autograd", "ijk,lji->lki", [(3, 4, 4), (4, 4, 3)]),
    ("autograd", "...jk,...lj->...lk", [(3, 4, 4), (3, 4, 4)]), ("autograd", "...,...->...", [(3, 4, 4), (3, 4, 4)]), ("autograd", "ijk,lji,lli->lki", [(3, 4, 4), (4, 4, 3), (4, 4, 3)]), ("autograd", "...ij,...kj->...ik", [(2, 3, 4), (2, 5, 4)]),
    ("autograd", "abc,dca->bd", [(2, 3, 4), (5, 4, 2)]), ("lax", "ij,kj->ik", [(3, 5), (2, 5)]), ("lax", "ji,jk->ik", [(5, 3), (5, 2)]), ("lax", "bij,bjk->bik", [(3, 3, 2), (3, 2, 4)]), ("lax", "bik,kjb->bij", [(3, 5, 2), (2, 4, 3)]),
    ("lax", "bick,kjcb->bcij", [(4, 3, 5, 2), (2, 2, 5, 4)]), ("opinfo", "i->", [(5,)]), ("opinfo", "i,i", [(5,), (5,)]), ("opinfo", "i,j->ij", [(5,), (3,)]), ("opinfo", "...ij,...ji->...", [(2, 2, 3), (2, 3, 2)]), ("opinfo", "ii", [(4, 4)]), ("opinfo", "...ii->...i", [(2, 3, 3)]),
    ("opinfo", "bn,anm,bm->ba", [(2, 5), (3, 5, 4), (2, 4)]), ("opinfo", "ij,k->ijk", [(2, 3), (4,)]), ("opinfo", "ij,jk", [(2, 3), (3, 2)]), ("opinfo", "a...b,b...->a...", [(2, 3, 4), (4, 3)]), ("opinfo", "ij->i", [(3, 0)]),
]  # fmt: skip


def contraction(peer: str, spec: str, shapes: list[Shape]) -> Row:
    operands: dict[str, Any] = dict(zip("xyz", shapes))
    return row(peer, f'einsum("{spec}", {", ".join(operands)})', fixed="..." in spec, **operands)


# --- matrices -------------------------------------------------------------------------------------------

SPD = "(x @ swapaxes(x, -1, -2) + 3 * eye(%d))"
MATRICES = [
    *(row("autograd", text, x=regular(*s)) for s in ((4, 4), (2, 3, 3), (2, 1, 3, 3)) for text in ("inv(x)", "det(x)", "logdet(x)", "slogdet(x)[1]")),
    *(row("autograd", "slogdet(x)[1]", x=-regular(*s)) for s in ((4, 4), (3, 3))),
    *(row("autograd", "solve(x, y)", x=regular(*a), y=b) for a, b in (((5, 5), (5, 4)), ((5, 5), (5,)), ((2, 4, 4), (2, 4, 3)), ((2, 4, 4), (4, 3)), ((4, 4), (2, 4, 1)))),
    *(row("autograd", text, x=s) for s in ((6,), (4, 3), (4, 3, 2)) for text in ("norm(x)", "norm(x, axis=0)", "norm(x, ord=1, axis=-1)", "norm(x, axis=0, keepdims=true)")),
    row("autograd", "norm(x, axis=(0, 1))", x=(4, 3, 2)),
    *(row("autograd", f"cholesky({SPD % s[-1]})", fixed=True, x=s) for s in ((4, 4), (3, 3, 3))),
    row("autograd", f"norm(cholesky({SPD % 4}) @ [0.3, -1.0, 0.5, 2.0])", fixed=True, x=(4, 4)),
    row("autograd", f"x @ inv({SPD % 3}) @ x.T", fixed=True, x=(3, 3)),
    *(row("opinfo", text, x=regular(*s)) for s in ((1, 1), (3, 3), (2, 3, 3), (0, 3, 3), (0, 0)) for text in ("det(x)", "inv(x)", "slogdet(x)[1]", "sum(slogdet(x)[0]) * slogdet(x)[1]")),
    *(row("opinfo", "solve(x, y)", x=regular(*b, n, n), y=(*b, n, *r)) for n in (5, 0) for b in ((), (2,), (0,)) for r in ((), (1,), (3,)) if r or not b),
    *(row("opinfo", f"solve_triangular(x, y, lower={lower}, unit_diagonal={unit}, trans={t})", x=regular(*b, n, n), y=(*b, n, k))
      for lower in ("true", "false") for unit in ("true", "false") for t in (0, 1) for b, n, k in (((), 3, 1), ((2,), 3, 2), ((), 0, 3), ((), 3, 0))),
    *(row("opinfo", f"cholesky({SPD % s[-1]}, upper={u})", fixed=True, x=s) for s in ((1, 1), (3, 3), (2, 3, 3), (0, 0)) for u in ("true", "false")),
    *(row("opinfo", text, x=(4,), y=(3,)) for text in ("outer(x, y)", "outer(x, y) @ y", "x @ outer(x, y)")),
]  # fmt: skip

# --- losses and layers ----------------------------------------------------------------------------------

LABELS = np.array([2, 0, 1, 1])
LAYERS = [
    *(row("opinfo", "cross_entropy(x, y)", x=s, y=np.array(y)) for s, y in (((4, 3), LABELS), ((3,), 1), ((2, 4, 3), [LABELS, LABELS]), ((0, 3), np.zeros(0, int)), ((4, 1), LABELS * 0))),
    *(row("opinfo", "cross_entropy(x, y)", x=s, y=draw(s, 0, 1)) for s in ((4, 3), (3,), (2, 4, 3))),
    *(row("opinfo", text, x=draw(s, 0.1, 0.9), y=draw(s, 0.1, 0.9)) for s in ((3,), (4, 3), (0, 3)) for text in ("kl_div(x, y)", "sum(hinge(x, y))", "sum(huber(3 * x, y))")),
    *(row("opinfo", text, x=s, y=s) for s in ((5,), (5, 1), (2, 3, 2), ()) for text in ("mse(x, y)", "mae(x, y)")),
    *(row("opinfo", f"layer_norm(x, y, z{options})", x=s, y=s[-1:], z=s[-1:]) for s in ((4, 5), (2, 3, 4), (1, 2), (0, 3)) for options in ("", ", eps=0.5")),
    row("opinfo", "layer_norm(x, y, z, axis=(1, 2))", x=(2, 3, 4), y=(3, 4), z=(3, 4)),
    *(row(peer, f"conv2d(x, w{options})", fixed=True, x=x, w=w) for peer, x, w, options in [
        *(("lax", (2, 3, 3, 4), (2, 3, 1, 2), f", stride={s}") for s in ("1", "(1, 2)", "(2, 1)")),
        ("lax", (1, 2, 6, 7), (2, 2, 1, 2), ", stride=2"), ("lax", (1, 1, 6, 7), (1, 1, 1, 2), ", dilation=2"), ("lax", (2, 2, 6, 7), (2, 2, 1, 2), ", padding=1"), ("lax", (0, 2, 6, 7), (2, 2, 1, 2), ""),
        ("opinfo", (1, 3, 4, 4), (3, 3, 3, 3), ", stride=2, padding=2"), ("opinfo", (2, 4, 8, 8), (2, 4, 3, 3), ", stride=3, padding=1, dilation=2"), ("opinfo", (1, 1, 4, 3), (1, 1, 2, 3), "")]),
    *(row(peer, f"conv1d(x, w{options})", fixed=True, x=x, w=w) for peer, x, w, options in [
        ("lax", (4, 2, 2), (3, 2, 1), ""), ("lax", (4, 2, 5), (3, 2, 2), ", padding=1, dilation=2"), ("opinfo", (1, 3, 4), (3, 3, 3), ", stride=2, padding=2"), ("opinfo", (2, 4, 8), (2, 4, 3), ", stride=3, dilation=2")]),
    *(row("opinfo", text, fixed=True, x=(2, 2, 5, 6)) for text in ("max_pool2d(x, 2)", "max_pool2d(x, 3, stride=1, padding=1)", "avg_pool2d(x, 2)", "avg_pool2d(x, 3, stride=2, padding=1)", "max_pool2d(x, 2, stride=3)")),
    *(row("opinfo", "batch_norm(x, y, z)", x=s, y=(3,), z=(3,)) for s in ((5, 3), (2, 3, 4), (2, 3, 2, 4))),
    *(row("opinfo", "batch_norm(x, y, z, m, v)", x=s, y=(3,), z=(3,), m=(3,), v=draw((3,), 0.5, 2)) for s in ((5, 3), (2, 3, 2, 4), (0, 3))),
    *(row("opinfo", f"batch_moments(x)[{k}]", x=s) for s in ((5, 3), (2, 3, 2, 4)) for k in (0, 1)),
    *(row("lax", text, fixed=True, x=(4, 2, 6)) for text in ("max_pool1d(x, 2)", "max_pool1d(x, 3, stride=1)", "max_pool1d(x, 2, stride=2, padding=1)", "avg_pool1d(x, 2)", "avg_pool1d(x, 3, stride=1, padding=1)")),
]  # fmt: skip

GROUPS: dict[str, list[Row]] = {
    "structure": STRUCTURE,
    "products": [
        *(row(peer, "x @ y", x=a, y=b) for peer, a, b in PRODUCTS),
        *(row("autograd", "x * y", x=a, y=b) for a, b in (((4, 5), ()), ((), (4, 5)), ((3,), ()))),
        *(contraction(*case) for case in EINSUMS),
        *(row("opinfo", "matmul(x, y)", x=a, y=b) for peer, a, b in PRODUCTS if peer == "opinfo"),
        *(row("opinfo", "dot(x, y)", x=a, y=b) for a, b in (((3,), (3,)), ((2, 3), (3, 4)), ((2, 3), (3,)))),
    ],
    "matrices": MATRICES,
    "layers": LAYERS,
}  # fmt: skip
