"""Runs a document: writes its files, types its commands and sessions, and tells what was not as shown.

    document = Document(Path("docs/explain.md"), folder)
    document.run()
    document.problems    # what the document should have said
    document.updated()   # the text as it should be

The tests of the documents run all of them; the build of the site runs the tutorial, for its pictures and
reports.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import autodiffc
import documents
from autodiffc.cli import main

ROOT = Path(__file__).resolve().parents[2]
TRACEBACK = "Traceback (most recent call last):\n"
SHELL = set("|&;<>()$`\\\"'*?[]#~%{}")
SESSION = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
WIDTH = "100"  # of the terminal


@contextlib.contextmanager
def workplace(folder: Path) -> Iterator[None]:
    """A folder to run documents in, with the project's examples at hand."""
    for name in ("examples", "tests", "compiler"):
        (folder / name).symlink_to(ROOT / name)
    before, columns, known = Path.cwd(), os.environ.get("COLUMNS"), set(sys.modules)
    # The tests' tables are imported by bare names, too: one of them must not stand for a document's module.
    aside = {name: sys.modules.pop(name) for name in known if _within(name, ROOT / "tests" / "tables")}
    os.chdir(folder)
    os.environ["COLUMNS"] = WIDTH
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        os.environ.pop("COLUMNS") if columns is None else os.environ.update(COLUMNS=columns)
        os.chdir(before)
        for name in set(sys.modules):  # documents may give the same name to their modules
            if _within(name, folder):
                del sys.modules[name]
        sys.modules.update(aside)


def _within(module: str, folder: Path) -> bool:
    """Whether a module was loaded from a file in a folder."""
    file = getattr(sys.modules[module], "__file__", None)
    return file is not None and Path(file).is_relative_to(folder)


class Document:
    """A document as it runs: what its blocks should have been, and what was wrong with them."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.folder = folder
        self.text = path.read_text("utf-8")
        self.names: dict[str, Any] = {}
        self.problems: list[str] = []
        self.replacements: list[tuple[int, int, str]] = []
        self._actions: dict[str, Callable[[Any], str]] = {
            "file": self._file, "part": self._part, "console": self._console, "session": self._session,
            "model": self._model, "output": self._output,
        }  # fmt: skip

    def run(self) -> None:
        for block in documents.blocks(self.text):
            before = len(self.problems)
            should_be = self._actions[block.kind](block)
            self.replacements.append((block.start, block.end, should_be))
            where = f"{self.path.name}:{block.line}: "
            self.problems[before:] = [where + problem for problem in self.problems[before:]]

    def updated(self) -> str:
        """The text with what was printed."""
        text = self.text
        for start, end, new in reversed(self.replacements):
            text = text[:start] + new + text[end:]
        return text

    def _file(self, block: documents.Block) -> str:
        target = self.folder / block.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.body, "utf-8")
        return self._same(block, f"{block.name}", target.read_text("utf-8"))

    def _part(self, block: documents.Block) -> str:
        text = (self.folder / block.name).read_text("utf-8")
        return self._same(
            block, f"a part of {block.name}", documents.definition(text, block.body.split("\n")[0])
        )

    def _same(self, block: documents.Block, what: str, actual: str) -> str:
        if actual == block.body:
            return actual
        self.problems.append(f"{what} is not what the document shows, but\n{actual}")
        return actual or block.body

    def _output(self, block: documents.Block) -> str:
        return self._same(block, f"what `{block.name}` prints", self.printed(block.name) + "\n")

    def _console(self, block: documents.Block) -> str:
        shown = []
        for command, expected in documents.commands(block.body):
            actual = self.printed(command)
            if not documents.matches(expected, actual):
                self.problems.append(f"$ {command}\nexpected:\n{expected}\nprinted:\n{actual}")
                expected = actual
            shown.append((command, expected))
        return documents.console(shown)

    def printed(self, command: str) -> str:
        """What a command prints, errors too."""
        words = command.split()
        if words[0] == "autodiffc" and not SHELL & set(command):
            return _in_this_process(words[1:])
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        environment = dict(os.environ, PATH=path, PYTHONPATH=str(self.folder))
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert TRACEBACK not in done.stderr, done.stderr
        return (done.stdout + done.stderr).rstrip("\n")

    def _session(self, block: documents.Block) -> str:
        parser = doctest.DocTestParser()
        runner = _Runner(verbose=False, optionflags=SESSION)
        test = parser.get_doctest(block.body, self.names, self.path.name, self.path.name, 0)
        runner.run(test, out=lambda text: None, clear_globs=False)
        self.names.update(test.globs)
        self.problems += [
            f"{e.source.strip()}\nexpected:\n{e.want}printed:\n{got}" for e, got in runner.wrong
        ]
        printed = {e.lineno: got for e, got in runner.wrong}
        return "".join(
            part if isinstance(part, str) else _entered(part, printed.get(part.lineno, part.want))
            for part in parser.parse(block.body)
        )

    def _model(self, block: documents.Block) -> str:
        try:
            autodiffc.compile(block.body)
        except autodiffc.ModelError as error:
            self.problems.append(str(error))
        return block.body


def _in_this_process(arguments: list[str]) -> str:
    """What the command `autodiffc` prints; a process of its own would take ten times as long."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
        main(arguments)
    return (out.getvalue() + err.getvalue()).rstrip("\n")


class _Runner(doctest.DocTestRunner):
    """Collects what did not print what it should."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.wrong: list[tuple[doctest.Example, str]] = []

    def report_failure(self, out: Any, test: doctest.DocTest, example: doctest.Example, got: str) -> None:
        if got.startswith(TRACEBACK):
            got = f"{TRACEBACK}    ...\n{got.splitlines()[-1]}\n"
        self.wrong.append((example, got))

    def report_unexpected_exception(
        self, out: Any, test: doctest.DocTest, example: doctest.Example, exc_info: Any
    ) -> None:
        self.wrong.append((example, f"{TRACEBACK}    ...\n{exc_info[0].__name__}: {exc_info[1]}\n"))


def _entered(example: doctest.Example, printed: str) -> str:
    """The example as it is typed, with what it prints."""
    first, *more = example.source.splitlines()
    return "".join([f">>> {first}\n", *(f"... {line}".rstrip() + "\n" for line in more), printed])
