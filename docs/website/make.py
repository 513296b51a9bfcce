"""Builds the site of the documents.

    $ pip install '.[docs]'
    $ python docs/website/make.py site

The pages are the README, the documents and the tutorial. The tutorial is run while the site is built: its
outputs are those that were printed, its pictures and reports those that were made. A warning of Sphinx, an
output that is not as the page says, a link that leads nowhere: the status is 1.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from running import ROOT, Document, workplace
from sphinx.cmd.build import main as sphinx

HERE = Path(__file__).parent
SKIPPED = shutil.ignore_patterns("__pycache__", "website", "*.pyc")
FORMULAS = re.compile(
    r"<!-- output of: autodiffc derive (\S+) --format latex.*? -->\n```math\n.*?^```$", re.M | re.S
)
REPORT = re.compile(r"^\$ autodiffc (?:explain|diagnose) .*-o (\S+\.html)\b", re.M)
CONSOLE = re.compile(r"^```console\n.*?^```$", re.M | re.S)
MADE = {".svg", ".png", ".html"}


def build(target: Path) -> int:
    """Build the site into the folder; 0 where nothing was wrong."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder).resolve() / "source"
        problems = gathered(source)
        kept = str(Path(folder) / "doctrees")
        status = sphinx(["-q", "-W", "--keep-going", "-d", kept, "-b", "html", str(source), str(target)])
        for report in source.rglob("*.html"):
            shutil.copy(report, target / report.relative_to(source))
    problems += broken_links(target)
    print(target / "index.html")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if status or problems else 0


def gathered(source: Path) -> list[str]:
    """Lay the project's pages out as Sphinx wants them, in their places; what was not as a page says."""
    shutil.copytree(ROOT / "docs", source / "docs", ignore=SKIPPED)
    shutil.copytree(ROOT / "examples", source / "examples", ignore=SKIPPED)
    shutil.copy(ROOT / "CHANGELOG.md", source)
    (source / "_static").mkdir()
    shutil.copy(HERE / "site.css", source / "_static")
    shutil.copy(HERE / "conf.py", source)
    readme, contents = (ROOT / "README.md").read_text("utf-8"), (HERE / "contents.md").read_text("utf-8")
    (source / "index.md").write_text("\n".join([readme, contents, unnamed(contents)]), "utf-8")
    problems = []
    for page in sorted((source / "docs" / "tutorial").glob("*.md")):
        problems += run(page)
    for page in source.rglob("*.md"):
        page.write_text(page.read_text("utf-8").replace("../README.md", "../index.md"), "utf-8")
    return problems


def unnamed(contents: str) -> str:
    """The contents' last part: pages that the others don't name."""
    pages = [f"docs/{page.stem}" for page in sorted((ROOT / "docs").glob("*.md"))]
    rest = [page for page in pages if page not in contents.splitlines()]
    return "\n".join(["```{toctree}", ":hidden:", ":caption: More", "", *rest, "```"]) if rest else ""


def run(page: Path) -> list[str]:
    """Run a page, and put what it made beside it; what was not as it says."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        with workplace(folder):
            document = Document(page, folder)
            document.run()
            text = FORMULAS.sub(lambda found: formulas(document, found[1]), document.updated())
        for made in folder.iterdir():
            if made.suffix in MADE:
                shutil.copy(made, page.parent)
    page.write_text(CONSOLE.sub(with_reports, text), "utf-8")
    return document.problems


def formulas(document: Document, model: str) -> str:
    """The derivatives of a model in MathML, as a block of the page."""
    printed = document.printed(f"autodiffc derive {model} --format mathml")
    math = printed.split("<h3>Its derivatives</h3>")[1].split("<h3>")[0].strip()
    return raw(f'<div class="formulas">\n{math}\n</div>')


def with_reports(console: re.Match[str]) -> str:
    """The block, and links to the pages that its commands have made."""
    names = REPORT.findall(console[0])
    links = "\n".join(f'<p class="report"><a href="{name}">Open {name}</a></p>' for name in names)
    return f"{console[0]}\n\n{raw(links)}" if names else console[0]


def raw(html: str) -> str:
    return f"```{{raw}} html\n{html}\n```"


class Targets(HTMLParser):
    """What a page links to and loads, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            elif name == "href" and value and tag == "a":
                self.links.append(value)
            elif name in ("src", "href") and value and tag != "a":
                self.loaded.append(value)


def broken_links(site: Path) -> list[str]:
    """Links of the site that lead nowhere, and what pages would load from elsewhere."""
    pages = {page: Targets(page.read_text("utf-8")) for page in site.rglob("*.html")}
    problems = []
    for page, targets in pages.items():
        for link in targets.links + targets.loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in targets.loaded and parts.scheme != "data":
                    problems.append(f"{page.relative_to(site)}: loads {link}")
                continue
            file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            place = unquote(parts.fragment)
            if not file.exists() or (place and file in pages and place not in pages[file].places):
                problems.append(f"{page.relative_to(site)}: {link} leads nowhere")
    return problems


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the site of the documents.")
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build" / "site")
    return build(parser.parse_args(arguments).folder.resolve())


if __name__ == "__main__":
    sys.exit(main())
