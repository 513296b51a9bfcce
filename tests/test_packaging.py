"""What is installed: the tree's modules under the one name `autodiffc`, with the grammar and the library.

Wheel and sdist are built from a copy of the tree without the network, so this needs setuptools at hand.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("grammar", "compiler", "codegen", "tests", "examples", "docs", "editors", "benchmarks")
DATA = {".py", ".lark", ".json", ".dsl", ".typed", ".js", ".css", ".html", ".LICENSE"}


def installed_name(path: PurePosixPath) -> str:
    """`compiler/driver/cli.py` is installed as `autodiffc/cli.py`, `grammar/ast.py` as `autodiffc/grammar/ast.py`."""
    parts = path.parts
    return "/".join(("autodiffc", *(parts[2:] if parts[:2] == ("compiler", "driver") else parts)))


def files_of(folder: Path, names: tuple[str, ...]) -> set[PurePosixPath]:
    """The files of the named folders, without what Python and tools leave there."""
    return {
        PurePosixPath(path.relative_to(folder).as_posix())
        for name in names
        for path in (folder / name).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not any(p.startswith(".") for p in path.parts[-3:])
    }


def build(kind: str, tree: Path, out: Path) -> Path:
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--skip-dependency-check"]
    done = subprocess.run([*command, "--outdir", str(out), str(tree)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, so that building leaves nothing behind in the tree."""
    copy = tmp_path_factory.mktemp("tree")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("pyproject.toml", "MANIFEST.in", "LICENSE", "README.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def sdist(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked."""
    archive = build("sdist", tree, tmp_path_factory.mktemp("sdist"))
    unpacked = tmp_path_factory.mktemp("unpacked")
    shutil.unpack_archive(archive, unpacked)
    (folder,) = unpacked.iterdir()
    return folder


def test_the_sdist_holds_the_whole_tree(tree: Path, sdist: Path) -> None:
    assert files_of(tree, FOLDERS) - files_of(sdist, FOLDERS) == set()
    assert all(
        (sdist / name).is_file() for name in ("LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml")
    )


def test_a_wheel_of_the_sdist_holds_the_packages_and_nothing_else(sdist: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(build("wheel", sdist, tmp_path / "wheel")) as wheel:
        names = {n for n in wheel.namelist() if ".dist-info/" not in n}
    sources = files_of(ROOT, ("grammar", "compiler", "codegen"))
    assert names == {installed_name(p) for p in sources if p.suffix in DATA}
    assert {"autodiffc/py.typed", "autodiffc/grammar/model.json", "autodiffc/compiler/lib/nn.dsl"} <= names
