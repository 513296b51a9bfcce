"""A finding: something that is wrong, in a sentence, and what usually helps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from autodiffc.grammar.records import record

from .advice import HELPS, SOURCES


@record(frozen=True)
class Finding:
    """Where it is wrong (a name, a line of the model or 0), and the numbers that show it."""

    kind: str
    label: str
    line: int
    sentence: str
    advice: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def helps(self) -> str:
        return self.advice or HELPS[self.kind]

    @property
    def reference(self) -> str:
        """Who says so; empty where nobody needs to."""
        return SOURCES.get(self.kind, "")

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.kind}: {self.sentence}"
