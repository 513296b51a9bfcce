from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import pytest
from autodiffc.grammar.records import record


@record(frozen=True)
class Point:
    """A place."""

    x: float
    y: float = 0.0
    seen: list[int] = field(default_factory=list, compare=False, repr=False)


@record(frozen=True)
class Named(Point):
    name: str = ""

    def __hash__(self) -> int:
        return len(self.name)

    def __repr__(self) -> str:
        return self.name


@record(frozen=False)
class Counter:
    count: int = 0


@record(frozen=True, eq=False)
class Thing:
    size: int


@record(frozen=True)
class Nothing:
    """Without fields."""


def test_is_a_dataclass() -> None:
    point = Point(1.0, seen=[3])
    assert [f.name for f in fields(point)] == ["x", "y", "seen"]
    assert replace(point, y=2.0) == Point(1.0, 2.0)
    assert repr(point) == "Point(x=1.0, y=0.0)"
    assert Point.__doc__ == "A place."


def test_records_of_one_class_are_equal_where_their_fields_are() -> None:
    assert Point(1.0, 2.0, [1]) == Point(1.0, 2.0, [2])
    assert hash(Point(1.0, 2.0, [1])) == hash(Point(1.0, 2.0, [2]))
    assert Point(1.0, 2.0) != Point(2.0, 1.0)
    assert Point(1.0) != Named(1.0)
    assert Point(1.0) != (1.0, 0.0)
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing(), Point(1.0), Point(1.0)}) == 2


def test_methods_of_its_own_stay() -> None:
    assert hash(Named(1.0, name="abc")) == 3
    assert repr(Named(1.0, name="abc")) == "abc"
    assert Named(1.0, name="abc") == Named(1.0, name="abc")


def test_what_may_change_has_no_hash() -> None:
    assert Counter(1) == Counter(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Counter(1))


def test_without_equality_each_is_its_own() -> None:
    thing = Thing(1)
    assert thing != Thing(1)
    assert {thing: "here"}[thing] == "here"


def test_compares_as_a_dataclass_does() -> None:
    @dataclass(frozen=True)
    class Pair:
        x: float
        y: float

    nan = float("nan")
    assert (Pair(nan, 1.0) == Pair(nan, 1.0)) is (Point(nan, 1.0) == Point(nan, 1.0))
