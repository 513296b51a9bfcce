"""The script for bash, from 3.2 on; it needs nothing else (no `bash-completion`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .commands import COMPILE, Command, Option, Takes, names, quoted

HEAD = """\
# Completion of autodiffc for bash: source <(autodiffc completion bash)

_autodiffc_words() {
    COMPREPLY+=($(compgen -W "$1" -- "$cur"))
}

_autodiffc_list() {
    local done=
    [[ $cur == *,* ]] && done=${cur%,*},
    COMPREPLY=($(compgen -P "$done" -W "$1" -- "${cur##*,}"))
    compopt -o nospace 2>/dev/null
}

_autodiffc_files() {
    local IFS=$'\\n' ending
    compopt -o filenames 2>/dev/null
    COMPREPLY+=($(compgen -d -- "$cur"))
    for ending in "$@"; do
        COMPREPLY+=($(compgen -f -X "!*$ending" -- "$cur" |
            while read -r file; do [[ -d $file ]] || echo "$file"; done))
    done
}

_autodiffc() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=compile options=
    COMPREPLY=()
    if [[ $cur == = ]]; then
        cur= prev=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
"""
TAIL = """\
}

complete -F _autodiffc autodiffc
"""


def bash(commands: Sequence[Command]) -> str:
    """The script."""
    return HEAD + "\n".join(_lines(commands)) + "\n" + TAIL


def _lines(commands: Sequence[Command]) -> Iterator[str]:
    yield "    if ((COMP_CWORD > 1)); then"
    yield "        case ${COMP_WORDS[1]} in"
    yield f"        {' | '.join(names(commands))}) command=${{COMP_WORDS[1]}} ;;"
    yield "        esac"
    yield "    fi"
    yield "    case $command:$prev in"
    for command in commands:
        for option in command.options:
            if option.takes is not None:
                flags = " | ".join(f"{command.name}:{flag}" for flag in option.flags)
                yield f"    {flags}) {_reply(option.takes)}; return ;;"
    yield "    esac"
    yield "    case $command in"
    for command in commands:
        flags = " ".join(flag for option in command.options for flag in _flags(option))
        yield f"    {command.name}) options={quoted(flags)} ;;"
    yield "    esac"
    yield "    if [[ $cur == -* ]]; then"
    yield '        _autodiffc_words "$options"'
    yield "        return"
    yield "    fi"
    yield "    case $command in"
    for command in commands:
        yield f"    {command.name}) {_place(command, commands)} ;;"
    yield "    esac"


def _flags(option: Option) -> Iterator[str]:
    """The option as it is typed; with each of the words that it may be joined to, these alone."""
    for flag in option.flags:
        yield from (flag + word for word in option.takes.words) if option.joined and option.takes else (flag,)


def _place(command: Command, commands: Sequence[Command]) -> str:
    found = _reply(command.place) if command.place is not None else ":"
    if command.name != COMPILE:
        return found
    return f"((COMP_CWORD > 1)) || _autodiffc_words {quoted(' '.join(names(commands)))}; {found}"


def _reply(takes: Takes) -> str:
    if takes.words:
        return f"_autodiffc_{'list' if takes.commas else 'words'} {quoted(' '.join(takes.words))}"
    if takes.files or takes.folder:
        return f"_autodiffc_files {' '.join(map(quoted, takes.files))}".rstrip()
    return ":"
