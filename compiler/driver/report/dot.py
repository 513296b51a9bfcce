"""The picture alone, in Graphviz's language: `autodiffc graph model.dsl -o graph.svg`.

    digraph "max" { … v3 [label=<<b>v1 = +</b><br/>real>]; v3 -> v5 [label=<3.0<br/>2.0>]; … }

The boxes are those of the report, opened as there or all of them; what is folded is one node.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from shutil import which

from .picture import Data

INK = {"value": "#0b5cad", "gradient": "#b3261e", "soft": "#555d68", "taken": "#1a7f37"}
FONT = 'fontname="DejaVu Sans,Helvetica,Arial,sans-serif"'
PATIENCE = 120  # seconds for a layout
Numbers = Mapping[str, str]


class NoGraphviz(Exception):
    """The picture can't be laid out; the message says why, and a way out."""


def dot_of(data: Data, name: str, unfolded: bool = False) -> str:
    """The text for Graphviz."""
    return "\n".join(_Dot(data, unfolded).lines(name)) + "\n"


def laid_out(text: str, form: str) -> bytes:
    """The picture as svg or png, by the program `dot`; NoGraphviz where that isn't there or gives up."""
    program = which("dot")
    if program is None:
        raise NoGraphviz(
            "the program `dot` is not there: install Graphviz (apt install graphviz, brew install graphviz), "
            "or write the picture in its language with -o graph.dot"
        )
    try:
        done = subprocess.run(
            [program, f"-T{form}"], input=text.encode(), capture_output=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise NoGraphviz(f"`dot` found no layout within {PATIENCE} s; leave out --unfold") from None
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise NoGraphviz(f"`dot` failed: {message}")
    return done.stdout


class _Dot:
    def __init__(self, data: Data, unfolded: bool):
        self.data = data
        self.boxes: Sequence[Data] = data["boxes"]
        self.values: Mapping[int, Data] = {v["number"]: v for v in data["values"]}
        self.open = [unfolded or box["open"] for box in self.boxes]
        self.inside: dict[int, list[str]] = {}  # what is drawn in each box
        self.drawn: set[str] = set()

    def lines(self, name: str) -> Iterator[str]:
        yield f"digraph {_quoted(name)} {{"
        yield f'  graph [{FONT}, fontsize=10, color="#c9ced6", style=rounded, nodesep=0.25, ranksep=0.4];'
        yield f'  node [{FONT}, fontsize=11, shape=box, style=rounded, color="#555d68", margin="0.1,0.05"];'
        yield f'  edge [{FONT}, fontsize=9, color="#555d68", arrowsize=0.7];'
        for box in range(len(self.boxes)):
            self.inside.setdefault(box, [])
        for value in self.values.values():
            self._enter(self._shown(value["number"]))
        yield from self._cluster(0)
        yield from self._edges()
        yield "}"

    # --- what is shown ---

    def _chain(self, box: int) -> list[int]:
        found = []
        while box >= 0:
            found.append(box)
            box = self.boxes[box]["parent"]
        return found[::-1]

    def _shown(self, number: int) -> str:
        closed = [box for box in self._chain(self.values[number]["box"]) if not self.open[box]]
        return f"b{closed[0]}" if closed else f"v{number}"

    def _enter(self, shown: str) -> None:
        if shown in self.drawn:
            return
        self.drawn.add(shown)
        number = int(shown[1:])
        parent = self.values[number]["box"] if shown[0] == "v" else self.boxes[number]["parent"]
        self.inside[parent].append(shown)

    def _at(self, value: Data) -> Data:
        """The numbers at the last step that is told."""
        told = [entry for key, entry in value["at"].items() if not key.startswith("row")]
        return told[-1] if told else {}

    # --- as text ---

    def _cluster(self, root: int) -> Iterator[str]:
        """The boxes that are open, each with what is in it. Boxes nest as the model's text does."""
        indent = "  " * (len(self._chain(root)))
        for shown in self.inside[root]:
            yield f"{indent}{shown} [{self._node(shown)}];"
        for number, box in enumerate(self.boxes):
            if box["parent"] == root and self.open[number] and self._is_used(number):
                yield f"{indent}subgraph cluster_{number} {{"
                yield f"{indent}  label={_quoted(_clipped(box['label']))}; labeljust=l;"
                yield from self._cluster(number)
                yield f"{indent}}}"

    def _is_used(self, number: int) -> bool:
        return bool(self.inside[number]) or any(
            box["parent"] == number and self._is_used(k) for k, box in enumerate(self.boxes) if k > number
        )

    def _node(self, shown: str) -> str:
        number = int(shown[1:])
        if shown[0] == "b":
            box = self.boxes[number]
            text = f"{_bold(_clipped(box['label']))}<br/>{_soft(box['kind'])}"
            return f'label=<{text}>, style="rounded,filled", fillcolor="#eef2f7", penwidth=2'
        value = self.values[number]
        if value["kind"] == "constant":
            return f'label=<{escape(value["op"])}>, style="rounded,filled", fillcolor="#f1f1f1"'
        own = value["kind"] == "argument"
        title = value["name"] if own else f"{value['name']} = {value['op']}"
        rows = [_bold(title), _soft(value["type"]), *self._own_numbers(value)]
        wrt = own and value["name"] in self.data["wrt"]
        fill = ', style="rounded,filled", fillcolor="#fdf3e1"' if wrt else ""
        return f"label=<{'<br/>'.join(rows)}>{fill}"

    def _own_numbers(self, value: Data) -> Iterator[str]:
        """The value of an output, the gradient of an argument."""
        entry = self._at(value)
        if entry and value["number"] in self.data["outputs"].values():
            yield _inked("value", entry["value"])
        if value["kind"] == "argument" and "gradient" in entry:
            yield _inked("gradient", entry["gradient"])

    def _edges(self) -> Iterator[str]:
        found: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        for value in self.values.values():
            for position, operand in enumerate(value["operands"]):
                if operand >= 0:
                    ends = self._shown(operand), self._shown(value["number"])
                    found.setdefault(ends, []).append((operand, value["number"], position))
        for (start, end), uses in found.items():
            if start != end:
                yield f"  {start} -> {end}{self._label(uses)};"

    def _label(self, uses: Sequence[tuple[int, int, int]]) -> str:
        operands = {operand for operand, _, _ in uses}
        if len(operands) > 1:
            return f' [label="{len(operands)} values"]'
        operand, user, position = uses[0]
        entry, told = self._at(self.values[operand]), self._at(self.values[user])
        rows = [_inked("value", entry["value"])] if entry else []
        hands = told.get("hands", [])
        product = hands[position].get("product") if len(uses) == 1 and position < len(hands) else None
        rows += [_inked("gradient", product)] if product else []
        taken = told["taken"][position] if "taken" in told else None
        style = {True: f', color="{INK["taken"]}", penwidth=2.5', False: ", style=dashed", None: ""}[taken]
        label = f"label=<{'<br/>'.join(rows)}>" if rows else ""
        return f" [{(label + style).removeprefix(', ')}]" if label or style else ""


def _bold(text: str) -> str:
    return f"<b>{escape(text)}</b>"


def _soft(text: str) -> str:
    return f'<font color="{INK["soft"]}" point-size="9">{escape(text)}</font>'


def _inked(what: str, text: str) -> str:
    return f'<font color="{INK[what]}">{escape(text)}</font>'


def _clipped(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
