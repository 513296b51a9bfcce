"""The script for zsh: sourced after `compinit`, or a file `_autodiffc` in a folder of `fpath`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .commands import COMPILE, Command, Option, Takes, names, quoted

HEAD = """\
#compdef autodiffc
# Completion of autodiffc for zsh: source <(autodiffc completion zsh)

_autodiffc() {
    local -a commands
"""
TAIL = """\
}

if [[ $funcstack[1] == _autodiffc ]]; then
    _autodiffc "$@"
else
    compdef _autodiffc autodiffc
fi
"""


def zsh(commands: Sequence[Command]) -> str:
    """The script."""
    return HEAD + "\n".join(_lines(commands)) + "\n" + TAIL


def _lines(commands: Sequence[Command]) -> Iterator[str]:
    told = " ".join(quoted(f"{c.name}:{c.about}") for c in commands if c.name != COMPILE)
    yield f"    commands=({told})"
    yield f"    if (( CURRENT > 2 )) && [[ $words[2] == ({'|'.join(names(commands))}) ]]; then"
    yield "        shift words"
    yield "        (( CURRENT-- ))"
    yield "    elif (( CURRENT == 2 )) && [[ $PREFIX != -* ]]; then"
    yield "        _describe -t commands command commands"
    yield "    fi"
    yield "    case $words[1] in"
    for command in [*(c for c in commands if c.name != COMPILE), *(c for c in commands if c.name == COMPILE)]:
        yield f"    {command.name if command.name != COMPILE else '*'})"
        yield "        _arguments \\"
        yield " \\\n".join(f"            {spec}" for spec in _specs(command))
        yield "        ;;"
    yield "    esac"


def _specs(command: Command) -> Iterator[str]:
    for option in command.options:
        yield _option(option)
    if command.place is not None:
        yield quoted(f"1{_action(command.place)}")


def _option(option: Option) -> str:
    others = "*" if option.repeated else f"({' '.join(option.flags)})" if len(option.flags) > 1 else ""
    about = re.sub(r"([][:\\])", r"\\\1", option.about)
    takes = _action(option.takes) if option.takes is not None else ""
    after = "+" if option.joined else "=" if takes else ""
    flags = [f"{flag}{after}" if option.joined or flag.startswith("--") else flag for flag in option.flags]
    return " ".join(quoted(f"{others}{flag}[{about}]{takes}") for flag in flags)


def _action(takes: Takes) -> str:
    if takes.commas:
        return f":{takes.name}:_sequence compadd - {' '.join(takes.words)}"
    if takes.words:
        words = " ".join(takes.words).replace(":", "\\:")
        return f":{takes.name}:({words})"
    if takes.folder:
        return f":{takes.name}:_files -/"
    if takes.files == ("",):
        return f":{takes.name}:_files"
    if takes.files:
        # A single ending in brackets at the end would be read as a qualifier.
        endings = "|".join(ending.removeprefix(".") for ending in takes.files)
        shown = f"({endings})" if "|" in endings else endings
        return f':{takes.name}:_files -g "*.{shown}"'
    return f":{takes.name}: "
