"""The script for fish: a file `autodiffc.fish` in ~/.config/fish/completions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .commands import COMPILE, Command, Option, Takes, names

HEAD = """\
# Completion of autodiffc for fish: autodiffc completion fish > ~/.config/fish/completions/autodiffc.fish

function __autodiffc_command
    set -l words (commandline -opc)
    if set -q words[2]; and contains -- $words[2] {names}
        echo $words[2]
    else
        echo compile
    end
end

function __autodiffc_does
    test (__autodiffc_command) = $argv[1]
end

function __autodiffc_names
    printf '%s\\n' $argv
end

function __autodiffc_begins
    test (count (commandline -opc)) -eq 1
end

"""


def fish(commands: Sequence[Command]) -> str:
    """The script."""
    return HEAD.replace("{names}", " ".join(names(commands))) + "\n".join(_lines(commands)) + "\n"


def _lines(commands: Sequence[Command]) -> Iterator[str]:
    yield "complete -c autodiffc -f"
    for command in commands:
        if command.name != COMPILE:
            yield f"complete -c autodiffc -n __autodiffc_begins -a {command.name} -d {_quoted(command.about)}"
    for command in commands:
        when = f"complete -c autodiffc -n '__autodiffc_does {command.name}'"
        if command.place is not None:
            yield f"{when} {_values(command.place)}"
        for option in command.options:
            yield f"{when} {_option(option)}"


def _option(option: Option) -> str:
    flags = " ".join(map(_flag, option.flags))
    takes = f" {'-r -k' if option.takes.files else '-x'} {_values(option.takes)}" if option.takes else ""
    return f"{flags}{takes.rstrip()} -d {_quoted(option.about)}"


def _flag(flag: str) -> str:
    if flag.startswith("--"):
        return f"-l {flag[2:]}"
    return f"-s {flag[1:]}" if len(flag) == 2 else f"-o {flag[1:]}"


def _values(takes: Takes) -> str:
    if takes.commas:
        return f"-a '(__fish_complete_list , \"__autodiffc_names {' '.join(takes.words)}\")'"
    if takes.words:
        return f"-a {_quoted(' '.join(takes.words))}"
    if takes.folder:
        return "-a '(__fish_complete_directories)'"
    if takes.files == ("",):
        return "-F"
    return (
        f"-a '{' '.join(f'(__fish_complete_suffix {ending})' for ending in takes.files)}'"
        if takes.files
        else ""
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
