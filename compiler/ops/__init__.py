"""The ops: one declaration each, with all its facts. Importing this package fills the registry.

    from autodiffc.compiler import ops

    y = ops.exp(x)
    total = ops.sum(y, axis=(0,), keepdims=False)

Every module of the package declares ops; each is then an attribute of the package by its name.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from ..ir import OPS, Op, as_node, const, const_value
from .base import argument, cast, dim_value, pattern_variable

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
globals().update({name: op for name, op in OPS.items() if name not in globals()})  # looked up the quickest


def __getattr__(name: str) -> Op:
    """The op of that name."""
    try:
        return OPS[name]
    except KeyError:
        raise AttributeError(f"there is no op {name}") from None


__all__ = ["OPS", "argument", "as_node", "cast", "const", "const_value", "dim_value", "pattern_variable"]
