"""The report for a terminal, the page and the JSON say the same."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.diagnosis import Diagnosis
from autodiffc.diagnosis.plots import bar, chart, decades, log_bars, spark, trend
from autodiffc.diagnosis.words import number, percent
from ill_models import GATED, ILL, SEQUENCES, XY, deep, layer

VOID = {"meta", "link", "br", "img"}


@pytest.fixture(params=[case.name for case in ILL] + ["deep", "gates"])
def diagnosis(request: pytest.FixtureRequest, tmp_path: Path) -> Diagnosis:
    texts: dict[str, tuple[str, Any]] = {case.name: (case.text, case.data) for case in ILL}
    texts |= {"deep": (deep("tanh", "xavier()"), XY), "gates": (GATED.format(bias="2"), SEQUENCES)}
    text, data = texts[request.param]
    (tmp_path / "model.dsl").write_text(text, "utf-8")
    sizes = {"H": 16} if "H" in text else {}
    return autodiffc.diagnose(tmp_path / "model.dsl", data, sizes=sizes)


class _Page(HTMLParser):
    """Checks that what is opened is closed; collects text and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_is_whole_and_needs_nothing_else(diagnosis: Diagnosis) -> None:
    page = _Page(diagnosis.html())
    text = " ".join("".join(page.words).split())
    for finding in diagnosis.findings:
        assert finding.sentence.replace("`", "") in text
        assert finding.helps.replace("`", "") in text
    names = [name for name, _ in page.attributes]
    assert not {"src", "href", "onclick"} & set(names)
    assert names.count("role") == names.count("aria-label") > 0 or not diagnosis.seen.layers
    assert "NaN" not in "".join(value or "" for _, value in page.attributes)


def test_the_text_fits_a_terminal(diagnosis: Diagnosis) -> None:
    lines = str(diagnosis).splitlines()
    assert max(map(len, lines)) <= 110
    assert not any(line != line.rstrip() for line in lines)


def test_the_json_has_the_findings_and_the_numbers(diagnosis: Diagnosis) -> None:
    text = diagnosis.json()
    assert not re.search(r"\b(NaN|-?Infinity)\b", re.sub(r'"[^"]*"', "", text))
    found = json.loads(text)
    assert [f["kind"] for f in found["findings"]] == [f.kind for f in diagnosis.findings]
    assert [f["line"] for f in found["findings"]] == [f.line for f in diagnosis.findings]
    assert len(found["layers"]) == len(diagnosis.seen.layers)
    assert len(found["params"]) == len(diagnosis.seen.params)
    for entry, layer_ in zip(found["layers"], diagnosis.seen.layers):
        assert sum(entry["histogram"]["counts"]) == sum(int(np.isfinite(v).sum()) for v in layer_.values)


def test_reports_of_many_layers_stay_short(tmp_path: Path) -> None:
    (tmp_path / "model.dsl").write_text(deep("tanh", "normal(0, 2)", 60), "utf-8")
    diagnosis = autodiffc.diagnose(tmp_path / "model.dsl", XY, sizes={"H": 16})
    assert len(diagnosis.findings) > 50
    lines = str(diagnosis).splitlines()
    assert len(lines) < 140
    assert any("more place" in line for line in lines)
    assert "… and 30 more" in str(diagnosis)
    assert "x @ W1" in lines[-30]
    assert "h60 @ v" in lines[-1]
    assert "more place" in diagnosis.html()
    assert len(json.loads(diagnosis.json())["findings"]) == len(diagnosis.findings)


def test_a_notebook_shows_the_page_in_a_frame(tmp_path: Path) -> None:
    (tmp_path / "model.dsl").write_text(layer(), "utf-8")
    diagnosis = autodiffc.diagnose(tmp_path / "model.dsl", XY, sizes={"H": 4})
    attributes = dict(_Page(diagnosis._repr_html_()).attributes)
    assert attributes["srcdoc"] == diagnosis.html()


def test_what_the_model_writes_cannot_break_the_page(tmp_path: Path) -> None:
    path = tmp_path / "model.dsl"
    path.write_text(layer(out="tanh(where(h < 0.5, 9 * h, h)) @ v"), "utf-8")
    page = _Page(autodiffc.diagnose(path, XY, sizes={"H": 4}).html())
    assert any("where(h < 0.5" in word for word in page.words)


def test_plots_of_characters() -> None:
    assert spark([]) == ""
    assert spark([0, 0]) == "  "
    assert spark([1, 0, 8]) == "▁▁█"
    assert trend([1.0, 100.0, 10.0, np.nan, 0.0], logarithmic=True) == "▁█▄  "
    assert trend([2.0, 2.0]) == "▄▄"
    assert [bar(share, 2) for share in (-1, 0, 0.5, 1, 9)] == ["", "", "█", "██", "██"]
    assert decades([]) == (-1.0, 0.0)
    assert decades([0.0, 1e-300, 1.0, np.inf]) == (-300.0, 0.0)
    assert decades([5.0]) == (0.0, 1.0)
    assert log_bars([0.0, 1e-9, 1.0], 8) == ["", "█▋", "████████"]
    rows = list(chart([0.0, 1e-3, 1.0, np.inf], height=3, width=4))
    assert [row[:6].strip() for row in rows] == ["1 │", "│", "1e-3 │"]
    assert len(next(chart(np.geomspace(1, 9, 500).tolist(), width=50))) < 60


def test_numbers_in_words() -> None:
    assert [number(v) for v in (0.0, 1.5, 12345.0, 1e-10, np.nan)] == ["0", "1.5", "1.23e4", "1e-10", "nan"]
    assert [percent(v) for v in (0, 0.001, 0.5, 0.999, 1)] == [
        "0%",
        "less than 1%",
        "50%",
        "more than 99%",
        "100%",
    ]
