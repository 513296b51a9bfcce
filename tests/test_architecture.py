"""The house keeps its order: imports run one way, packages are listed, op facts and codes are complete."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from autodiffc.grammar.diagnostics import CODES

if sys.version_info >= (3, 11):
    import tomllib

ROOT = Path(__file__).resolve().parents[1]
# Each room with those that it may import from.
ROOMS = {
    "grammar": {"grammar"},
    "compiler": {"grammar", "compiler"},
    "codegen": {"grammar", "compiler", "codegen"},
    "driver": {"grammar", "compiler", "codegen", "driver"},
}


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return "driver" if parts[:2] == ("compiler", "driver") else parts[0]


def sources() -> list[Path]:
    folders = ("grammar", "compiler", "codegen")
    return sorted(p for f in folders for p in (ROOT / f).rglob("*.py"))


def imported_rooms(path: Path) -> Iterator[tuple[str, str]]:
    """The rooms that a file imports from, each with the import."""
    package = ("autodiffc", *path.relative_to(ROOT).parts[:-1])
    if package[1:3] == ("compiler", "driver"):
        package = ("autodiffc", *package[3:])
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            names = [".".join((*base, *(node.module or "").split("."))).strip(".")]
            if node.module is None:
                names = [".".join((*base, alias.name)) for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "autodiffc":
                yield (parts[1] if len(parts) > 1 and parts[1] in ROOMS else "driver"), name


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    allowed = ROOMS[room_of(path)]
    assert [name for room, name in imported_rooms(path) if room not in allowed] == []


def test_nothing_but_the_checker_imports_sympy() -> None:
    users = [
        p.name
        for p in sources()
        if re.search(r"^\s*(import|from) (sympy|mpmath)", p.read_text("utf-8"), re.M)
    ]
    eager = [
        p.name for p in sources() if re.search(r"^(import|from) (sympy|mpmath)", p.read_text("utf-8"), re.M)
    ]
    assert users

    loaded_by_compiling = {p for p in eager if p not in {"sympy_check.py", "scalars.py", "formulas.py"}}
    assert loaded_by_compiling == set()


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="reads pyproject.toml with tomllib, new in Python 3.11"
)
def test_every_package_is_listed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    folders = {str(p.parent.relative_to(ROOT)) for p in sources() if p.name == "__init__.py"}
    assert set(settings["package-dir"].values()) == folders
    assert set(settings["package-dir"]) == set(settings["packages"])


def test_every_diagnostic_code_has_a_pinned_case() -> None:
    cases = set((ROOT / "tests").rglob("bad/*.stderr"))
    shown = {code for p in cases for code in re.findall(r"error\[(E\d+)\]", p.read_text("utf-8"))}
    # E0311 comes from the command line and has its case in the tests of the command.
    assert CODES.keys() - shown <= {"E0311"}
    assert shown <= CODES.keys()


def test_the_files_speak_of_the_project_only() -> None:
    """No path of a machine, no leftover mark."""
    words = re.compile(r"(?<![\w.])/(?:work|root|home|tmp)/|\b(?:TODO|FIXME|XXX)\b")
    kinds = {".py", ".md", ".dsl", ".lark", ".json", ".toml"}
    files = [
        p
        for f in ("grammar", "compiler", "codegen", "docs", "examples", "benchmarks")
        for p in (ROOT / f).rglob("*")
    ]
    found = [str(p) for p in files if p.suffix in kinds and words.search(p.read_text("utf-8"))]
    assert found == []
