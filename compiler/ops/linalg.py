"""Products of vectors and matrices.

ops.matmul(x, W)                          # x @ W; adjoints g @ W.T and x.T @ g
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Node, Op, declare
from ..types import Dim, Shape, Type, TypeProblem, broadcast, shape_text, size_of
from .base import COERCIONS
from .shape import DimText, arguments_text, swap_last
from .tiles import TILE

# --- matmul --------------------------------------------------------------------------------------


def _matmul_infer(a: Type, b: Type) -> Type:
    if not a.rank or not b.rank:
        raise TypeProblem("E0203", f"{a} @ {b}: a scalar is no matrix; write *")
    inner = b.shape[-2] if b.rank > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise TypeProblem("E0203", f"{a} @ {b}: {a.shape[-1]} is not {inner}")
    try:
        batch = broadcast(a.shape[:-2], b.shape[:-2])
    except TypeProblem as problem:
        raise TypeProblem("E0203", f"{a} @ {b}: {str(problem).rpartition(': ')[2]}") from None
    rows = a.shape[-2:-1]
    columns = b.shape[-1:] if b.rank > 1 else ()
    return a.with_shape((*batch, *rows, *columns))


def _as_matrix(a: Node, column: bool) -> Node:
    """A vector as a matrix of one row or column, as `@` promotes it."""
    if a.rank > 1:
        return a
    one = Dim.of(1)
    return ops.reshape(a, shape=(a.shape[0], one) if column else (one, a.shape[0]))


def _promoted_vjp(g: Node, a: Node, b: Node) -> tuple[Node, Node]:
    """The adjoint of a stack of products, with vectors promoted, differentiated and squeezed."""
    wide_a, wide_b = _as_matrix(a, False), _as_matrix(b, True)
    batch = broadcast(wide_a.shape[:-2], wide_b.shape[:-2])
    shape = (*batch, wide_a.shape[-2], wide_b.shape[-1])
    wide_g = g if g.shape == shape else ops.reshape(g, shape=shape)
    da, db = wide_g @ swap_last(wide_b), swap_last(wide_a) @ wide_g
    if a.rank == 1:
        da = ops.reshape(da, shape=(*da.shape[:-2], a.shape[0]))
    if b.rank == 1:
        db = ops.reshape(db, shape=db.shape[:-1])
    return da, db


def _shared_vjp(g: Node, a: Node, b: Node) -> Node:
    """The adjoint of what all matrices of a stack are multiplied by: one product of all their rows."""
    rows = size_of(a.shape[:-1])
    flat_a = ops.reshape(a, shape=(rows, a.shape[-1]))
    return swap_last(flat_a) @ ops.reshape(g, shape=(rows, *b.shape[1:]))


def _matmul_vjp(g: Node, out: Node, a: Node, b: Node) -> tuple[Node, Node]:
    ranks = (a.rank, b.rank)
    if a.rank > 2 >= b.rank:
        return _promoted_vjp(g, a, b)[0], _shared_vjp(g, a, b)
    if ranks == (1, 1):
        return g * b, g * a
    if ranks == (2, 1):
        return ops.outer(g, b), swap_last(a) @ g
    if ranks == (1, 2):
        return b @ g, ops.outer(a, g)
    return _promoted_vjp(g, a, b)


def _matmul_eval(a: Array, b: Array) -> Any:
    return np.matmul(a, b)


def _matmul_flops(node: Node) -> Dim:
    """A multiplication and an addition for each element of a row and each of the result."""
    return 2 * size_of(node.shape) * node.args[0].shape[-1]


def _matmul_fast(node: Node, d: DimText) -> str | None:
    """Of two vectors by `dot`, which takes half as long to call."""
    return "a.dot(b)" if all(a.rank == 1 for a in node.args) else None


matmul = declare(
    Op(
        "matmul",
        ("a", "b"),
        "The matrix product, with NumPy's batching and promotion of vectors.",
        _matmul_infer,
        _matmul_eval,
        _matmul_vjp,
        py="a @ b",
        fast=_matmul_fast,
        coerce=COERCIONS["number"],
        linear="each",
        work="product",
        flops=_matmul_flops,
    )
)


# --- outer ---------------------------------------------------------------------------------------


def _outer_infer(a: Type, b: Type) -> Type:
    if a.rank != 1 or b.rank != 1:
        raise TypeProblem("E0203", f"outer takes two vectors, not {a} and {b}")
    return a.with_shape((a.shape[0], b.shape[0]))


def _outer_fast(node: Node, d: DimText) -> str:
    """In BLAS; a tile's rows may lie in columns, and `@` is slow where the inner axis has length 1."""
    return "_outer(a, b)" if TILE in node.shape else "a[:, None] @ b[None]"


outer = declare(
    Op(
        "outer",
        ("a", "b"),
        "The products of all pairs of elements of two vectors.",
        _outer_infer,
        np.multiply.outer,
        lambda g, out, a, b: (g @ b, swap_last(g) @ a),
        py="np.outer(a, b)",
        fast=_outer_fast,
        coerce=COERCIONS["number"],
        linear="each",
        work="product",
        flops=lambda node: size_of(node.shape),
    )
)


# --- einsum --------------------------------------------------------------------------------------


def _terms(spec: str) -> tuple[list[str], str]:
    left, _, right = spec.partition("->")
    return left.split(","), right


def _sizes(terms: Sequence[str], shapes: Sequence[Shape]) -> dict[str, Dim]:
    """The dim of each letter."""
    sizes: dict[str, Dim] = {}
    for term, shape in zip(terms, shapes):
        if len(term) != len(shape):
            raise TypeProblem("E0203", f"einsum: `{term}` names {len(term)} axes of {shape_text(shape)}")
        for letter, dim in zip(term, shape):
            known = sizes.setdefault(letter, dim)
            if known != dim:
                raise TypeProblem("E0203", f"einsum: {letter} is both {known} and {dim}")
    return sizes


def _einsum_infer(*xs: Type, spec: str) -> Type:
    terms, result = _terms(spec)
    if len(terms) != len(xs):
        raise TypeProblem("E0205", f"einsum: {len(terms)} terms for {len(xs)} arrays")
    sizes = _sizes(terms, [x.shape for x in xs])
    return xs[0].with_shape(tuple(sizes[letter] for letter in result))


def _einsum_vjp(g: Node, out: Node, *xs: Node) -> tuple[Node, ...]:
    terms, result = _terms(out["spec"])
    return tuple(_einsum_adjoint(g, result, k, terms, xs) for k in range(len(xs)))


def _einsum_adjoint(g: Node, result: str, k: int, terms: list[str], xs: tuple[Node, ...]) -> Node:
    """The product of g and the other operands, summed down to the letters of operand k.

    A letter that only k has was summed: its cotangent is the same along that axis. A letter that k has
    twice picked a diagonal: its cotangent lies on that diagonal.
    """
    term, x = terms[k], xs[k]
    factors = [(t, y) for i, (t, y) in enumerate(zip(terms, xs)) if i != k]
    if result or not factors:
        factors.insert(0, (result, g))
    present: set[str] = set().union(*(t for t, _ in factors))
    target = "".join(dict.fromkeys(letter for letter in term if letter in present))
    inputs = ",".join(t for t, _ in factors)
    operands = tuple(y for _, y in factors)
    inner = operands[0] if inputs == target else ops.einsum(*operands, spec=f"{inputs}->{target}")
    return _embedded(inner if g in operands else g * inner, target, term, x.shape)


def _embedded(inner: Node, letters: str, term: str, shape: Shape) -> Node:
    """A cotangent with an axis for each of `letters` in the shape of the operand `term`."""
    first = [letter in letters and term.index(letter) == i for i, letter in enumerate(term)]
    spread = tuple(dim if own else Dim.of(1) for own, dim in zip(first, shape))
    wide = inner if inner.shape == spread else ops.reshape(inner, shape=spread)
    if wide.shape != shape:
        wide = ops.broadcast_to(wide, shape=shape)
    for i, letter in enumerate(term):
        if term.index(letter) < i:
            wide = ops.gate(wide, _on_diagonal(shape, term.index(letter), i))
    return wide


def _on_diagonal(shape: Shape, first: int, second: int) -> Node:
    """Where the positions along two axes are equal."""
    along = ops.arange(start=Dim.of(0), step=1, count=shape[first])
    one = Dim.of(1)
    places = (
        ops.reshape(along, shape=tuple(dim if i == axis else one for i, dim in enumerate(shape)))
        for axis in (first, second)
    )
    return ops.equal(*places)


def _einsum_py(node: Node, d: DimText) -> str:
    # By itself NumPy does not contract pairs whose product is larger than every operand, but all at once.
    best = ', optimize=("greedy", 1e18)' if len(node.args) > 2 else ""
    own = ".copy()" if _is_view(*_terms(node["spec"])) else ""
    return f'np.einsum("{node["spec"]}", {arguments_text(node)}{best}){own}'


def _is_view(terms: list[str], result: str) -> bool:
    """Whether NumPy's result shows the operand's own memory, as a transpose and a diagonal do."""
    return len(terms) == 1 and set(terms[0]) == set(result)


def _einsum_eval(*xs: Array, spec: str) -> Any:
    return np.einsum(spec, *xs)


def _permuted(x: Node, term: str, order: str) -> Node:
    return x if order == term else ops.transpose(x, axes=tuple(map(term.index, order)))


def _product_letters(terms: list[str], result: str) -> tuple[str, str, str, str] | None:
    """The batch, left, summed and right letters of two operands that `@` can multiply, else None."""
    if len(terms) != 2 or any(len(set(term)) < len(term) for term in terms):
        return None
    a, b = map(set, terms)
    if (a ^ b) - set(result):
        return None  # a letter that one operand has alone is summed
    batch = "".join(letter for letter in result if letter in a & b)
    left = "".join(letter for letter in result if letter in a - b)
    right = "".join(letter for letter in result if letter in b - a)
    inner = "".join(letter for letter in terms[0] if letter not in result)
    fits = inner and (not batch or (left and right)) and (left or right or len(inner) == 1)
    return (batch, left, inner, right) if fits else None


def _merged(x: Node, term: str, batch: str, *groups: str) -> Node:
    """The axes of the batch, then one for each group of letters that is not empty."""
    if not batch and len(groups) == 2 and all(groups) and term == groups[1] + groups[0] != groups[0]:
        return swap_last(_merged(x, term, batch, *reversed(groups)))  # a view, where the other is a copy
    ordered = _permuted(x, term, batch + "".join(groups))
    sizes = dict(zip(term, x.shape))
    shape = (*(sizes[c] for c in batch), *(size_of(tuple(sizes[c] for c in g)) for g in groups if g))
    return ordered if ordered.shape == shape else ops.reshape(ordered, shape=shape)


def _einsum_expand(*xs: Node, spec: str) -> Node:
    """`@` where it does, which is several times faster; an elementwise product; a view; else np.einsum."""
    terms, result = _terms(spec)
    if len(xs) > 2:
        return _pair_by_pair(terms, result, xs)
    if _is_view(terms, result) and len(terms[0]) == len(result):
        return _permuted(xs[0], terms[0], result)
    if len(result) == 1 and terms == [2 * result]:
        return ops.diagonal(xs[0], k=0)
    if len(xs) == 2 and all(len(set(term)) == len(term) for term in terms):
        terms, xs = _without_lone(terms, result, xs)
        if set(terms[0]) | set(terms[1]) == set(result):
            return _aligned(xs[0], terms[0], result) * _aligned(xs[1], terms[1], result)
    letters = _product_letters(terms, result)
    if letters is None:
        return ops.contract(*xs, spec=f"{','.join(terms)}->{result}")
    batch, left, inner, right = letters
    product = _merged(xs[0], terms[0], batch, left, inner) @ _merged(xs[1], terms[1], batch, inner, right)
    sizes = _sizes(terms, [x.shape for x in xs])
    shape = tuple(sizes[letter] for letter in batch + left + right)
    apart = product if product.shape == shape else ops.reshape(product, shape=shape)
    return _permuted(apart, batch + left + right, result)


def _aligned(x: Node, term: str, result: str) -> Node:
    """An operand in the order of the result's letters, with an axis of 1 for each that it lacks between."""
    own = "".join(letter for letter in result if letter in term)
    ordered, sizes = _permuted(x, term, own), dict(zip(term, x.shape))
    shape = tuple(sizes.get(letter, Dim.of(1)) for letter in result[result.index(own[0]) :]) if own else ()
    return ordered if ordered.shape == shape else ops.reshape(ordered, shape=shape)


def _without_lone(terms: list[str], result: str, xs: tuple[Node, ...]) -> tuple[list[str], tuple[Node, ...]]:
    """The two operands, each summed over the letters that it has alone and the result lacks."""
    found = []
    for term, other, x in zip(terms, reversed(terms), xs):
        axis = tuple(i for i, c in enumerate(term) if c not in other and c not in result)
        left = "".join(c for i, c in enumerate(term) if i not in axis)
        found.append((left, ops.sum(x, axis=axis, keepdims=False) if axis else x))
    return [left for left, _ in found], tuple(x for _, x in found)


USUAL = 100  # the size of a dim that is not known
SLOW = 8  # times the time of a matrix product of as many multiplications


def _pair_by_pair(terms: list[str], result: str, xs: tuple[Node, ...]) -> Node:
    """Two operands at a time, those first of whose product the least is left to do (of equals the last)."""
    terms, nodes = list(terms), list(xs)
    while len(nodes) > 2:
        sizes = _sizes(terms, [x.shape for x in nodes])
        count = {c: dim.evaluate(dict.fromkeys(dim.symbols, USUAL)) for c, dim in sizes.items()}
        pairs = [(i, j) for j in range(len(nodes)) for i in range(j)]
        best = min(reversed(pairs), key=lambda pair: _pair_cost(pair, terms, result, count))
        rest = [k for k in range(len(nodes)) if k not in best]
        kept = _kept_letters(best, terms, result)
        pair = ops.einsum(*(nodes[k] for k in best), spec=f"{','.join(terms[k] for k in best)}->{kept}")
        terms, nodes = [*(terms[k] for k in rest), kept], [*(nodes[k] for k in rest), pair]
    return ops.einsum(*nodes, spec=f"{','.join(terms)}->{result}")


def _kept_letters(pair: tuple[int, int], terms: list[str], result: str) -> str:
    """The letters of a pair's product that something still needs, those of both behind the others."""
    needed = set(result).union(*(term for k, term in enumerate(terms) if k not in pair))
    first, second = (terms[k] for k in pair)
    kept = [c for c in dict.fromkeys(first + second) if c in needed]
    product = _product_letters([first, second], "".join(kept))
    if product is not None:
        batch, left, _, right = product
        return batch + left + right
    return "".join(sorted(kept, key=lambda c: c in first and c in second))


def _pair_cost(pair: tuple[int, int], terms: list[str], result: str, count: Mapping[str, int]) -> int:
    """Multiplications of a pair's product and of what follows, as far as that is one product."""
    kept = _kept_letters(pair, terms, result)
    others = [term for k, term in enumerate(terms) if k not in pair]
    steps = [([terms[k] for k in pair], kept)]
    if len(others) == 1:
        steps.append(([others[0], kept], result))
    total = 0
    for factors, out in steps:
        work = prod(count[c] for c in set("".join(factors)))
        total += work if _product_letters(factors, out) else SLOW * work
    return total


def _einsum_flops(node: Node) -> Dim:
    """One product after the other, each over all letters at once."""
    sizes = _sizes(_terms(node["spec"])[0], [x.shape for x in node.args])
    return len(node.args) * size_of(tuple(sizes.values()))


def _declare_einsum(name: str, expand: Callable[..., Node] | None) -> Op:
    return declare(
        Op(
            name,
            ("*x",),
            "Products of elements whose letters agree, summed over the letters that the result lacks.",
            _einsum_infer,
            _einsum_eval,
            _einsum_vjp,
            py=_einsum_py,
            coerce=COERCIONS["number"],
            expand=expand,
            linear="each",
            work="product",
            flops=_einsum_flops,
        )
    )


einsum = _declare_einsum("einsum", _einsum_expand)
contract = _declare_einsum("contract", None)  # an einsum that is no single matrix product
