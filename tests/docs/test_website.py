"""The site is built as its users build it, without a warning; its pages show in a browser, at both widths.

One build serves all tests of this file: it takes about as long as the pages of the tutorial run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import make as website
import pytest
from running import ROOT

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHAPTERS = ("index", "chain", "classifier", "recurrent")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("dot"):
        pytest.skip("pictures need Graphviz's dot")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(ROOT / "docs" / "website" / "make.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=500)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{folder / 'index.html'}\n", "")
    return folder


def test_every_document_is_a_page(site: Path) -> None:
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    documents = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert {f"docs/{name}" for name in documents} | {f"docs/tutorial/{name}" for name in CHAPTERS} <= pages
    assert {"index", "CHANGELOG", "examples/README"} <= pages


def test_the_tutorial_has_formulas_pictures_and_reports(site: Path) -> None:
    for name in CHAPTERS[1:]:
        text = (site / "docs" / "tutorial" / f"{name}.html").read_text("utf-8")
        assert '<math display="block">' in text
        assert r"\begin{align" not in text
        for picture in re.findall(r'<img [^>]*src="([^"]+\.svg)"', text):
            assert "<text " in (site / "docs" / "tutorial" / picture).read_text("utf-8")
        reports = re.findall(r'<p class="report"><a href="([^"]+)"', text)
        assert reports
        assert all(
            "</html>" in (site / "docs" / "tutorial" / report).read_text("utf-8") for report in reports
        )


def test_models_are_coloured(site: Path) -> None:
    text = (site / "index.html").read_text("utf-8")
    assert re.search(r'class="highlight-dsl.*?<span class="kd">input</span>', text, re.S)


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ('<a href="other.html">', "page.html: other.html leads nowhere"),
        ('<a href="#there">', "page.html: #there leads nowhere"),
        ('<a href="sub/../page.html#there">', "page.html: sub/../page.html#there leads nowhere"),
        ('<img src="picture.svg">', "page.html: picture.svg leads nowhere"),
        ('<script src="https://example.org/a.js">', "page.html: loads https://example.org/a.js"),
        ('<a id="there" href="#there"><a href="https://example.org"><a href="page.html">', None),
    ],
)
def test_links_that_lead_nowhere_are_found(tmp_path: Path, page: str, problem: str | None) -> None:
    (tmp_path / "page.html").write_text(page)
    assert website.broken_links(tmp_path) == ([problem] if problem else [])


def test_an_output_that_is_not_as_shown_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo 1\n2\n```\n")
    assert website.run(page) == ["page.md:1: $ echo 1\nexpected:\n2\nprinted:\n1"]
    assert page.read_text() == "```console\n$ echo 1\n1\n```\n"


def test_reports_are_linked_under_the_command_that_makes_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- file: a.dsl -->\n```dsl\ninput x: real\noutput f = x**2\ngrad f wrt x\n```\n\n"
        "```console\n$ autodiffc explain a.dsl -o a.html\n```\n"
    )
    assert website.run(page) == []
    assert '<p class="report"><a href="a.html">Open a.html</a></p>' in page.read_text()
    assert (tmp_path / "a.html").exists()


def test_a_document_that_the_contents_do_not_name_comes_last() -> None:
    assert website.unnamed("") != ""
    everything = "\n".join(f"docs/{path.stem}" for path in (ROOT / "docs").glob("*.md"))
    assert website.unnamed(everything) == ""
    assert "docs/speed\n" in website.unnamed(everything.replace("docs/speed", ""))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic"]
        )
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("page", ["index", "docs/language", *(f"docs/tutorial/{name}" for name in CHAPTERS)])
def test_a_page_in_a_browser(site: Path, browser: Any, page: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    tab, problems = context.new_page(), []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: message.type == "error" and problems.append(message.text))
    tab.on("request", lambda r: r.url.startswith("http") and problems.append(f"asks for {r.url}"))
    tab.goto((site / f"{page}.html").as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert problems == []
    context.close()
