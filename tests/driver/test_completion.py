"""Completion, in the shells themselves: keys are typed at a terminal, and the finished line is what counts."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from autodiffc.cli import main
from autodiffc.completion import SHELLS, script
from autodiffc.parsers import COMMANDS, EMITTED, PARSERS

PATIENCE = 20.0
STARTS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
LINES = [
    ("autodiffc chec", "autodiffc check"),
    ("autodiffc expla", "autodiffc explain"),
    ("autodiffc classi", "autodiffc classifier.dsl"),
    ("autodiffc check classi", "autodiffc check classifier.dsl"),
    ("autodiffc classifier.dsl --dtype float3", "autodiffc classifier.dsl --dtype float32"),
    ("autodiffc -O2 classi", "autodiffc -O2 classifier.dsl"),
    ("autodiffc -O 2 classi", "autodiffc -O 2 classifier.dsl"),
    ("autodiffc classifier.dsl --numeri", "autodiffc classifier.dsl --numerics"),
    ("autodiffc classifier.dsl --emit jvp,hes", "autodiffc classifier.dsl --emit jvp,hessian"),
    ("autodiffc classifier.dsl -W shadowed,sing", "autodiffc classifier.dsl -W shadowed,singular"),
    ("autodiffc graph classifier.dsl --unf", "autodiffc graph classifier.dsl --unfold"),
    (
        "autodiffc diagnose classifier.dsl --data points.n",
        "autodiffc diagnose classifier.dsl --data points.npz",
    ),
    ("autodiffc explain classifier.dsl --at points.j", "autodiffc explain classifier.dsl --at points.json"),
    ("autodiffc completion fi", "autodiffc completion fish"),
    ("autodiffc derive --format=mat", "autodiffc derive --format=mathml"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("classifier.dsl", "points.npz", "points.json", "points.txt"):
        (tmp_path / name).touch()
    for shell in SHELLS:
        text = script(shell, {name: make() for name, make in PARSERS.items()}, EMITTED)
        (tmp_path / f"autodiffc.{shell}").write_text(text)
    return tmp_path


def needed(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == (folder / f"autodiffc.{shell}").read_text()


def test_an_unknown_shell_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["completion", "cmd"])
    assert stopped.value.code == 2
    assert "choose from" in capsys.readouterr().err


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_name_every_command_and_option(shell: str, folder: Path) -> None:
    text = (folder / f"autodiffc.{shell}").read_text()
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", text)
    for option in ("dump-dir", "emit", "explain-cost", "unfold", "stdout"):
        assert option in text


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_accepts_the_script(shell: str, folder: Path) -> None:
    needed(shell)
    done = subprocess.run([shell, "-n", f"autodiffc.{shell}"], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_keys_typed_at_a_terminal(shell: str, folder: Path) -> None:
    needed(shell)
    start = "autoload -U compinit; compinit -u -d ./dump; " if shell == "zsh" else ""
    said = typed(
        STARTS[shell],
        folder,
        f"{start}source ./autodiffc.{shell}; autodiffc() {{ echo \"GOT[$*]\"; }}; echo REA''DY",
    )
    found = re.findall(r"^GOT\[(.*?)\s*\]", said.replace("\r", ""), re.M)
    assert found == [line.removeprefix("autodiffc ") for _, line in LINES], said


def typed(command: list[str], folder: Path, start: str) -> str:
    """Type the lines, each with a tab and return at its end; all that the terminal showed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        "PS1": "$ ",
    }
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, environment)
    try:
        os.write(terminal, f"{start}\n".encode())
        said = _until(terminal, "", "READY", 1)
        for k, (keys, _) in enumerate(LINES):
            os.write(terminal, f"{keys}\t".encode())
            time.sleep(0.3)  # what follows at once would be taken as typed ahead
            os.write(terminal, b"\n")
            said = _until(terminal, said, "GOT[", k + 1)
        os.write(terminal, b"exit\n")
        return said
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


def _until(terminal: int, said: str, mark: str, times: int) -> str:
    end = time.monotonic() + PATIENCE
    while len(re.findall(rf"^{re.escape(mark)}.*\n", said, re.M)) < times and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            said += os.read(terminal, 65536).decode("utf-8", "replace")
    return said


@pytest.mark.parametrize(("keys", "line"), LINES)
def test_fish_completes(keys: str, line: str, folder: Path) -> None:
    needed("fish")
    command = f"source ./autodiffc.fish; complete -C '{keys}'"
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["fish", "--no-config", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.stderr == ""
    (found,) = done.stdout.splitlines()
    assert found.split("\t")[0] == line.split(" ")[-1]


def test_a_level_stands_behind_its_flag(folder: Path) -> None:
    """Joined or not, it is one of three numbers, and no file."""
    for shell in ("bash", "fish"):
        needed(shell)
    ask = "_autodiffc; echo ${COMPREPLY[@]}"
    for before, last, found in (
        ("-O", "", "0 1 2"),
        ("classifier.dsl", "-O", "-O0 -O1 -O2"),
        ("", "-O2", "-O2"),
    ):
        words = " ".join(f"'{word}'" for word in ("autodiffc", "classifier.dsl", before, last))
        command = f"source ./autodiffc.bash; COMP_WORDS=({words}) COMP_CWORD=3; {ask}"
        done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)
        assert (done.stdout.strip(), done.stderr) == (found, "")
    for keys in ("-O ", "-O"):
        command = f"source ./autodiffc.fish; complete -C 'autodiffc classifier.dsl {keys}'"
        done = subprocess.run(
            ["fish", "--no-config", "-c", command], cwd=folder, capture_output=True, text=True
        )
        offered = {line.split("\t")[0].removeprefix("-O") for line in done.stdout.splitlines()}
        assert {"0", "1", "2"} <= offered
        assert not {"classifier.dsl", "points.txt"} & offered
