"""The dataclasses that don't change: frozen for the type checker, made the quickest at run time.

>>> @record(frozen=True)
... class Point:
...     x: int
...     y: int
>>> {Point(1, 2): "here"}[Point(1, 2)]
'here'

A frozen dataclass stores its fields by a call each, which takes longer than all else that it does: of nodes,
expressions and places there are some tens for each line of a model. And each of its methods is compiled when
the class is made: of a record that is `__init__` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
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
            cls = dataclass(repr=False, eq=False)(cls)
            if eq:
                _compare_fields(cls, frozen)
            return cls

        return made


def _compare_fields(cls: Any, hashable: bool) -> None:
    """Give a class the equality of its fields, and their hash unless it has one of its own."""
    names = [field.name for field in fields(cls) if field.compare]
    values = attrgetter(*names) if names else type

    def equal(self: Any, other: Any) -> Any:
        if self is other:
            return True
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(values(self))

    own = vars(cls).get("__hash__")
    cls.__eq__ = equal
    cls.__hash__ = own or (hashed if hashable else None)


def _shown(self: Any) -> str:
    values = [f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr]
    return f"{type(self).__qualname__}({', '.join(values)})"


__all__ = ["record"]
