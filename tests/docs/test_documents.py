"""Every file, command and session that the documents show is run, and prints what they say.

`pytest tests/docs --update` writes what was printed into the documents.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import documents
import pytest
from autodiffc.compiler.lint import LINTS
from autodiffc.grammar.diagnostics import CODES
from running import ROOT, Document, workplace

DOCUMENTS = [p for p in documents.documents(ROOT) if p.exists()]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_document(path: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    pictures = re.findall(r"(?m)^\$ autodiffc graph .*-o (\S+\.svg)$", path.read_text("utf-8"))
    if pictures and not shutil.which("dot"):
        pytest.skip("pictures need Graphviz's dot")
    with workplace(tmp_path):
        document = Document(path, tmp_path)
        document.run()
    for name in pictures:
        made, kept = tmp_path / name, path.parent / name
        if request.config.getoption("--update"):
            shutil.copy(made, kept)
        if _words(kept) != _words(made):
            document.problems.append(f"{name} is not what the command draws")
    if request.config.getoption("--update"):
        path.write_text(document.updated(), "utf-8")
    assert not document.problems, "\n\n".join(document.problems)


def _words(picture: Path) -> list[str]:
    """What is written in a picture, wherever it stands: that depends on Graphviz's version."""
    return sorted(re.findall(r"<text [^>]*>(.*?)</text>", picture.read_text("utf-8")))


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
    assert re.findall(r"(?m)^## (W\d+)$", text) == [lint.code for lint in LINTS]
    assert [code for code in (*CODES, *(lint.code for lint in LINTS)) if f"[{code}]: " not in text] == []
    rows = [f"| [{lint.code}](#{lint.code.lower()}) | `{lint.name}` | {lint.title} |" for lint in LINTS]
    assert [row for row in rows if row not in text] == []
