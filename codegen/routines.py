"""The routines that emitted modules may contain, by name.

An op's text that says `_sigmoid(x)` makes the emitter copy the source of that function, and of the routines
that it calls, into the module. So each is written as a reader of the module should find it: short, typed,
documented, and using only `np`, `math`, `ndarray`, `_REAL` and other routines.

>>> ROUTINES["_sqrt"](-1.0)
nan
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isfunction
from typing import Any

from autodiffc.compiler import colouring, special_blocks, special_error, special_gamma, special_scalar

from . import (
    routines_array,
    routines_blocks,
    routines_colouring,
    routines_elementwise,
    routines_linalg,
    routines_memory,
    routines_moves,
    routines_scalar,
    routines_sparse,
    routines_tiles,
    routines_windows,
)

MODULES = (
    routines_scalar,
    routines_elementwise,
    routines_array,
    routines_blocks,
    routines_colouring,
    routines_linalg,
    routines_memory,
    routines_moves,
    routines_windows,
    routines_sparse,
    routines_tiles,
    colouring,
    special_blocks,
    special_error,
    special_gamma,
    special_scalar,
)
ROUTINES: dict[str, Callable[..., Any]] = {
    name: function
    for module in MODULES
    for name, function in vars(module).items()
    if isfunction(function) and name == function.__name__ and name.startswith("_")
}
