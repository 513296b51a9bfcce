"""How a built-in function states what it takes, and how a call is fitted to it.

    @builtin()
    def cumsum(x: Tensor, axis: Whole = -1) -> Value: ...

The annotations say what an argument is turned into; a call that does not fit gets a message that shows
the signature.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any

from autodiffc.grammar.records import record

from ..ir import Node
from ..types import Dim, TypeProblem
from .values import (
    ArgumentProblem,
    Static,
    Text,
    Value,
    as_real,
    as_value_node,
    describe,
    first_outside,
    number_of,
)

# What annotations stand for; `_CONVERT` is keyed by their names.
Tensor = Node  # a number or an array of any kind
Real = Node  # … promoted to real
Whole = int  # an int known to the compiler
Size = Dim  # an int made of dims, not negative
Number = float  # a number known to the compiler
Flag = bool  # true or false
Option = str  # a string
Raw = Any  # whatever it is


@record(frozen=True)
class Builtin:
    """A function of the language: its name, its signature, and what makes its nodes."""

    name: str
    make: Callable[..., Value]
    signature: inspect.Signature

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The arguments that may be given by name."""
        parameters = self.signature.parameters.values()
        return tuple(p.name for p in parameters if p.kind is not p.VAR_POSITIONAL)

    def positions(self, count: int) -> list[inspect.Parameter]:
        """The parameters that so many positional arguments go to, as far as there are such."""
        found: list[inspect.Parameter] = []
        for parameter in self.signature.parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                return found + [parameter] * (count - len(found))
            found.append(parameter)
        return found[:count]

    @cached_property
    def usage(self) -> str:
        """`cumsum(x, axis=-1)`, for messages."""
        shown = []
        for parameter in self.signature.parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                shown.append(f"{parameter.name}, …")
            elif parameter.default is parameter.empty:
                shown.append(parameter.name)
            else:
                shown.append(f"{parameter.name}={_literal(parameter.default)}")
        return f"{self.name}({', '.join(shown)})"


def _literal(value: object) -> str:
    if isinstance(value, Static):
        return str(value.dim)
    if isinstance(value, Node):
        return str(value["value"])
    if isinstance(value, str):
        return f'"{value}"'
    return str(value).lower() if isinstance(value, bool) else str(value)


BUILTINS: dict[str, Builtin] = {}


def builtin(*names: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function under its own name (less a trailing underscore) or under the given ones."""

    def enter(make: Callable[..., Value]) -> Callable[..., Value]:
        for name in names or (make.__name__.rstrip("_"),):
            BUILTINS[name] = Builtin(name, make, inspect.signature(make))
        return make

    return enter


def fit(function: Builtin, args: list[Value], keywords: dict[str, Value]) -> Value:
    """Call a built-in on values; TypeProblem or ArgumentProblem where they do not fit."""
    try:
        bound = function.signature.bind(*args, **keywords)
    except TypeError as error:
        raise TypeProblem("E0205", f"{_reason(error)}; it is {function.usage}") from None
    converted: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        parameter = function.signature.parameters[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            converted[name] = tuple(_convert(name, v, parameter.annotation) for v in value)
        else:
            converted[name] = _convert(name, value, parameter.annotation)
    bound.arguments.update(converted)
    return function.make(*bound.args, **bound.kwargs)


def _reason(error: TypeError) -> str:
    """What `inspect` says of a call, in the words of the other messages."""
    text = str(error)
    name = text.split("'")[1] if "'" in text else ""
    if text.startswith("missing"):
        return f"the argument `{name}` is missing"
    return f"`{name}` is given twice" if text.startswith("multiple") else "too many arguments"


def _convert(name: str, value: Value, wanted: object) -> object:
    try:
        converted = _CONVERT[str(wanted)](value)
        return _not_negative(converted, name) if isinstance(converted, Dim) else converted
    except ArgumentProblem:
        raise
    except TypeProblem as problem:
        raise ArgumentProblem(problem.code, str(problem), name) from None


def _whole(value: Value) -> int:
    known = value.dim.known if isinstance(value, Static) else None
    if known is None:
        raise TypeProblem("E0204", f"expected a whole number that the compiler knows, not {describe(value)}")
    return known


def _size(value: Value) -> Dim:
    if isinstance(value, Static):
        return value.dim
    raise TypeProblem("E0204", f"expected a size made of dims and numbers, not {describe(value)}")


def _number(value: Value) -> float:
    number = number_of(value)
    if number is None or isinstance(number, bool):
        raise TypeProblem("E0204", f"expected a number that the compiler knows, not {describe(value)}")
    return float(number)


def _flag(value: Value) -> bool:
    known = number_of(value)
    if not isinstance(known, bool):
        raise TypeProblem("E0204", f"expected true or false, not {describe(value)}")
    return known


def _option(value: Value) -> str:
    if isinstance(value, Text):
        return value.value
    raise TypeProblem("E0204", f"expected a string, not {describe(value)}")


_CONVERT: dict[str, Callable[[Value], object]] = {
    "Tensor": as_value_node,
    "Real": lambda value: as_real(as_value_node(value)),
    "Whole": _whole,
    "Size": _size,
    "Number": _number,
    "Flag": _flag,
    "Option": _option,
    "Raw": lambda value: value,
}


# --- shared by the built-ins -----------------------------------------------------------------------


def axes_of(x: Node, axis: Value, name: str = "axis") -> tuple[int, ...]:
    """`None`, an axis or a tuple of axes as sorted axes counted from 0."""
    if axis is None:
        return tuple(range(x.rank))
    given = wholes_of(axis if isinstance(axis, tuple) else (axis,), name)
    for number in given:
        if not -x.rank <= number < x.rank:
            count = f"{x.rank} ax{'i' if x.rank == 1 else 'e'}s" if x.rank else "no axes"
            raise ArgumentProblem("E0207", f"axis {number} of {x.type}, which has {count}", name)
    result = tuple(number % x.rank for number in given)
    if len(set(result)) < len(result):
        raise ArgumentProblem("E0207", "an axis is named twice", name)
    return tuple(sorted(result))


def one_axis(x: Node, axis: Value, name: str = "axis") -> int:
    """One axis, counted from 0."""
    if axis is None or isinstance(axis, tuple):
        raise ArgumentProblem("E0204", "expected one axis", name)
    return axes_of(x, axis, name)[0]


def within(x: Node, low: Dim, high: Dim, name: str) -> Node:
    """Ints that pick something; those that are known are checked now."""
    outside = first_outside(x, low, high)
    if outside is not None:
        raise ArgumentProblem("E0208", f"{outside} is not in range({low}, {high})", name)
    return x


def sizes_of(values: tuple[Value, ...], name: str = "shape") -> tuple[Dim, ...]:
    """Sizes as one tuple or one by one."""
    given = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
    try:
        return tuple(_size(v) for v in given)
    except TypeProblem as problem:
        raise ArgumentProblem(problem.code, str(problem), name) from None


def lengths_of(values: tuple[Value, ...], name: str = "shape") -> tuple[Dim, ...]:
    """Sizes that are to be those of an array."""
    return tuple(_not_negative(size, name) for size in sizes_of(values, name))


def _not_negative(size: Dim, name: str) -> Dim:
    if size.known is not None and size.known < 0:
        raise ArgumentProblem("E0205", f"{name} is not negative", name)
    return size


def one_size(value: Value, name: str) -> Dim:
    """One int made of dims."""
    if isinstance(value, tuple):
        raise ArgumentProblem("E0204", f"expected one number, not {describe(value)}", name)
    return sizes_of((value,), name)[0]


def one_whole(value: Value, name: str) -> int:
    """One whole number."""
    if isinstance(value, tuple):
        raise ArgumentProblem("E0204", f"expected one number, not {describe(value)}", name)
    return wholes_of((value,), name)[0]


def wholes_of(values: tuple[Value, ...], name: str) -> tuple[int, ...]:
    """Whole numbers as one tuple or one by one."""
    given = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
    try:
        return tuple(_whole(v) for v in given)
    except TypeProblem as problem:
        raise ArgumentProblem(problem.code, str(problem), name) from None
