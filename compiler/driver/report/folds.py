"""Which values of a scene are drawn as one box, until a reader opens it.

    section ▸ line 20: logits = linear(h, W2, b2) ▸ call linear(h, W2, b2) ▸ values
            ▸ loop, line 15 ▸ line 16 ▸ values

A line, a call, a loop, a side of a branch is a box if there is more than one thing in it; where a box holds
many, neighbours make sections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from math import ceil

from autodiffc.codegen.sourcelines import LogicalLines
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Node, Origin
from autodiffc.grammar.source import Source, Span

from .scene import Path, Scene, Value

CROWDED = 24  # boxes in a box
OUTSIDE = ("last", "stack", "count", "choice")  # what a loop or a branch leaves
Key = tuple[object, ...]


@dataclass(eq=False)
class Fold:
    """A box. `members` are values and further boxes, in order; `loop` is the loop that it shows."""

    kind: str
    label: str
    line: int
    key: Key
    loop: tuple[Path, Node] | None = None
    members: list[int | Fold] = field(default_factory=list)


class Lines:
    """Where values stand: the first line of a statement, in the model or in a file that it imports."""

    def __init__(self, source: Source):
        self.source = source
        self._known: dict[int, LogicalLines] = {}

    def of(self, span: Span) -> LogicalLines:
        return self._known.setdefault(id(span.source), LogicalLines(span.source))

    def start(self, span: Span) -> int:
        return self.of(span).start(span.line)

    def text(self, span: Span) -> str:
        return self.of(span).text(self.start(span))


def folded(scene: Scene, shown: Set[int], lines: Lines) -> Fold:
    """The outermost box, with all values that are shown."""
    root = Fold("model", "", 0, ())
    known: dict[Key, Fold] = {(): root}
    for value in scene.values:
        if value.number in shown:
            _box(value, known, lines).members.append(value.number)
    placed = {v.number: lines.start(v.origins[0].span) for v in scene.values if v.origins}
    users = {n: [u for u, _ in found if u in shown] for n, found in scene.users().items()}
    if len(root.members) > CROWDED:
        _near_users(scene, root, users)
    order = {v.number: v.number for v in scene.values}
    order |= {v.number: min(users[v.number], default=0) for v in scene.values if v.kind == "argument"}
    _pruned(root, placed, order)
    return root


def _near_users(scene: Scene, root: Fold, users: Mapping[int, Sequence[int]]) -> None:
    """Arguments that one box alone needs, in that box."""
    top: dict[int, Fold] = {}
    for box in (member for member in root.members if isinstance(member, Fold)):
        numbers = [number for fold in _all(box) for number in fold.members if isinstance(number, int)]
        top.update(dict.fromkeys(numbers, box))
    left: list[int | Fold] = []
    for member in root.members:
        given = isinstance(member, int) and scene.values[member].kind == "argument"
        near = {top.get(u) for u in users[member]} if isinstance(member, int) and given else set()
        (only,) = near if len(near) == 1 else (None,)
        if only is None:
            left.append(member)
        else:
            only.members.insert(0, member)
    root.members = left


def _box(value: Value, known: dict[Key, Fold], lines: Lines) -> Fold:
    """The innermost box of a value; boxes around it are made where need be."""
    box, inside = known[()], frozenset[Span]()
    path: Path = ()
    for node, side in value.path:
        path = (*path, (node, side))
        origins = _origins(_holder(value, path), node, inside)
        box, inside = _called(origins, box, known, lines, inside)
        text = lines.text(origins[-1].span) if origins else node.op.name
        line = lines.start(origins[-1].span) if origins else 0
        if node.op is ops.branch:
            box = _within(box, known, Fold("branch", text, line, (*box.key, node)))
            box = _within(box, known, Fold("side", "if" if side else "else", line, (*box.key, side)))
        else:
            box = _within(box, known, Fold("loop", text, line, (*box.key, node), (path[:-1], node)))
    if value.kind in ("argument", "step", "carried"):
        return box
    origins = _origins(value.origins, value.node, inside)
    if value.kind in OUTSIDE or not origins:
        return _called(origins, box, known, lines, inside)[0]
    if len(origins) == 1 and not inside:
        return _line(origins[0].span, box, known, lines)
    box, _ = _called(origins, box, known, lines, inside)
    return _run(origins[-1].span, box, known, lines)


def _holder(value: Value, path: Path) -> tuple[Origin, ...]:
    """The origins of the loop or branch at the end of a path, in the graph around it."""
    return value.around[len(path) - 1].origins.get(path[-1][0], ())


def _origins(origins: Sequence[Origin], node: Node, inside: frozenset[Span]) -> Sequence[Origin]:
    """Without the call whose box we are in."""
    return origins[1:] if len(origins) > 1 and origins[0].span in inside else origins


def _line(span: Span, box: Fold, known: dict[Key, Fold], lines: Lines) -> Fold:
    line = lines.start(span)
    return _within(box, known, Fold("line", lines.text(span), line, (*box.key, id(span.source), line)))


def _run(span: Span, box: Fold, known: dict[Key, Fold], lines: Lines) -> Fold:
    """The box of a line in a call: a function in a function may come to the same line again later."""
    line = lines.start(span)
    last = box.members[-1] if box.members else None
    if isinstance(last, Fold) and last.kind == "line" and last.line == line:
        return last
    return _within(box, known, Fold("line", lines.text(span), line, (*box.key, len(box.members), line)))


def _called(
    origins: Sequence[Origin], box: Fold, known: dict[Key, Fold], lines: Lines, inside: frozenset[Span]
) -> tuple[Fold, frozenset[Span]]:
    """The boxes of the line and of the call that a value stands in."""
    if len(origins) < 2:
        return box, inside
    span = origins[0].span
    box = _line(span, box, known, lines)
    label = " ".join(span.text.split())
    fold = Fold("call", label, box.line, (*box.key, "call", span.start, span.end))
    return _within(box, known, fold), inside | {span}


def _within(box: Fold, known: dict[Key, Fold], fold: Fold) -> Fold:
    if fold.key not in known:
        known[fold.key] = fold
        box.members.append(fold)
    return known[fold.key]


# --- less of them, and more ------------------------------------------------------------------------


def _all(root: Fold) -> list[Fold]:
    """All boxes, outer ones first."""
    found = [root]
    for fold in found:
        found.extend(member for member in fold.members if isinstance(member, Fold))
    return found


def _pruned(root: Fold, placed: Mapping[int, int], order: Mapping[int, int]) -> None:
    """No box around one thing; sections where a box holds many, which are near each other in the order."""
    first: dict[int, int] = {}
    for fold in reversed(_all(root)):
        fold.members = [_only(member) for member in fold.members]
        (single,) = fold.members if len(fold.members) == 1 else (None,)
        if isinstance(single, Fold) and single.kind in ("line", "call") and fold is not root:
            fold.members = single.members
        fold.members.sort(key=lambda m: first[id(m)] if isinstance(m, Fold) else order[m])
        first[id(fold)] = min(first[id(m)] if isinstance(m, Fold) else order[m] for m in fold.members)
    for fold in _all(root):
        while len(fold.members) > CROWDED:
            fold.members = _sections(fold, placed)


def _only(member: int | Fold) -> int | Fold:
    single = isinstance(member, Fold) and member.kind not in ("loop", "branch") and len(member.members) == 1
    return member.members[0] if isinstance(member, Fold) and single else member


def _sections(fold: Fold, placed: Mapping[int, int]) -> list[int | Fold]:
    """Neighbours in one box, as many as make the number of boxes small."""
    count = len(fold.members)
    size = ceil(count / ceil(count / (CROWDED // 2)))
    parts = [fold.members[start : start + size] for start in range(0, count, size)]
    return [_section(fold, part, placed) if len(part) > 1 else part[0] for part in parts]


def _section(fold: Fold, part: Sequence[int | Fold], placed: Mapping[int, int]) -> Fold:
    made = Fold("section", fold.label, fold.line, ())
    made.members = list(part)
    boxes = _all(made)
    values = [member for box in boxes for member in box.members if isinstance(member, int)]
    lines = [placed[number] for number in values if number in placed]
    if lines:
        made.line = min(lines)
        made.label = f"lines {min(lines)}–{max(lines)}" if min(lines) < max(lines) else f"line {min(lines)}"
        made.label += _defined(boxes)
    return made


def _defined(boxes: Sequence[Fold]) -> str:
    """`: h1 … h7`, what the first and the last line define."""
    lines = sorted((box.line, box.label.partition("=")[0].strip()) for box in boxes if box.kind == "line")
    names = [name for _, name in lines if name.isidentifier()]
    return f": {names[0]} … {names[-1]}" if len(names) > 1 else ""
