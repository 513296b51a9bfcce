"""How ops are declared, and the ops that every graph is made of: arguments, constants, dims.

exp = elementwise("exp", "e to the power x.", ("x",), vjp=lambda g, out, x: (g * out,),
                  np=np.exp, py="np.exp(x)", scalar="_exp(x)", sympy=lambda sp, x: sp.exp(x), …)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir import Interval, Node, NonDiff, Op, VjpRule, const_value, declare
from ..types import BOOL, INT, REAL, Dim, Kind, Shape, Type, TypeProblem, broadcast, promote

INF = float("inf")
EVERYWHERE: Interval = (-INF, INF)
POSITIVE: Interval = (0.0, INF)


def _no_eval(*_: Any, **__: Any) -> Any:
    raise TypeError("the interpreter supplies this value")


def leaf(name: str, doc: str, infer: Callable[..., Type], py: Callable[..., str]) -> Op:
    """Declare an op whose value is given."""
    return declare(Op(name, (), doc, infer, _no_eval, NonDiff("it is given"), py, work="free"))


_argument = leaf("argument", "An argument of the graph.", lambda *, name, type: type, lambda n, d: n["name"])
_const = leaf("const", "A constant.", lambda *, value: Type("real"), lambda n, d: repr(n["value"]))
_dim = leaf("dim", "A dim as an int.", lambda *, dim: INT, lambda n, d: d(n["dim"]))
_pattern = leaf(
    "pattern", "A variable of a rewrite rule.", lambda *, name: Type("real"), lambda n, d: n["name"]
)


def argument(name: str, type: Type) -> Node:
    """An input, a param or a cotangent of a graph."""
    return _argument(name=name, type=type)


def dim_value(dim: Dim | int) -> Node:
    """A dim as an int of the graph."""
    return _dim(dim=Dim.of(dim))


def pattern_variable(name: str) -> Node:
    """A variable of a rewrite rule; stands for any node."""
    return Node(_pattern, (), (("name", name),), Type("real"), is_pattern=True)


# --- kinds ---------------------------------------------------------------------------------------


def _cast(kind: Kind) -> Op:
    dtype = {"real": np.float64, "int": np.int64, "bool": np.bool_}[kind]
    text = {"real": "float", "int": "int", "bool": "bool"}[kind]

    def infer(x: Type) -> Type:
        return x.with_kind(kind)

    def evaluate(x: Any) -> Any:
        return x if isinstance(x, np.ndarray) and x.dtype.hasobject else np.asarray(x).astype(dtype)

    return declare(
        Op(
            f"to_{kind}",
            ("x",),
            f"The value as {kind}, as NumPy casts it.",
            infer,
            evaluate,
            lambda g, out, x: (None,),
            py=f"x.astype({'_REAL' if kind == 'real' else f'np.{dtype.__name__}'})",
            scalar=f"{text}(x)",
            sympy=lambda sp, x: {sp.true: sp.S.One, sp.false: sp.S.Zero}.get(x, x),
            elementwise=True,
            selector=True,
            bounds=lambda x: x,
            work="move",
        )
    )


to_real = _cast("real")
to_int = _cast("int")


def cast(node: Node, kind: Kind) -> Node:
    """The node as another, wider kind."""
    if node.type.kind == kind:
        return node
    return to_real(node) if kind == "real" else to_int(node)


def _cast_all(nodes: tuple[Node, ...], kind: Kind) -> tuple[Node, ...]:
    for node in nodes:
        if node.type.kind != kind:
            return tuple([cast(n, kind) for n in nodes])
    return nodes


def _all_real(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return _cast_all(nodes, "real")


def _numbers(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return _cast_all(nodes, promote("int", *[n.type.kind for n in nodes]))


def _common(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return _cast_all(nodes, promote(*[n.type.kind for n in nodes]))


def _selection(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return (nodes[0], *_common(nodes[1:]))


def _power(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    value = const_value(nodes[1])
    whole = all(n.type.kind != "real" for n in nodes) and value is not None and value >= 0
    kind: Kind = "int" if whole else "real"
    return tuple(cast(n, kind) for n in nodes)


SCALARS: dict[Kind, Type] = {"real": REAL, "int": INT, "bool": BOOL}
COERCIONS: dict[str, Callable[[tuple[Node, ...]], tuple[Node, ...]] | None] = {
    "real": _all_real,  # the result is real whatever comes in: exp, /
    "number": _numbers,  # int stays int, bool counts as int: +, *
    "compare": _common,  # any kind, the result is bool
    "select": _selection,  # a bool first, then values of one kind: where
    "power": _power,  # ints stay ints under a constant exponent that is not negative
    "bool": None,  # bools only: and, or, not
}


def _elementwise_infer(name: str, kinds: str) -> Callable[..., Type]:
    def infer(*types: Type) -> Type:
        shape = broadcast(*[t.shape for t in types])
        if shape and types[-1].shape is shape and kinds in ("real", "number"):
            return types[-1]  # the same object, which is found to be equal at once
        if kinds == "bool" and any(t.kind != "bool" for t in types):
            bad = next(t for t in types if t.kind != "bool")
            raise TypeProblem("E0204", f"{name} takes bools, not {bad}")
        if kinds == "select" and types[0].kind != "bool":
            raise TypeProblem("E0204", f"a condition is a bool, not {types[0]}")
        kind = "bool" if kinds in ("bool", "compare") else types[-1].kind
        return Type(kind, shape) if shape else SCALARS[kind]

    return infer


def elementwise(
    name: str,
    doc: str,
    params: tuple[str, ...],
    *,
    vjp: VjpRule | NonDiff,
    np: Callable[..., Any],
    py: str | Callable[..., str],
    scalar: str | Callable[..., str],
    sympy: Callable[..., Any],
    domain: tuple[Interval, ...],
    kinds: str = "real",
    **facts: Any,
) -> Op:
    """Declare an op that acts on each element, with NumPy's broadcasting. `kinds`: see COERCIONS."""
    return declare(
        Op(
            name,
            params,
            doc,
            _elementwise_infer(name, kinds),
            np,
            vjp,
            py,
            scalar,
            sympy,
            domain=domain,
            coerce=COERCIONS[kinds],
            elementwise=True,
            **facts,
        )
    )


def check_axis(axis: int, rank: int) -> int:
    """The axis counted from 0; TypeProblem where the array has no such axis."""
    if not -rank <= axis < rank:
        raise TypeProblem("E0207", f"axis {axis} of an array of {rank} dims")
    return axis % rank


def all_axes(shape: Shape) -> tuple[int, ...]:
    return tuple(range(len(shape)))


__all__ = [
    "BOOL",
    "INT",
    "argument",
    "cast",
    "dim_value",
    "elementwise",
    "pattern_variable",
    "to_int",
    "to_real",
]
