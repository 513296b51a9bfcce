"""Buffers change nothing: modules with and without them give the same bits, whatever a buffer held before.

    compared(program, arguments)        how many buffers were filled with rubbish between the calls
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import patch

import numpy as np
from autodiffc.api import Options, module_of, module_text
from autodiffc.codegen import reuse
from autodiffc.compiler.model import Program


def with_and_without(program: Program, **options: Any) -> tuple[Any, Any]:
    """The -O2 modules with buffers and without."""
    chosen = Options(level=2, **options)
    text = module_text(program, chosen)
    with patch.object(reuse, "use_buffers", lambda body: None):
        plain = module_text(program, chosen)
    return module_of(text, "model"), module_of(plain, "plain")


def spoil(module: Any) -> int:
    """Fill what calls have left for later ones with rubbish."""
    arrays = [a for memory in getattr(module, "_IDLE", ()) for a in memory if isinstance(a, np.ndarray)]
    for array in arrays:
        array[...] = {"f": np.nan, "i": -(10**6), "b": True}[array.dtype.kind]
    return len(arrays)


def leaves(result: Any) -> Iterator[Any]:
    """The arrays and numbers of a nested result."""
    if isinstance(result, (tuple, list)):
        for part in result:
            yield from leaves(part)
    else:
        yield result


def alike(one: Any, other: Any) -> None:
    """The same bits (any NaN for another)."""
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert type(a) is type(b)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def runs(module: Any, program: Program, arguments: Mapping[str, Any]) -> Iterator[Any]:
    """What the functions give, with rubbish in the buffers before each, and written over after it."""
    for name in [n for n in ("value_and_grad", "forward", "predict") if hasattr(module, n)]:
        function = getattr(module, name)
        taken = [n.removesuffix("_") for n in function.__code__.co_varnames[: function.__code__.co_argcount]]
        for _ in range(3):
            rng = [np.random.default_rng(0)] if "rng" in taken else []
            result = function(*(arguments[n] for n in taken if n in arguments), *rng)
            yield result
            if name == "forward" and hasattr(module, "backward"):
                value = getattr(result[0], module.SPEC["target"])
                seed = (np.ones(np.shape(value)),) if np.shape(value) else ()
                spoil(module)
                yield module.backward(result[1], *seed)
            spoil(module)
        for array in leaves(result if name == "value_and_grad" else ()):
            if isinstance(array, np.ndarray):
                array[...] = 0  # it is the caller's own


def compared(program: Program, arguments: Mapping[str, Any], **options: Any) -> int:
    """Compare both modules at a point; the number of arrays in the pool at the end."""
    buffered, plain = with_and_without(program, **options)
    with np.errstate(all="ignore"):
        found = zip(runs(plain, program, arguments), runs(buffered, program, arguments), strict=True)
        for expected, one in found:
            alike(one, expected)
    return spoil(buffered)
