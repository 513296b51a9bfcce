"""Documents as programs: the files, commands and sessions that a Markdown text shows.

A document runs in an empty folder, its blocks in order:

- a block after `<!-- file: NAME -->` is a file: written where it does not exist, compared where it does;
- a `console` block holds commands after `$ ` and, under each, exactly what it prints (a line `...` stands
  for any number of lines);
- a `python` block of `>>>` lines is a session; the sessions of a document share their names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"^(?:<!-- (?P<kind>file|skip): (?P<name>.+?) -->\n)?```(?P<language>\w*)\n(?P<body>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the file that it is, its place in the document."""

    language: str
    body: str
    file: str | None
    start: int
    end: int
    line: int


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a document in order; those marked `<!-- skip: reason -->` are left out."""
    found = []
    for match in FENCE.finditer(text):
        if match["kind"] == "skip":
            continue
        line = text.count("\n", 0, match.start()) + 1
        file = match["name"] if match["kind"] == "file" else None
        found.append(Block(match["language"], match["body"], file, match.start("body"), match.end("body"), line))
    return found


def commands(body: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what it prints."""
    pairs: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            pairs.append((line[2:], []))
        elif pairs and pairs[-1][0].endswith("\\") and line.startswith("> "):
            pairs[-1] = (pairs[-1][0] + "\n" + line[2:], pairs[-1][1])
        else:
            pairs[-1][1].append(line)
    return [(command, "\n".join(lines)) for command, lines in pairs]


def matches(expected: str, actual: str) -> bool:
    """Whether the text is as expected, where a line `...` stands for any lines."""
    parts = [re.escape(part.strip("\n")) for part in re.split(r"(?m)^\.\.\.$", expected)]
    return re.fullmatch(r"\n?(?:.*\n)?".join(parts), actual.strip("\n"), re.S) is not None


def documents(root: Path) -> list[Path]:
    """The project's documents."""
    return [root / "README.md", root / "examples" / "README.md", *sorted((root / "docs").glob("*.md"))]
