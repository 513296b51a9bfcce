"""Every file, command and session that the documents show is run, and prints what they say."""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


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


def _run(command: str, folder: Path) -> str:
    bin_folder = str(Path(sys.executable).parent)
    environment = dict(os.environ, PATH=bin_folder + os.pathsep + os.environ["PATH"], PYTHONPATH=str(folder), COLUMNS="100")
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    return (done.stdout + done.stderr).rstrip("\n")


def _session(body: str, names: dict[str, object], where: str) -> str | None:
    """Run a `>>>` block; what differed, or None."""
    test = doctest.DocTestParser().get_doctest(body, names, where, where, 0)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report: list[str] = []
    runner.run(test, out=report.append, clear_globs=False)
    names.update(test.globs)
    return "".join(report) or None


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_document(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    text = path.read_text("utf-8")
    update = request.config.getoption("--update", False)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    names: dict[str, object] = {}
    problems: list[str] = []
    replacements: list[tuple[int, int, str]] = []
    for block in markdown.blocks(text):
        where = f"{path.name}:{block.line}"
        if block.file is not None:
            target = tmp_path / block.file
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(block.body, "utf-8")
            elif target.read_text("utf-8") != block.body:
                problems.append(f"{where}: {block.file} is not what the document shows")
                replacements.append((block.start, block.end, target.read_text("utf-8")))
        elif block.language == "console":
            shown = []
            for command, expected in markdown.commands(block.body):
                actual = _run(command, tmp_path)
                if not markdown.matches(expected, actual):
                    problems.append(f"{where}: $ {command}\nexpected:\n{expected}\nprinted:\n{actual}")
                    expected = actual
                shown.append("$ " + command.replace("\n", "\n> ") + "\n" + (expected + "\n" if expected else ""))
            replacements.append((block.start, block.end, "".join(shown)))
        elif block.language == "python" and ">>>" in block.body:
            report = _session(block.body, names, where)
            if report:
                problems.append(report)
    if update and replacements:
        for start, end, new in reversed(replacements):
            text = text[:start] + new + text[end:]
        path.write_text(text, "utf-8")
    assert not problems, "\n\n".join(problems)


def test_every_link_inside_the_documents_leads_somewhere() -> None:
    broken = []
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            if not target.startswith(("http://", "https://")) and not (path.parent / target).exists():
                broken.append(f"{path.name}: {target}")
    assert not broken
