"""The TextMate grammar: the file is what the program writes, its patterns find what the roles say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from autodiffc.grammar.roles import roles
from autodiffc.textmate import grammar, text

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "editors" / "vscode"
FILE = EXTENSION / "syntaxes" / "autodiffc.tmLanguage.json"
MODELS = sorted((ROOT / "examples").rglob("*.dsl")) + sorted((ROOT / "compiler" / "lib").glob("*.dsl"))
# What the scopes of a role begin with; none for what is left plain.
SCOPES = {
    "declaration": ("keyword.declaration", "storage.type.function"), "control": ("keyword.control",),
    "clause": ("keyword.other",), "logic": ("keyword.operator.word",), "type": ("storage.type",),
    "constant": ("constant.language",), "function": ("support.function", "entity.name.function.call"),
    "definition": ("entity.name.function",), "number": ("constant.numeric",), "string": ("string",),
    "comment": ("comment",), "operator": ("keyword.operator",), "name": (), "symbol": (),
}  # fmt: skip

Found = dict[int, str]  # the scope of each character that has one


class Reader:
    """Reads a text as an editor does: line by line, the leftmost match first, then the first pattern.

    Python's patterns stand in for Oniguruma's; what the grammar uses means the same in both.
    """

    def __init__(self) -> None:
        self.grammar = grammar()
        self.stack: list[tuple[list[dict[str, Any]], str]] = [(self._flat(self.grammar["patterns"]), "")]

    def _flat(self, patterns: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for rule in patterns:
            if "include" in rule:
                found += self._flat([self.grammar["repository"][rule["include"].removeprefix("#")]])
            elif "match" in rule or "begin" in rule:
                found.append(rule)
            else:
                found += self._flat(rule["patterns"])
        return found

    def scopes(self, text: str) -> Found:
        found: Found = {}
        start = 0
        for line in text.split("\n"):
            for place, scope in self._line(line):
                found[start + place] = scope
            start += len(line) + 1
        return found

    def _line(self, line: str) -> Iterator[tuple[int, str]]:
        at = 0
        while at <= len(line):
            rules, end = self.stack[-1]
            tries = [(re.compile(r.get("match") or r["begin"]).search(line, at), r) for r in rules]
            closing = re.compile(end).search(line, at) if end else None
            hits = [(m.start(), k, m, r) for k, (m, r) in enumerate(tries) if m is not None]
            first = min(hits, default=None, key=lambda hit: hit[:2])
            if closing is not None and (first is None or closing.start() <= first[0]):
                self.stack.pop()
                at = closing.end()
                continue
            if first is None:
                return
            _, _, match, rule = first
            yield from self._captured(match, rule)
            if "begin" in rule:
                self.stack.append((self._flat(rule["patterns"]), rule["end"]))
            at = max(match.end(), at + (not match.group()))

    def _captured(self, match: re.Match[str], rule: dict[str, Any]) -> Iterator[tuple[int, str]]:
        captures = {0: rule["name"]} if "name" in rule else {}
        captures |= {
            int(k): v["name"] for k, v in (rule.get("captures") or rule.get("beginCaptures") or {}).items()
        }
        for group, scope in captures.items():
            for place in range(*match.span(group)) if match.group(group) else ():
                yield place, scope


def test_the_file_is_what_the_program_writes() -> None:
    assert FILE.read_text("utf-8") == text(), "python -m autodiffc.textmate > editors/vscode/syntaxes/…"


def test_the_extension_names_its_files() -> None:
    package = json.loads((EXTENSION / "package.json").read_text())
    (language,), (described,) = package["contributes"]["languages"], package["contributes"]["grammars"]
    assert (EXTENSION / language["configuration"]).is_file()
    assert (EXTENSION / described["path"]).resolve() == FILE
    assert described["scopeName"] == grammar()["scopeName"]
    configuration = json.loads((EXTENSION / language["configuration"]).read_text())
    opens = re.compile(configuration["indentationRules"]["increaseIndentPattern"])
    assert opens.match("for t in range(T):  # steps")
    assert not opens.match("format: real = x")


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_scopes_are_the_roles(path: Path) -> None:
    source = path.read_text("utf-8")
    found = Reader().scopes(source)
    for role, shown, start in roles(source):
        scope = found.get(start, "")
        fits = scope.startswith(SCOPES[role]) if SCOPES[role] else not scope
        assert fits, (shown, role, scope, source.count("\n", 0, start) + 1)
