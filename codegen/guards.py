"""The boundary checks that emitted modules contain, as real functions.

`module.py` copies the source of those that a module needs. A module gives them `_REAL` (its float type) and
`_DECLARED` (for each argument its kind and the dims as the model writes them):

>>> _DECLARED["x"] = ("real", "N", "D")
>>> _real("x", [1.0, 2.0], 2)
Traceback (most recent call last):
    ...
ValueError: x: expected real[N, D], got shape (2,)
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

_REAL = np.dtype(np.float64)
_DECLARED: dict[str, tuple[str, ...]] = {}


def _expected(name: str) -> str:
    kind, *dims = _DECLARED[name]
    return f"{name}: expected {kind}[{', '.join(dims)}]" if dims else f"{name}: expected {kind}"


def _array(name: str, value: Any) -> ndarray:
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{_expected(name)}, got a masked array")
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{_expected(name)}, got a ragged sequence") from None


def _real(name: str, value: Any, rank: int) -> ndarray:
    """The argument as an array of reals; ints and bools are promoted."""
    array = value if type(value) is ndarray else _array(name, value)
    if array.dtype != _REAL:
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{_expected(name)}, got dtype {array.dtype}")
        with np.errstate(over="ignore"):
            array = array.astype(_REAL)
    if array.ndim != rank:
        raise ValueError(f"{_expected(name)}, got shape {array.shape}")
    return array


def _integers(name: str, value: Any, rank: int) -> ndarray:
    """The argument as an array of ints."""
    array = value if type(value) is ndarray else _array(name, value)
    if array.dtype != np.int64:
        if array.dtype.kind not in "iu" and array.size:
            raise TypeError(f"{_expected(name)}, got dtype {array.dtype}")
        array = array.astype(np.int64)
    if array.ndim != rank:
        raise ValueError(f"{_expected(name)}, got shape {array.shape}")
    return array


def _booleans(name: str, value: Any, rank: int) -> ndarray:
    """The argument as an array of bools."""
    array = value if type(value) is ndarray else _array(name, value)
    if array.dtype.kind != "b" and array.size:
        raise TypeError(f"{_expected(name)}, got dtype {array.dtype}")
    if array.ndim != rank:
        raise ValueError(f"{_expected(name)}, got shape {array.shape}")
    return array.astype(np.bool_, copy=False)


def _scalar(name: str, value: Any, kinds: str = "fiub", number: Callable[[Any], Any] = float) -> Any:
    """The argument as a Python number; ints, NumPy scalars and arrays of rank 0 are taken too."""
    if type(value) is number:
        return value
    array = _array(name, value)
    if array.dtype.kind not in kinds:
        got = type(value).__name__ if array.dtype.kind == "O" else f"dtype {array.dtype}"
        raise TypeError(f"{_expected(name)}, got {got}")
    if array.ndim:
        raise ValueError(f"{_expected(name)}, got shape {array.shape}")
    return number(array)


def _generator(name: str, value: Any) -> None:
    """TypeError unless the argument is a generator of NumPy."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(f"{name}: expected a numpy.random.Generator, got {type(value).__name__}")


def _range(name: str, array: Any, start: int, stop: int) -> None:
    """ValueError unless start <= element < stop."""
    array = np.asarray(array)
    above = array - start if start else array  # what is below the start is large without a sign
    if array.size and not 0 <= above.item(above.view(np.uint64).argmax()) < stop - start:
        bad = array[(array < start) | (array >= stop)].flat[0]
        shown = f"range({stop})" if start == 0 else f"range({start}, {stop})"
        raise ValueError(f"{_expected(name)} in {shown}, got {bad}")


def _bound_error(name: str, array: Any, wrong: Any, bound: str) -> ValueError:
    """What to say where elements, those that are wrong, break a bound."""
    bad = np.asarray(array)[np.asarray(wrong)]
    return ValueError(f"{_expected(name)} {bound}, got {bad.flat[0]}")


def _shape_error(sizes: dict[str, tuple[Any, ...]]) -> ValueError:
    """What to say where shapes don't agree; each argument comes with the sizes that it should have."""
    seen: dict[tuple[str, int], str] = {}
    for name, (array, *wanted) in sizes.items():
        for dim, size, want in zip(_DECLARED[name][1:], array.shape, wanted):
            if size == want:
                seen.setdefault((dim, size), name)
                continue
            other = seen.get((dim, want))
            if other is not None and other != name:
                both = f"{_expected(other)}, {_expected(name)}"
                return ValueError(f"{both}; {dim} is {want} in {other} and {size} in {name}")
            meaning = "" if dim.isdigit() else f" with {dim} = {want}"
            return ValueError(f"{_expected(name)}{meaning}, got shape {array.shape}")
    return ValueError("the shapes of the arguments do not agree")


def _vector(theta: Any, size: int) -> ndarray:
    """All params in one vector, as float64 in memory of its own."""
    vector = np.array(theta)
    if vector.dtype.kind not in "fiub":
        raise TypeError(f"theta: expected real numbers, got dtype {vector.dtype}")
    if vector.shape != (size,):
        raise ValueError(f"theta: expected {size} numbers, got shape {vector.shape}")
    return vector.astype(np.float64, copy=False)


def _size(name: str, value: Any) -> int:
    """A dim as an int, not negative."""
    try:
        size = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an int, got {type(value).__name__}") from None
    if size < 0:
        raise ValueError(f"{name}: expected an int >= 0, got {size}")
    return size
