"""The plain picture of a graph: every value and every arrow once, nothing upon anything else."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from autodiffc.api import program_of
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source
from autodiffc.report.page import explained_picture
from autodiffc.sketch import sketch

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("max", "classifier", "char_lstm", "gaussian_process", "few_shot", "adbench/hand", "nist/Hahn1")


def drawn(source: Source) -> tuple[dict[str, Any], ElementTree.Element]:
    program = program_of(source)
    picture, _ = explained_picture(program, None)
    data = picture.data() | {"wrt": list(program.wrt)}
    return data, ElementTree.fromstring(sketch(data))


def boxes(picture: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """Left, top, right, bottom."""
    found = []
    for rect in picture.iter(f"{SVG}rect"):
        x, y, width, height = (float(rect.get(name, "nan")) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


def test_a_small_graph() -> None:
    data, picture = drawn(read_source(ROOT / "examples" / "max.dsl"))
    assert len(boxes(picture)) == len(data["values"]) == 6
    assert sum(path.get("marker-end") is not None for path in picture.iter(f"{SVG}path")) == 6
    words = [text.text for text in picture.iter(f"{SVG}text")]
    assert words.count("y") == 1
    assert "b = max" in words


@pytest.mark.parametrize("name", NAMES)
def test_boxes_lie_apart_and_inside(name: str) -> None:
    _, picture = drawn(read_source(ROOT / "examples" / f"{name}.dsl"))
    found = boxes(picture)
    width, height = float(picture.get("width", "nan")), float(picture.get("height", "nan"))
    assert all(a >= 0 and b >= 0 and c <= width and d <= height for a, b, c, d in found)
    for one, other in combinations(found, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


@pytest.mark.parametrize("name", NAMES)
def test_arrows_lead_down_and_reach_every_box_that_is_made_of_another(name: str) -> None:
    data, picture = drawn(read_source(ROOT / "examples" / f"{name}.dsl"))
    ends = set()
    for path in picture.iter(f"{SVG}path"):
        numbers = [float(x) for x in re.findall(r"-?\d+\.\d+", path.get("d", ""))]
        if numbers:
            assert numbers[1] < numbers[-1]
        if path.get("marker-end"):
            ends.add((numbers[-2], numbers[-1]))
    reached = [
        any(left < x < right and abs(y - top) < 0.2 for x, y in ends)
        for left, top, right, _ in boxes(picture)
    ]
    free = sum(not value["operands"] for value in data["values"])
    assert sum(not hit for hit in reached) <= free + len(data["boxes"])
    assert sum(reached) >= 1


def test_a_long_chain_is_drawn_without_recursion() -> None:
    lines = ["input x: real", "a0 = x", *(f"a{k + 1} = sin(a{k})" for k in range(3000)), "output f = a3000"]
    _, picture = drawn(Source("long.dsl", "\n".join(lines) + "\n"))
    assert boxes(picture)
