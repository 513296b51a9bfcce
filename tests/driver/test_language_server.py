"""The language server as an editor meets it: over the protocol, on a process's standard input and output."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.roles import CONSTANTS
from autodiffc.grammar.source import Source
from autodiffc.language_server.completions import completions
from autodiffc.language_server.server import TOKEN_KINDS
from autodiffc.language_server.study import Study
from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

CLASSIFIER = """\
dim N, D, K
input x: real[N, D]
input y: int[N] in range(K)
param W: real[D, K]
param b: real[K] = zeros()

def affine(a, M, c):
    return a @ M + c

z = affine(x, W, b)
h = tanh(z)
output p = softmax(h)
loss L = mean(cross_entropy(h, y))
"""
PATIENCE = 30
ROOT = Path(__file__).resolve().parents[2]


class Editor:
    """A client with one text open."""

    def __init__(self, client: LanguageClient, folder: Path):
        self.client, self.folder, self.version = client, folder, 0
        self.published: asyncio.Queue[lsp.PublishDiagnosticsParams] = asyncio.Queue()
        self.uri = (folder / "model.dsl").as_uri()
        self.text = ""

    def close(self) -> None:
        document = lsp.TextDocumentIdentifier(self.uri)
        self.client.text_document_did_close(lsp.DidCloseTextDocumentParams(document))

    async def open(self, text: str) -> list[lsp.Diagnostic]:
        self.text = text
        document = lsp.TextDocumentItem(self.uri, "autodiffc", self.version, text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(document))
        return await self.findings()

    async def change(self, text: str) -> list[lsp.Diagnostic]:
        self.type(text)
        return await self.findings()

    def type(self, text: str) -> None:
        self.text, self.version = text, self.version + 1
        document = lsp.VersionedTextDocumentIdentifier(version=self.version, uri=self.uri)
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(document, [whole]))

    async def findings(self) -> list[lsp.Diagnostic]:
        return list((await asyncio.wait_for(self.published.get(), PATIENCE)).diagnostics)

    def place(self, mark: str) -> dict[str, Any]:
        """The place before the `|` in a piece of the text."""
        offset = self.text.index(mark.replace("|", "")) + mark.index("|")
        before = self.text[:offset]
        column = len(before.rpartition("\n")[2].encode("utf-16-le")) // 2
        position = lsp.Position(before.count("\n"), column)
        return {"text_document": lsp.TextDocumentIdentifier(self.uri), "position": position}

    async def hover(self, mark: str) -> str:
        found = await self.client.text_document_hover_async(lsp.HoverParams(**self.place(mark)))
        return found.contents.value if found is not None else ""

    async def definition(self, mark: str) -> Any:
        return await self.client.text_document_definition_async(lsp.DefinitionParams(**self.place(mark)))

    async def complete(self, mark: str) -> dict[str, str]:
        found = await self.client.text_document_completion_async(lsp.CompletionParams(**self.place(mark)))
        return {item.label: item.detail for item in found}


Story = Callable[[Editor], Awaitable[None]]


class Process:
    """A server in a process of its own, and a loop in a thread that talks with it."""

    def __init__(self, folder: Path, options: object = None):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.client = LanguageClient("editor", "1")
        self.editor = Editor(self.client, folder)

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def publish(params: lsp.PublishDiagnosticsParams) -> None:
            if params.uri == self.editor.uri:
                self.editor.published.put_nowait(params)

        self.wait(self._start(folder, options))

    def wait(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self.loop).result(3 * PATIENCE)

    async def _start(self, folder: Path, options: object) -> None:
        await self.client.start_io(sys.executable, "-m", "autodiffc", "lsp", "--stdio")
        capabilities = lsp.ClientCapabilities()
        params = lsp.InitializeParams(capabilities, root_uri=folder.as_uri(), initialization_options=options)
        await asyncio.wait_for(self.client.initialize_async(params), PATIENCE)
        self.client.initialized(lsp.InitializedParams())

    def tell(self, folder: Path, story: Story) -> None:
        """An editor opens a text, and the story goes on from there."""

        async def told() -> None:
            self.editor = Editor(self.client, folder)
            await story(self.editor)
            self.editor.close()

        self.wait(told())

    def stop(self) -> None:
        async def end() -> None:
            await self.client.shutdown_async(None)
            self.client.exit(None)
            await self.client.stop()

        self.wait(end())
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    process = Process(tmp_path_factory.mktemp("texts"))
    yield process
    process.stop()


def with_options(folder: Path, story: Story, options: object) -> None:
    process = Process(folder, options)
    try:
        process.tell(folder, story)
    finally:
        process.stop()


def told(findings: list[lsp.Diagnostic]) -> list[tuple[Any, ...]]:
    return [(f.code, f.range.start.line, f.range.start.character, f.range.end.character) for f in findings]


def test_findings_while_typing(shared: Process, tmp_path: Path) -> None:
    async def story(editor: Editor) -> None:
        (found,) = await editor.open("input x: real\noutput f = sigmiod(x)\n")
        assert told([found]) == [("E0202", 1, 11, 18)]
        assert found.severity == lsp.DiagnosticSeverity.Error
        assert found.source == "autodiffc"
        assert found.message == "no function `sigmiod`\nhelp: did you mean `sigmoid`?"
        assert await editor.change("input x: real\noutput f = sigmoid(x)\n") == []
        for text in ("input x: real\n", "input x: real\noutput f", "input x: real\noutput f = x +\n"):
            editor.type(text)  # faster than the server checks
        (found,) = await editor.findings()
        assert told([found]) == [("E0101", 1, 14, 14)]
        assert editor.published.empty()

    shared.tell(tmp_path, story)


def test_a_second_place_is_shown(shared: Process, tmp_path: Path) -> None:
    async def story(editor: Editor) -> None:
        (found,) = await editor.open(
            "dim N, D, H, K\ninput x: real[N, D]\ninput W: real[H, K]\noutput f = x @ W\n"
        )
        assert found.code == "E0203"
        assert "D is not H" in found.message
        assert [r.location.range.start.line for r in found.related_information] == [1, 2]

    shared.tell(tmp_path, story)


def test_warnings_as_the_editor_asks(shared: Process, tmp_path: Path) -> None:
    model = "dim N, M\ninput x, unused: real[N]\ninput y: real[M]\noutput f = sum(x) + sum(y)\n"

    async def usual(editor: Editor) -> None:
        (found,) = await editor.open(model)
        assert found.severity == lsp.DiagnosticSeverity.Warning
        assert "`unused`" in found.message

    async def none(editor: Editor) -> None:
        assert await editor.open(model) == []

    shared.tell(tmp_path, usual)
    with_options(tmp_path, none, {"lints": "no-unused-input"})


def test_dims_as_the_editor_gives_them(tmp_path: Path) -> None:
    async def story(editor: Editor) -> None:
        assert await editor.open("dim K = 3\ninput x: real[K]\noutput f = x\n") == []
        assert "f: real[7]" in await editor.hover("output |f")

    with_options(tmp_path, story, {"dims": {"K": 7}})


def test_hovers_tell_types_and_derivatives(shared: Process, tmp_path: Path) -> None:
    async def story(editor: Editor) -> None:
        await editor.open(CLASSIFIER)
        assert "h: real[N, K]" in await editor.hover("|h = tanh")
        assert "δ_h = (softmax(h) − onehot(y)) / N" in await editor.hover("|h = tanh")
        assert "where δ_h = ∂L/∂h" in await editor.hover("|h = tanh")
        assert "∂L/∂W = xᵀ δ_z" in await editor.hover("x, |W, b)")
        assert "param, line 4" in await editor.hover("x, |W, b)")
        assert "a: real[N, D]" in await editor.hover("return |a")
        assert "parameter, line 7" in await editor.hover("return |a")
        assert "def affine(a, M, c)" in await editor.hover("= aff|ine(")
        assert "∂f/∂x = 1 − tanh(x)²" in await editor.hover("h = |tanh")
        assert "softmax(x, axis=-1)" in await editor.hover("= soft|max")
        assert "N: int" in await editor.hover("real[|N, D]")
        assert await editor.hover("real[N, D|]") != ""
        assert await editor.hover("in ran|ge") == ""

    shared.tell(tmp_path, story)


def test_the_rest_of_a_wrong_text_is_known(shared: Process, tmp_path: Path) -> None:
    async def story(editor: Editor) -> None:
        assert await editor.open(CLASSIFIER.replace("softmax(h)", "sofmax(h")) != []
        assert "z: real[N, K]" in await editor.hover("|z = affine")
        assert (await editor.definition("tanh(|z)")).range.start.line == 9
        assert "z" in await editor.complete("tanh(|z)")

    shared.tell(tmp_path, story)


def test_definitions_and_references(shared: Process, tmp_path: Path) -> None:
    (tmp_path / "layers.dsl").write_text("const scale = 2.0\ndef double(x):\n    return scale * x\n")

    async def story(editor: Editor) -> None:
        text = 'from "layers.dsl" import double\n' + CLASSIFIER.replace("tanh(z)", "double(z)")
        assert await editor.open(text) == []
        found = await editor.definition("= aff|ine")
        assert (found.uri, found.range.start.line, found.range.start.character) == (editor.uri, 7, 4)
        assert (await editor.definition("return |a")).range.start.character == 11
        assert (await editor.definition("h = dou|ble")).uri == (tmp_path / "layers.dsl").as_uri()
        assert (await editor.definition("h = dou|ble")).range.start.line == 1
        assert await editor.definition("soft|max") is None
        place = editor.place("x, |W, b)")
        params = lsp.ReferenceParams(context=lsp.ReferenceContext(True), **place)
        spans = await editor.client.text_document_references_async(params)
        assert [s.range.start.line for s in spans] == [4, 10]
        marks = await editor.client.text_document_document_highlight_async(
            lsp.DocumentHighlightParams(**place)
        )
        assert [m.range.start.line for m in marks] == [4, 10]

    shared.tell(tmp_path, story)


def test_an_imported_file_is_read_anew_when_it_is_saved(shared: Process, tmp_path: Path) -> None:
    layers = tmp_path / "layers.dsl"
    layers.write_text("def double(x):\n    return twice(x)\n")

    async def story(editor: Editor) -> None:
        found = await editor.open('from "layers.dsl" import double\ninput x: real\noutput f = double(x)\n')
        assert "layers.dsl:2:12" in found[0].message
        layers.write_text("def double(x):\n    return 2.0 * x\n")
        document = lsp.TextDocumentIdentifier(layers.as_uri())
        editor.client.text_document_did_save(lsp.DidSaveTextDocumentParams(document))
        assert await editor.findings() == []

    shared.tell(tmp_path, story)


def test_completion(shared: Process, tmp_path: Path) -> None:
    async def story(editor: Editor) -> None:
        await editor.open(CLASSIFIER + "g = so\nfrom nn import re\nq = W.\nr: in\n  # so\nlo\n")
        found = await editor.complete("g = so|")
        assert found["softmax"] == "softmax(x, axis=-1)"
        assert found["z"] == "real[N, K]"
        assert found["affine"] == "affine(a, M, c)"
        assert "loss" not in found
        assert "a" not in found
        assert "M" in await editor.complete("return a @ |M")
        assert {"relu", "gelu"} <= set(await editor.complete("import re|"))
        assert list(await editor.complete("W.|")) == ["T"]
        assert set(await editor.complete("r: in|")) == {"real", "int", "bool"}
        assert await editor.complete("# so|") == {}
        assert "loss" in await editor.complete("\nlo|\n")

    shared.tell(tmp_path, story)


def test_a_file_that_is_not_there_has_nothing_in_it(shared: Process, tmp_path: Path) -> None:
    async def story(editor: Editor) -> None:
        await editor.open(CLASSIFIER)
        document = lsp.TextDocumentIdentifier((tmp_path / "none.dsl").as_uri())
        place = {"text_document": document, "position": lsp.Position(3, 1)}
        client = editor.client
        assert await client.text_document_hover_async(lsp.HoverParams(**place)) is None
        assert await client.text_document_definition_async(lsp.DefinitionParams(**place)) is None
        assert not await client.text_document_document_symbol_async(lsp.DocumentSymbolParams(document))
        params = lsp.DocumentFormattingParams(document, lsp.FormattingOptions(4, True))
        assert not await client.text_document_formatting_async(params)
        assert "h: real[N, K]" in await editor.hover("|h = tanh")

    shared.tell(tmp_path, story)


def test_symbols_and_formatting(shared: Process, tmp_path: Path) -> None:
    async def story(editor: Editor) -> None:
        await editor.open("input   x: real\noutput f=x*2.0\n")
        document = lsp.TextDocumentIdentifier(editor.uri)
        symbols = await editor.client.text_document_document_symbol_async(lsp.DocumentSymbolParams(document))
        assert [(s.name, s.detail) for s in symbols] == [("x", "input"), ("f", "output")]
        params = lsp.DocumentFormattingParams(document, lsp.FormattingOptions(4, True))
        (edit,) = await editor.client.text_document_formatting_async(params)
        assert edit.new_text == "input x: real\noutput f = x * 2.0\n"
        await editor.change("output f =\n")
        assert await editor.client.text_document_formatting_async(params) is None

    shared.tell(tmp_path, story)


def test_colours(shared: Process, tmp_path: Path) -> None:
    async def story(editor: Editor) -> None:
        text = 'input 𝜃: real  # "data"\noutput f = tanh(𝜃)\n'
        await editor.open(text)
        document = lsp.TextDocumentIdentifier(editor.uri)
        params = lsp.SemanticTokensParams(document)
        data = (await editor.client.text_document_semantic_tokens_full_async(params)).data
        found, line, column = [], 0, 0
        for down, across, length, kind, _ in zip(*[iter(data)] * 5):
            line, column = line + down, across if down else column + across
            shown = text.split("\n")[line].encode("utf-16-le")[2 * column : 2 * (column + length)]
            found.append((shown.decode("utf-16-le"), TOKEN_KINDS[kind]))
        assert found == [
            ("input", "keyword"), ("𝜃", "variable"), ("real", "type"), ('# "data"', "comment"), ("output", "keyword"),
            ("f", "variable"), ("tanh", "function"), ("𝜃", "variable"),
        ]  # fmt: skip

    shared.tell(tmp_path, story)


def test_places_are_counted_in_utf16(shared: Process, tmp_path: Path) -> None:
    async def story(editor: Editor) -> None:
        text = 'input 𝜃: real\nassert 𝜃 > 0, "𝜃𝜃"\noutput f = 𝜃 + sigmiod(𝜃)\n'
        (found,) = await editor.open(text)
        assert told([found]) == [("E0202", 2, 16, 23)]
        assert "real" in await editor.hover("sigmiod(|𝜃")
        assert (await editor.definition("sigmiod(|𝜃")).range.end.character == 8

    shared.tell(tmp_path, story)


def test_a_text_that_is_no_file(shared: Process, tmp_path: Path) -> None:
    async def story(editor: Editor) -> None:
        editor.uri = "untitled:Untitled-1"
        assert len(await editor.open("output f = g\n")) == 1

    shared.tell(tmp_path, story)


def test_without_pygls_there_is_a_way_out(tmp_path: Path) -> None:
    code = "import sys; sys.modules['pygls'] = None; from autodiffc.cli import main; sys.exit(main(['lsp']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, input="")
    assert done.returncode == 2
    assert "pip install 'autodiffc[lsp]'" in done.stderr


def test_what_is_imported_is_known(tmp_path: Path) -> None:
    lines = [
        "const scale = 2.0",
        "",
        "# Twice, by default.",
        "def times(x, k=scale):",
        "    return k * x",
        "",
    ]
    (tmp_path / "parts.dsl").write_text("\n".join(lines))
    text = 'from "parts.dsl" import times, scale\nparam w: real = normal()\nloss L = times(w)**2 + scale\n'
    study = Study(Source("model.dsl", text, str(tmp_path / "model.dsl")))
    assert study.diagnostics == []
    for mark, words in (
        ("times(w)", ["def times(x, k=scale)", "function, parts.dsl", "Twice, by default."]),
        ("scale\n", ["scale: real"]),
        ("normal", ["normal(mean=0.0, std=1.0)", "init_params"]),
    ):
        found = study.hover(text.rindex(mark))
        assert found is not None
        assert all(word in found.text for word in words)
    times, scale = study.definition(text.rindex("times")), study.definition(text.rindex("scale"))
    assert times is not None
    assert scale is not None
    assert (times.source.file, times.line) == ("parts.dsl", 4)
    assert (scale.source.file, scale.line) == ("model.dsl", 1)  # where it is imported


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.dsl")), ids=lambda p: p.stem)
def test_every_name_of_the_examples_is_known(path: Path) -> None:
    study = Study(read_source(path))
    assert study.examined.diagnostics == ()
    for use in study.names.uses:
        if use.name not in CONSTANTS:
            assert study.hover(use.span.start) is not None, use
        if use.space == "value" and use.name not in CONSTANTS:
            assert study.definition(use.span.start) is not None, use
            assert study.types(use), use


@pytest.mark.parametrize(
    "text", ["", "\ufeff", "x", "def f(", "for t in", "\r\n\r\n", "if a: b = 1", "f(a)(b", "grad L wrt"]
)
def test_any_text_is_answered(text: str) -> None:
    study = Study(Source("m.dsl", text))
    for offset in range(len(text) + 1):
        study.hover(offset)
        study.definition(offset)
        study.references(offset)
        completions(study, offset)
    assert all(d.span.source is study.source for d in study.diagnostics)
