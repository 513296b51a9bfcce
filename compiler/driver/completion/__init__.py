"""Completion for shells: `autodiffc completion bash`, `zsh` or `fish` prints a script.

    source <(autodiffc completion bash)                                   # in ~/.bashrc
    source <(autodiffc completion zsh)                                    # in ~/.zshrc, after compinit
    autodiffc completion fish > ~/.config/fish/completions/autodiffc.fish

The commands, their options and what these take are read off the parsers themselves.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping

from autodiffc.compiler.lint import LINTS
from autodiffc.compiler.lint.choice import ERROR, GROUPS

from .bash import bash
from .commands import Command, Option, Takes
from .fish import fish
from .zsh import zsh

SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
# What no parser says: stages, names with commas, and which files.
WORDS = {
    "--dump": Takes("stage", ("ast", "ir", "ir:", "schedule", "dot")),
    "--dump-dir": Takes("folder", folder=True),
    "--at": Takes("file", files=(".json",)),
}


def script(shell: str, parsers: Mapping[str, argparse.ArgumentParser], emitted: tuple[str, ...]) -> str:
    """The script for a shell. `parsers` has one for each command; `compile` is what needs no name."""
    words = {
        **WORDS,
        "--emit": Takes("names", emitted, commas=True),
        "-W": Takes("lints", (*GROUPS, ERROR, *(lint.name for lint in LINTS)), commas=True),
    }
    return SHELLS[shell]([_command(name, parser, words) for name, parser in parsers.items()])


def _command(name: str, parser: argparse.ArgumentParser, words: Mapping[str, Takes]) -> Command:
    options = [_option(action, words) for action in parser._actions if action.option_strings]
    places = [_taken(action) for action in parser._actions if not action.option_strings]
    about = re.split(r"[.;:] ", f"{parser.description} ")[0].rstrip(". ")
    return Command(name, about, tuple(options), places[0] if places else None)


def _option(action: argparse.Action, words: Mapping[str, Takes]) -> Option:
    known = next((words[flag] for flag in action.option_strings if flag in words), None)
    flags = tuple(action.option_strings)
    takes = None if action.nargs == 0 else known or _taken(action)
    joined = action.choices is not None and all(len(flag) == 2 for flag in flags)
    return Option(flags, _told(action), takes, _may_repeat(action), joined)


def _told(action: argparse.Action) -> str:
    text = (action.help or "") % {"default": action.default}
    return re.sub(r" \(default: .*?\)$", "", text)


def _may_repeat(action: argparse.Action) -> bool:
    return isinstance(action, (argparse._AppendAction, argparse._ExtendAction))


def _taken(action: argparse.Action) -> Takes:
    """What stands behind an option, or as an argument."""
    if action.choices is not None:
        return Takes(action.dest, tuple(map(str, action.choices)))
    if action.dest == "model":
        return Takes("model", files=(".dsl",))
    return Takes(action.dest, files=tuple(_endings(str(action.metavar or ""))))


def _endings(metavar: str) -> Iterator[str]:
    """`FILE.svg|png`: files of these endings; `FILE`: all files; anything else: none."""
    if not metavar.startswith("FILE"):
        return
    endings = metavar.removeprefix("FILE").removeprefix(".")
    for ending in endings.split("|") if endings else ("",):
        yield f".{ending}" if ending else ""


__all__ = ["SHELLS", "script"]
