"""The same model written in another way: what it computes must stay what it is.

    VARIANTS["unrolled"](text, {"T": 4, "N": 3, "M": 2})

A loop becomes its steps, or two loops, and loops keep all that their adjoints need, or little of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

Sizes = Mapping[str, int]
_FOR = re.compile(r"for (\w+) in range\((.*)\)( checkpoint)?:")
_ASSIGNMENT = re.compile(r" +(\w+)(?:: real(?:\[[^]]*\])?)? ([-+]?)= (.*)")


def checkpointed(text: str, sizes: Sizes) -> str:
    """Every loop with `checkpoint`, or, where one has it already, without."""
    if " checkpoint:" in text:
        return text.replace(" checkpoint:", ":")
    return re.sub(r"^( *for .*):$", r"\1 checkpoint:", text, flags=re.MULTILINE)


def _range(bounds: str, sizes: Sizes) -> range | None:
    """The steps that dims alone tell."""
    try:
        return range(*eval(f"({bounds},)", {"__builtins__": {}}, {**sizes, "K": 3}))
    except NameError:
        return None


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """The lines of the outermost depth, each with the lines under it."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith(" "):
            found[-1][1].append(line)
        else:
            found.append((line, []))
    return iter(found)


def split(text: str, sizes: Sizes) -> str:
    """A loop in two loops, the first of two steps, where none fills a `var`."""
    result: list[str] = []
    for head, body in _blocks(text):
        match = _FOR.fullmatch(head)
        steps = _range(match[2], sizes) if match else None
        if match and steps is not None and not any(re.match(r" *(\w+\[|var )", line) for line in body):
            for part in (steps[:2], steps[2:]):
                result += [f"for {match[1]} in {part}:", *body]
        else:
            result += [head, *body]
    return "\n".join(result) + "\n"


def unrolled(text: str, sizes: Sizes) -> str:
    """The steps of a loop one after the other, where they hold plain assignments of whole values."""
    result: list[str] = []
    names: dict[str, str] = {}  # what the values are called that loops have carried
    for head, body in _blocks(text):
        match = _FOR.fullmatch(head)
        steps = _range(match[2], sizes) if match else None
        if match is None or steps is None or not all(map(_ASSIGNMENT.fullmatch, body)):
            result += [_named(line, names) for line in (head, *body)]
            continue
        for step in steps:
            lines = [re.sub(rf"\b{match[1]}\b", str(step), line) for line in body]
            result += [_assigned(line, names, f"{match[1]}_{step}_{k}") for k, line in enumerate(lines)]
    return "\n".join(result) + "\n"


def _assigned(line: str, names: dict[str, str], mark: str) -> str:
    """An assignment of a step: its name's value gets a name of its own."""
    match = _ASSIGNMENT.fullmatch(line)
    assert match
    name, sign, value = match.groups()
    value = _named(value, names)
    if sign:
        value = f"{names.get(name, name)} {sign} ({value})"
    names[name] = f"{name}_{mark}"
    return f"{names[name]} = {value}"


def _named(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\b[^\W\d]\w*\b", lambda match: names.get(match[0], match[0]), text)


VARIANTS: dict[str, Callable[[str, Sizes], str]] = {
    "checkpointed": checkpointed,
    "split": split,
    "unrolled": unrolled,
}
