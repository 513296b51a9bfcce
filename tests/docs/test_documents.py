"""Every file, command and session that the documents show is run, and prints what they say.

`pytest tests/docs --update` writes what was printed into the documents.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiffc
import pytest
from autodiffc.cli import main
from autodiffc.grammar.diagnostics import CODES

ROOT = Path(__file__).resolve().parents[2]
TRACEBACK = "Traceback (most recent call last):\n"
SHELL = set("|&;<>()$`\\\"'*?[]#~%{}")
SESSION = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


markdown = _load("markdown")
DOCUMENTS = [p for p in markdown.documents(ROOT) if p.exists()]


class Document:
    """A document as it runs: what its blocks should have been, and what was wrong with them."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.folder = folder
        self.names: dict[str, Any] = {}
        self.problems: list[str] = []
        self.replacements: list[tuple[int, int, str]] = []
        self._actions: dict[str, Callable[[Any], str]] = {
            "file": self._file, "part": self._part, "console": self._console, "session": self._session,
            "model": self._model,
        }  # fmt: skip

    def run(self) -> None:
        text = self.path.read_text("utf-8")
        for block in markdown.blocks(text):
            before = len(self.problems)
            should_be = self._actions[block.kind](block)
            self.replacements.append((block.start, block.end, should_be))
            where = f"{self.path.name}:{block.line}: "
            self.problems[before:] = [where + problem for problem in self.problems[before:]]

    def update(self) -> None:
        text = self.path.read_text("utf-8")
        for start, end, new in reversed(self.replacements):
            text = text[:start] + new + text[end:]
        self.path.write_text(text, "utf-8")

    def _file(self, block: Any) -> str:
        target = self.folder / block.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.body, "utf-8")
        return self._same(block, f"{block.name}", target.read_text("utf-8"))

    def _part(self, block: Any) -> str:
        text = (self.folder / block.name).read_text("utf-8")
        return self._same(
            block, f"a part of {block.name}", markdown.definition(text, block.body.split("\n")[0])
        )

    def _same(self, block: Any, what: str, actual: str) -> str:
        if actual == block.body:
            return actual
        self.problems.append(f"{what} is not what the document shows, but\n{actual}")
        return actual or str(block.body)

    def _console(self, block: Any) -> str:
        shown = []
        for command, expected in markdown.commands(block.body):
            actual = self._printed(command)
            if not markdown.matches(expected, actual):
                self.problems.append(f"$ {command}\nexpected:\n{expected}\nprinted:\n{actual}")
                expected = actual
            shown.append((command, expected))
        return str(markdown.console(shown))

    def _printed(self, command: str) -> str:
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

    def _session(self, block: Any) -> str:
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

    def _model(self, block: Any) -> str:
        try:
            autodiffc.compile(block.body)
        except autodiffc.ModelError as error:
            self.problems.append(str(error))
        return str(block.body)


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


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_document(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    for name in ("examples", "tests", "compiler"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.syspath_prepend(str(tmp_path))
    document, known = Document(path, tmp_path), set(sys.modules)
    document.run()
    for name in set(sys.modules) - known:  # documents may give the same name to their modules
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    if request.config.getoption("--update"):
        document.update()
    assert not document.problems, "\n\n".join(document.problems)


def test_every_link_inside_the_documents_leads_somewhere() -> None:
    broken = []
    for path in DOCUMENTS:
        for target, anchor in re.findall(r"\]\(([^)#]*)(#[^)]*)?\)", path.read_text("utf-8")):
            if target.startswith(("http://", "https://")):
                continue
            file = path.parent / target if target else path
            if not file.exists() or (anchor and anchor[1:] not in _anchors(file)):
                broken.append(f"{path.name}: {target}{anchor}")
    assert not broken


def _anchors(path: Path) -> set[str]:
    """The anchors of a document's headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", path.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_diagnostic_is_documented_with_an_example() -> None:
    text = (ROOT / "docs" / "diagnostics.md").read_text("utf-8")
    assert re.findall(r"(?m)^## (E\d+)$", text) == sorted(CODES)
    assert [code for code in CODES if f"[{code}]: " not in text] == []
