"""What a shell completes: commands, their options, what these take.

seed = Option(("--seed",), "of the random arguments", Takes("seed"))
Command("check", "Compare the compiled derivatives", (seed,), Takes("model", files=(".dsl",)))
"""

from __future__ import annotations

from collections.abc import Sequence

from autodiffc.grammar.records import record

COMPILE = "compile"  # what is done where no command is given


@record(frozen=True)
class Takes:
    """A value: one of some words, or several with commas; a file of some endings (`""`: any); a folder."""

    name: str
    words: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folder: bool = False
    commas: bool = False


@record(frozen=True)
class Option:
    """`takes` is None for a mere flag; `joined`: it is written with its value as one word too, as `-O2`."""

    flags: tuple[str, ...]
    about: str
    takes: Takes | None
    repeated: bool = False
    joined: bool = False


@record(frozen=True)
class Command:
    """`place` is what stands without an option: a model, or one of some words."""

    name: str
    about: str
    options: tuple[Option, ...]
    place: Takes | None


def names(commands: Sequence[Command]) -> list[str]:
    """The names that a person types."""
    return [command.name for command in commands if command.name != COMPILE]


def quoted(text: str) -> str:
    """The text as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
