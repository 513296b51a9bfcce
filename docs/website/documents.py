"""Documents as programs: the files, commands and sessions that a Markdown text shows.

A document runs in an empty folder, its blocks in order:

- a block after `<!-- file: NAME -->` is a file: written where it does not exist, compared where it does;
- a block after `<!-- part of: NAME -->` is a definition in a file that exists by then: from the block's first
  line to the next line at the margin;
- a block after `<!-- output of: COMMAND -->` is what the command prints;
- a `console` block holds commands after `$ ` and, under each, exactly what it prints (a line `...` stands
  for any number of lines);
- a `python` block of `>>>` lines is a session; the sessions of a document share their names;
- any other `dsl` block is a model that compiles.

A block after `<!-- skip: REASON -->` is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"^(?:<!-- (?P<kind>file|part of|output of|skip): (?P<name>.+?) -->\n)?"
    r"```(?P<language>\w*)\n(?P<body>.*?)^```$",
    re.M | re.S,
)
ROUNDING = re.compile(r"\b\d\.\de(?:-(?:0[6-9]|[1-9]\d)|\+00)\b")


@dataclass(frozen=True)
class Block:
    """A fenced block: its text, what it is, its place in the document."""

    kind: str  # file, part, output, console, session, model
    name: str  # of the file, or the command
    body: str
    start: int
    end: int
    line: int


def blocks(text: str) -> list[Block]:
    """The blocks of a document that are run, in order."""
    found = []
    for match in FENCE.finditer(text):
        kind = _kind(match["kind"], match["language"], match["body"])
        if kind is not None:
            line = text.count("\n", 0, match.start()) + 1
            found.append(
                Block(kind, match["name"] or "", match["body"], match.start("body"), match.end("body"), line)
            )
    return found


def _kind(comment: str | None, language: str, body: str) -> str | None:
    if comment == "skip":
        return None
    if comment is not None:
        return {"file": "file", "part of": "part", "output of": "output"}[comment]
    if language == "python":
        return "session" if ">>>" in body else None
    return {"console": "console", "dsl": "model"}.get(language)


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


def console(pairs: list[tuple[str, str]]) -> str:
    """The text of a console block."""
    return "".join(
        "$ " + command.replace("\n", "\n> ") + "\n" + (output + "\n" if output else "")
        for command, output in pairs
    )


def matches(expected: str, actual: str) -> bool:
    """Whether the text is as expected, where a line `...` stands for any lines.

    Rounding errors such as 2.1e-16 depend on the processor: any other one will do.
    """
    expected, actual = ROUNDING.sub("0.0e-16", expected), ROUNDING.sub("0.0e-16", actual)
    parts = [re.escape(part.strip("\n")) for part in re.split(r"(?m)^\.\.\.$", expected)]
    return re.fullmatch(r"\n?(?:.*\n)?".join(parts) + r"\n?", actual.strip("\n") + "\n", re.S) is not None


def definition(text: str, first: str) -> str:
    """The definition that begins with the line `first`; empty where there is none."""
    lines = text.splitlines()
    if first not in lines:
        return ""
    start = lines.index(first)
    stop = start + 1
    while stop < len(lines) and (not lines[stop] or lines[stop][0] in " )]}"):
        stop += 1
    return "\n".join(lines[start:stop]).rstrip("\n") + "\n"


def documents(root: Path) -> list[Path]:
    """The project's documents."""
    docs = root / "docs"
    return [
        root / "README.md",
        root / "examples" / "README.md",
        *sorted(docs.glob("*.md")),
        *sorted((docs / "tutorial").glob("*.md")),
    ]
