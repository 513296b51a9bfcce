"""Dataclasses of which there are many: frozen for the type checker, made the quickest at run time.

>>> @record(frozen=True)
... class Point:
...     x: int
...     y: int
>>> {Point(1, 2): "here"}[Point(1, 2)]
'here'

A frozen dataclass stores its fields one call each, which takes longer than all else that it does. Of nodes,
expressions and places there are some tens for each line of a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:
    from dataclasses import dataclass

    def record(*, frozen: bool, eq: bool = True) -> Any:
        """`dataclass`, with what `frozen` says of hashing, and without the check."""
        return dataclass(eq=eq, unsafe_hash=eq and frozen)


__all__ = ["record"]
