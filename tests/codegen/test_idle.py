"""Memory that is handed out again: what is taken is what a look through all of it would find first."""

from __future__ import annotations

import doctest
import random

import pytest
from autodiffc.codegen import idle
from autodiffc.codegen.idle import Idle


def test_the_example() -> None:
    assert doctest.testmod(idle).failed == 0


def first_free(waiting: list[tuple[int, int, bool]], line: int) -> int | None:
    """The same by a look through all that has been given, in that order."""
    for place, (until, memory, follows) in enumerate(waiting):
        if until < line or (until == line and follows):
            waiting.pop(place)
            return memory
    return None


@pytest.mark.parametrize("seed", range(20))
def test_what_was_given_first_is_taken_first(seed: int) -> None:
    rng = random.Random(seed)
    held, waiting, made = Idle[int](), list[tuple[int, int, bool]](), 0
    for line in sorted(rng.choices(range(40), k=120)):
        memory = held.taken(line, bool)
        assert memory == first_free(waiting, line)
        if memory is None:
            memory, made = made, made + 1
        until, follows = line + rng.randrange(8), rng.random() < 0.5
        held.give(memory, follows, until)
        waiting.append((until, memory, follows))
    assert made < 120
