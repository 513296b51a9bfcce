"""The report in a browser: it loads without an error, and what a reader does with it works.

Needs Chromium (or Chrome) on the PATH.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from autodiffc.cli import main
from chromium import NEEDED, opened

pytestmark = NEEDED
EXAMPLES = Path(__file__).parents[3] / "examples"
MAX = "input x, y, z: real\noutput f = (x + y) * maximum(y, z)\ngrad f wrt x, y, z\n"
LAYERS = 80


def deep() -> str:
    """A model of more than 1,000 values."""
    lines = ["dim N", "dim D = 3", "input x: real[N, D]"]
    lines += [f"param W{k}: real[D, D]\nparam b{k}: real[D]" for k in range(LAYERS)]
    lines += ["def dense(x, W, b):", "    return tanh(x @ W + b)", "h0 = dense(x, W0, b0)"]
    for k in range(1, LAYERS):
        lines.append(f"g{k} = sigmoid(h{k - 1} @ W{k} + b{k})")
        lines.append(f"h{k} = h{k - 1} + 0.1 * g{k} * maximum(dense(h{k - 1}, W{k}, b{k}), 0.1 * h{k - 1})")
    return "\n".join([*lines, f"loss L = mean(h{LAYERS - 1}**2)"]) + "\n"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    (folder / "max.dsl").write_text(MAX, "utf-8")
    (folder / "max.json").write_text('{"x": 1, "y": 2, "z": 0}', "utf-8")
    (folder / "deep.dsl").write_text(deep(), "utf-8")
    shutil.copy(EXAMPLES / "classifier.dsl", folder)
    shutil.copy(EXAMPLES / "char_rnn.dsl", folder)
    shutil.copy(EXAMPLES / "adaptive.dsl", folder)
    for name, more in {
        "max": ["--at", str(folder / "max.json")],
        "classifier": [],
        "char_rnn": ["--sizes", "T=3"],
        "adaptive": ["--sizes", "T=5"],
        "deep": [],
    }.items():
        command = ["explain", str(folder / f"{name}.dsl"), "-o", str(folder / f"{name}.html"), *more]
        assert main(command) == 0
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with opened() as found:
        yield found


class Reader:
    """A page, the errors that it gave, the requests that it made."""

    def __init__(self, browser: Any, path: Path, width: int = 1280, scheme: str = "light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda m: m.type in ("error", "warning") and self.errors.append(m.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html.ready")

    def count(self, selector: str) -> int:
        return int(self.page.locator(selector).count())

    def details(self) -> str:
        return str(self.page.inner_text("#details"))

    def value(self, name: str) -> Any:
        """The box of a value, by its name or title."""
        return self.page.locator("g.node", has=self.page.locator(f'text.title >> text="{name}"')).first

    def close(self) -> None:
        assert self.errors == []
        assert [url for url in self.requests if not url.startswith(("file:", "data:"))] == []
        self.page.context.close()


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        *product(["classifier", "adaptive"], [400, 1280], ["light", "dark"]),
        *zip(["max", "char_rnn", "deep"], [400, 1280, 400], ["dark", "light", "light"]),
    ],
)
def test_loads_without_errors_and_fits(
    name: str, width: int, scheme: str, reports: Path, browser: Any
) -> None:
    reader = Reader(browser, reports / f"{name}.html", width, scheme)
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= width
    assert 0 < reader.count("g.node") <= 45
    assert reader.count("math") > 0
    back, text = reader.page.evaluate(
        "(() => { const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]; })()"
    )
    assert (back == "rgb(255, 255, 255)") == (scheme == "light")
    assert back != text
    reader.close()


def test_the_lecture_of_a_maximum(reports: Path, browser: Any) -> None:
    """f = (x + y) max(y, z) at 1, 2, 0: f = 6; its gradients are 2, 5 and 0; y is a fork, 2 + 3."""
    reader = Reader(browser, reports / "max.html")
    reader.value("y").click()
    told = reader.details()
    assert "A fork" in told
    assert [line.split("\t")[-1] for line in told.split("\n") if line.startswith("their sum")] == ["5"]
    assert "a = +" in told
    assert "b = max" in told
    reader.value("f = ×").click()
    told = reader.details()
    assert "1 × 2 = 2" in told
    assert "1 × 3 = 3" in told
    reader.value("b = max").click()
    assert "3 × 1 = 3" in reader.details()
    assert "not taken" in reader.details()
    assert reader.count("g.edge.taken") == 1
    assert reader.count("g.edge.idle") == 1
    reader.close()


def test_boxes_open_and_close(reports: Path, browser: Any) -> None:
    reader = Reader(browser, reports / "classifier.html")
    reader.page.click("#fold")
    folded = reader.count("g.node")
    assert reader.count("g.cluster") == 0
    reader.page.locator("g.node.box").first.click()
    assert reader.count("g.node") > folded
    reader.page.locator("g.cluster .head").first.click()
    assert reader.count("g.node") == folded
    reader.page.click("#unfold")
    assert reader.count("g.node.box") == 0
    assert reader.count("g.node") == 30
    reader.page.click("#turn")
    assert reader.page.get_attribute("#turn", "aria-pressed") == "true"
    reader.page.uncheck("#numbers")
    assert reader.count("g.edge text") == 0
    reader.page.click("#reset")
    reader.close()


def test_hovering_tells_and_clicking_keeps(reports: Path, browser: Any) -> None:
    reader = Reader(browser, reports / "classifier.html")
    reader.value("h = relu").click()
    assert reader.details().startswith("h = relu")
    reader.value("b = +").hover()
    assert reader.details().startswith("b = +")
    reader.page.hover("h1")
    assert reader.details().startswith("h = relu")
    assert reader.count("g.node.selected") == 1
    assert reader.count("#details math") == 1
    told = reader.details()
    assert "19 h = relu(linear(x, W1, b1))" in told
    assert "In the module: value_and_grad" in told
    assert "h = np.maximum(" in told
    assert "d_h = " in told
    reader.close()


def test_keys_are_enough(reports: Path, browser: Any) -> None:
    reader = Reader(browser, reports / "classifier.html")
    assert reader.count('#stage g[tabindex="0"]') == 1
    reader.page.locator('#stage g[tabindex="0"]').focus()
    first = reader.page.evaluate("document.activeElement.dataset.id")
    reader.page.keyboard.press("ArrowUp")
    second = reader.page.evaluate("document.activeElement.dataset.id")
    assert second != first
    reader.page.keyboard.press("Enter")
    assert reader.count("g.node.selected") <= 1
    reader.page.click("#fold")
    reader.page.locator("g.node.box").first.focus()
    before = reader.count("g.node")
    reader.page.keyboard.press("Enter")
    assert reader.count("g.node") > before
    assert reader.page.evaluate("document.activeElement.dataset.id")[0] == "c"
    reader.page.keyboard.press("Enter")
    assert reader.count("g.node") == before
    unnamed = reader.page.evaluate(
        "[...document.querySelectorAll('button, input, [role=button], aside, [role=region]')]"
        ".filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).length"
    )
    assert unnamed == 0
    reader.close()


def test_a_loop_is_seen_step_by_step(reports: Path, browser: Any) -> None:
    reader = Reader(browser, reports / "char_rnn.html")
    slider = reader.page.locator("#loops input")
    assert slider.count() == 1
    assert slider.get_attribute("max") == "2"
    reader.page.click("#unfold")
    told = []
    for step in range(3):
        slider.fill(str(step))
        reader.page.locator("g.node.carried").first.click()
        told.append(reader.details())
        assert f"t = {step}" in reader.page.inner_text("#loops")
        reader.page.keyboard.press("Escape")
    assert len(set(told)) == 3
    reader.close()


def test_a_branch_that_was_not_taken_is_dim(reports: Path, browser: Any) -> None:
    reader = Reader(browser, reports / "adaptive.html")
    reader.page.click("#unfold")
    assert reader.count("g.node.idle") > 0
    assert reader.count("g.cluster.side.idle") > 0
    reader.page.locator("g.node.idle").first.click()
    assert "Not computed here" in reader.details() or "No gradient comes here" in reader.details()
    reader.close()


def test_source_and_module_are_linked_both_ways(reports: Path, browser: Any) -> None:
    reader = Reader(browser, reports / "classifier.html")
    reader.page.click("#s19")
    lit = reader.page.evaluate("[...document.querySelectorAll('.code .lit')].map((e) => e.id)")
    assert "s19" in lit
    made = [line for line in lit if line.startswith("m")]
    assert made
    reader.page.click(f"#{made[0]}")
    back = reader.page.evaluate("[...document.querySelectorAll('.code .lit')].map((e) => e.id)")
    assert "s19" in back
    reader.page.focus(f"#{made[0]}")
    reader.page.keyboard.press("ArrowLeft")
    assert reader.page.evaluate("document.activeElement.id")[0] == "s"
    reader.close()


def test_a_thousand_values_can_be_looked_through(reports: Path, browser: Any) -> None:
    reader = Reader(browser, reports / "deep.html")
    assert reader.count("g.node") <= 40
    reader.page.fill("#search", "h40")
    reader.page.press("#search", "Enter")
    reader.page.wait_for_selector("g.node.selected")
    assert reader.details().startswith("h40 = +")
    reader.page.click("#unfold")
    reader.page.locator("g.node").nth(1000).wait_for(state="attached", timeout=60_000)
    assert reader.count("g.node.box") == 0
    crossing = reader.page.evaluate(
        """(() => {
          const boxes = [...document.querySelectorAll('g.node rect')].map((r) => r.getBBox());
          boxes.sort((a, b) => a.y - b.y);
          let found = 0;
          for (let i = 0; i < boxes.length; i++)
            for (let j = i + 1; j < boxes.length && boxes[j].y < boxes[i].y + boxes[i].height; j++)
              if (boxes[j].x < boxes[i].x + boxes[i].width && boxes[i].x < boxes[j].x + boxes[j].width) found++;
          return found;
        })()"""
    )
    assert crossing == 0
    reader.page.click("#fold")
    assert reader.count("g.node") <= 40
    reader.close()


def test_printed_on_paper(reports: Path, browser: Any) -> None:
    reader = Reader(browser, reports / "classifier.html", scheme="dark")
    reader.page.emulate_media(media="print")
    assert not reader.page.is_visible(".tools")
    assert reader.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert reader.page.evaluate(
        "document.querySelector('#details').scrollHeight <= document.querySelector('#details').clientHeight + 2"
    )
    reader.close()
