"""The page of a diagnosis in a browser: it fits the window, wide or narrow, and can be read, light or dark.

Needs Chromium (or Chrome) on the PATH.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import autodiffc
import pytest
from chromium import NEEDED, opened
from ill_models import RECURRENT, SEQUENCES, XY, deep

pytestmark = NEEDED

CONTRASTS = """() => {
  const channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = rgb => rgb.map(channel).reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const parse = text => text.match(/[0-9.]+/g).map(Number);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const found = parse(getComputedStyle(e).backgroundColor);
      if (found.length < 4 || found[3] > 0) return light(found.slice(0, 3));
    }
    return 1;
  };
  const all = [...document.querySelectorAll("h1, h2, h3, p, td, th, figcaption, svg text, .soft")];
  return all.filter(e => e.textContent.trim()).map(e => {
    const style = getComputedStyle(e);
    const own = light(parse(e.closest("svg") ? style.fill : style.color).slice(0, 3));
    const [low, high] = [own, behind(e)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  });
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pages")
    models: dict[str, tuple[str, Any]] = {
        "deep": (deep("sigmoid", "xavier()", 6), XY),
        "loop": (RECURRENT.format(weights="normal(0, 1)", act="relu"), SEQUENCES),
        "quiet": (deep("tanh", "xavier()", 3), XY),
    }
    for name, (text, data) in models.items():
        (folder / f"{name}.dsl").write_text(text, "utf-8")
        page = autodiffc.diagnose(folder / f"{name}.dsl", data, sizes={"H": 16}).html()
        (folder / f"{name}.html").write_text(page, "utf-8")
    return [folder / f"{name}.html" for name in models]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with opened() as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_pages_fit_and_can_be_read(width: int, scheme: str, pages: list[Path], browser: Any) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for path in pages:
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert min(page.evaluate(CONTRASTS)) >= 4.5
        assert page.locator("svg.plot").count() > 0
        for box in page.evaluate(
            "[...document.querySelectorAll('svg.plot')].map(s => [s.viewBox.baseVal, s.getBBox()].map("
            "b => [b.x, b.y, b.x + b.width, b.y + b.height]))"
        ):
            view, drawn = box
            assert view[0] - 1 <= drawn[0] <= drawn[2] <= view[2] + 1
            assert view[1] - 1 <= drawn[1] <= drawn[3] <= view[3] + 1
    assert wrong == []
    assert requests == [path.as_uri() for path in pages]
    context.close()
