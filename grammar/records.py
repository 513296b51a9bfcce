"""Dataclasses of which there are many: frozen for the type checker, made the quickest at run time.

>>> @record(frozen=True)
... class Point:
...     x: int
...     y: int
>>> {Point(1, 2): "here"}[Point(1, 2)]
'here'

A frozen dataclass stores its fields by a call each, which takes longer than all else that it does: of nodes,
expressions and places there are some tens for each line of a model. And each of its methods is compiled when
the class is made.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(*, frozen: bool, eq: bool = True) -> Any:
        """`dataclass`, with what `frozen` says of hashing, and without the check."""

        def made(cls: type) -> type:
            cls.__doc__ = cls.__doc__ or cls.__name__  # lest it be made of the signature, which takes long
            if "__repr__" not in vars(cls):
                cls.__repr__ = _shown
            return dataclass(repr=False, eq=eq, unsafe_hash=eq and frozen)(cls)

        return made


def _shown(self: Any) -> str:
    values = [f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr]
    return f"{type(self).__qualname__}({', '.join(values)})"


__all__ = ["record"]
