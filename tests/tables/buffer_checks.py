"""Buffers change nothing: modules with and without them give the same, whatever a buffer held before.

compared(program, arguments)        how many buffers were filled with rubbish between the calls
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import patch

import numpy as np
from autodiffc.api import Options, module_of, module_text
from autodiffc.codegen.buffers import Allocation, Buffered
from autodiffc.compiler.model import Program


def with_and_without(program: Program, **options: Any) -> tuple[Any, Any]:
    """The -O2 modules with buffers and without."""
    chosen = Options(level=2, **options)
    text = module_text(program, chosen)
    with patch.object(
        Allocation, "result", lambda own: Buffered(list(own.statements), own.last, [], frozenset())
    ):
        plain = module_text(program, chosen)
    return module_of(text, "model"), module_of(plain, "plain")


def spoil(module: Any, *lent: Any) -> int:
    """Fill what calls have left for later ones with rubbish, and workspaces."""
    spaces = [*getattr(module, "_SPACES", ()), *lent]
    left = [a for memory in getattr(module, "_IDLE", ()) for a in memory]
    left += [a for space in spaces for memory in space._held.values() for a in memory]
    arrays = [a for a in left if isinstance(a, np.ndarray)]
    arrays += [array for scratch in left if isinstance(scratch, dict) for array in scratch.values()]
    for array in arrays:
        if not array.flags.writeable:
            continue  # a constant
        array[...] = {"f": np.nan, "i": -(10**6), "b": True}[array.dtype.kind]
    return len(arrays)


def leaves(result: Any) -> Iterator[Any]:
    """The arrays and numbers of a nested result."""
    if isinstance(result, (tuple, list)):
        for part in result:
            yield from leaves(part)
    else:
        yield result


def alike(one: Any, other: Any, tolerance: float) -> None:
    """The same numbers, of the same types: sums of arrays in another order of axes may round otherwise."""
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert type(a) is type(b)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
        if a is not None:
            size = np.abs(b[np.isfinite(b)]).max(initial=0.0) if isinstance(b, np.ndarray) else 1.0
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * float(size))


def runs(module: Any, program: Program, arguments: Mapping[str, Any], *lent: Any) -> Iterator[Any]:
    """What the functions give, with rubbish in the buffers before each, and written over after it."""
    workspace = {"workspace": lent[0]} if lent else {}
    for name in [n for n in ("value_and_grad", "forward", "predict") if hasattr(module, n)]:
        function = getattr(module, name)
        taken = [n.removesuffix("_") for n in function.__code__.co_varnames[: function.__code__.co_argcount]]
        for _ in range(3):
            rng = [np.random.default_rng(0)] if "rng" in taken else []
            result = function(*(arguments[n] for n in taken if n in arguments), *rng, **workspace)
            yield result
            if name == "forward" and hasattr(module, "backward"):
                value = getattr(result[0], module.SPEC["target"])
                seed = (np.ones(np.shape(value)),) if np.shape(value) else ()
                if not lent or not lent[0].outputs:
                    spoil(module, *lent)  # of results of the workspace's the cache is one
                yield module.backward(result[1], *seed, **workspace)
            spoil(module, *lent)
        for array in leaves(result if name == "value_and_grad" else ()):
            if isinstance(array, np.ndarray):
                array[...] = 0  # it is the caller's own


def compared(program: Program, arguments: Mapping[str, Any], tolerance: float = 0.0, **options: Any) -> int:
    """Compare both modules at a point; the number of buffers that there are at the end."""
    buffered, plain = with_and_without(program, **options)
    ways: list[tuple[Any, ...]] = [()]
    if "workspace" in options.get("emit", ()):
        ways += [(buffered.Workspace(outputs),) for outputs in (False, True)]
    with np.errstate(all="ignore"):
        for lent in ways:
            expected = runs(plain, program, arguments)
            for one, other in zip(expected, runs(buffered, program, arguments, *lent), strict=True):
                alike(other, one, tolerance)
    return spoil(buffered, *(space for way in ways for space in way))
