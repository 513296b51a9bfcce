"""The language server over the protocol: `autodiffc lsp` on standard input and output.

Findings are published a moment after the last key; hover, definition, references, completion, symbols,
colours and formatting answer for the text as it is. Texts are read from the editor, files that they import
from disk.

An editor may send options when it starts the server: `{"dims": {"K": 20}, "lints": "all"}`.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

from autodiffc.grammar.diagnostics import Diagnostic, ModelError
from autodiffc.grammar.formatter import format_source
from autodiffc.grammar.roles import roles
from autodiffc.grammar.source import Source, Span
from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from ..version import VERSION
from .completions import Entry, completions
from .names import Definition
from .study import Study

PAUSE = 0.15  # seconds without a key before a text is checked
SEVERITIES = {"error": lsp.DiagnosticSeverity.Error, "warning": lsp.DiagnosticSeverity.Warning}
COMPLETION_KINDS = {
    "keyword": lsp.CompletionItemKind.Keyword, "type": lsp.CompletionItemKind.Class,
    "constant": lsp.CompletionItemKind.Constant, "function": lsp.CompletionItemKind.Function,
    "module": lsp.CompletionItemKind.Module, "const": lsp.CompletionItemKind.Constant,
}  # fmt: skip
SYMBOL_KINDS = {
    "function": lsp.SymbolKind.Function, "const": lsp.SymbolKind.Constant, "dim": lsp.SymbolKind.Number,
    "param": lsp.SymbolKind.Property, "input": lsp.SymbolKind.Property, "output": lsp.SymbolKind.Field,
    "loss": lsp.SymbolKind.Field,
}  # fmt: skip


TOKENS = {
    "declaration": "keyword", "control": "keyword", "clause": "keyword", "logic": "keyword", "type": "type",
    "constant": "enumMember", "function": "function", "definition": "function", "name": "variable",
    "number": "number", "string": "string", "comment": "comment", "operator": "operator",
}  # fmt: skip
TOKEN_KINDS = list(dict.fromkeys(TOKENS.values()))


class Server(LanguageServer):
    """The texts that are open, each read and checked once for each version."""

    def __init__(self) -> None:
        super().__init__("autodiffc", VERSION)
        self.studies: dict[str, tuple[str, Study]] = {}
        self.dims: Mapping[str, int] = {}
        self.lints = "usual"

    def configure(self, options: object) -> None:
        """What the editor asks for; what makes no sense is left out."""
        given = options if isinstance(options, dict) else {}
        dims = given.get("dims")
        self.dims = {k: v for k, v in dims.items() if isinstance(v, int)} if isinstance(dims, dict) else {}
        self.lints = str(given.get("lints", "usual"))

    def study(self, uri: str) -> Study:
        try:
            text = self.workspace.get_text_document(uri).source
        except (OSError, ValueError):  # it is not open, and no file that can be read: there is nothing in it
            text = ""
        known = self.studies.get(uri)
        if known is None or known[0] != text:
            path = path_of(uri)
            source = Source(os.path.basename(path) or "model.dsl", text, path or None)
            known = self.studies[uri] = (text, Study(source, self.dims, self.lints))
        return known[1]

    def publish(self, uri: str) -> None:
        """The findings of a text. A fault of the compiler's own is told, and ends nothing."""
        try:
            study = self.study(uri)
            found = [self.finding(study, diagnostic) for diagnostic in study.diagnostics]
        except Exception as problem:
            self.tell(f"{path_of(uri)}: {type(problem).__name__}: {problem}")
            return
        version = self.workspace.get_text_document(uri).version
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, version))

    def tell(self, message: str) -> None:
        self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Error, message))

    # --- places ---

    def units(self, text: str) -> int:
        """The length of a text as the client counts."""
        encoding = self.workspace.position_encoding
        if encoding == lsp.PositionEncodingKind.Utf32:
            return len(text)
        if encoding == lsp.PositionEncodingKind.Utf8:
            return len(text.encode())
        return len(text.encode("utf-16-le")) // 2

    def position(self, source: Source, offset: int) -> lsp.Position:
        line, column = source.place(offset)
        start = source.line_starts[line - 1]
        return lsp.Position(line - 1, self.units(source.text[start : start + column - 1]))

    def range(self, span: Span) -> lsp.Range:
        return lsp.Range(self.position(span.source, span.start), self.position(span.source, span.end))

    def offset(self, source: Source, place: lsp.Position) -> int:
        if place.line >= len(source.line_starts):
            return len(source.text)
        start = source.line_starts[place.line]
        line = source.line(place.line + 1)
        column, passed = 0, 0
        while column < len(line) and passed < place.character:
            passed += self.units(line[column])
            column += 1
        return start + column

    def location(self, span: Span, uri: str) -> lsp.Location | None:
        """A place in a text, or in a file that it imports; None in what is no file."""
        if span.source is not self.study(uri).source:
            if span.source.path is None:
                return None
            uri = Path(span.source.path).absolute().as_uri()
        return lsp.Location(uri, self.range(span))

    def tokens(self, source: Source) -> list[int]:
        """The roles of the lexemes, five numbers each: lines and columns from the last, length, kind, 0."""
        data: list[int] = []
        line = column = 0
        for role, text, start in roles(source.text):
            if role in TOKENS:
                place = self.position(source, start)
                across = place.character - (column if place.line == line else 0)
                data += [place.line - line, across, self.units(text), TOKEN_KINDS.index(TOKENS[role]), 0]
                line, column = place.line, place.character
        return data

    # --- findings ---

    def finding(self, study: Study, diagnostic: Diagnostic) -> lsp.Diagnostic:
        parts = [diagnostic.message, diagnostic.label, f"help: {diagnostic.help}" if diagnostic.help else ""]
        span = diagnostic.span
        if span.source is not study.source:  # it is in a file that this one imports
            parts.insert(0, f"in {span}:")
            span = Span(study.source, 0, 0)
        uri = Path(study.source.path).absolute().as_uri() if study.source.path else ""
        related = [
            lsp.DiagnosticRelatedInformation(lsp.Location(uri, self.range(note.span)), note.message)
            for note in diagnostic.notes
            if uri and note.span.source is study.source
        ]
        return lsp.Diagnostic(
            self.range(span), "\n".join(filter(None, parts)),
            severity=SEVERITIES.get(diagnostic.severity, lsp.DiagnosticSeverity.Information),
            code=diagnostic.code, source="autodiffc", related_information=related or None,
        )  # fmt: skip


def path_of(uri: str) -> str:
    """The path of a file's URI; '' of another."""
    parsed = urlparse(uri)
    return url2pathname(unquote(parsed.path)) if parsed.scheme == "file" else ""


def made() -> Server:
    """The server with all that it answers."""
    server = Server()
    _texts(server)
    _answers(server)
    return server


def _texts(server: Server) -> None:
    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        server.configure(params.initialization_options)

    @server.feature(lsp.INITIALIZED)
    def initialized(params: lsp.InitializedParams) -> None:
        # What formulas need takes a moment to be loaded: before it is asked for.
        asyncio.get_running_loop().run_in_executor(None, __import__, "sympy")

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        server.publish(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        uri, version = params.text_document.uri, params.text_document.version
        await asyncio.sleep(PAUSE)
        document = server.workspace.text_documents.get(uri)
        if document is not None and document.version == version:
            server.publish(uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        """A file was written that others may import: they are read anew."""
        server.studies.clear()
        for uri in list(server.workspace.text_documents):
            server.publish(uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        server.studies.pop(params.text_document.uri, None)
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(params.text_document.uri, []))


def _answers(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        study = server.study(params.text_document.uri)
        found = study.hover(server.offset(study.source, params.position))
        if found is None:
            return None
        return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, found.text), server.range(found.span))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def definition(params: lsp.DefinitionParams) -> lsp.Location | None:
        study = server.study(params.text_document.uri)
        span = study.definition(server.offset(study.source, params.position))
        return server.location(span, params.text_document.uri) if span is not None else None

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    def references(params: lsp.ReferenceParams) -> list[lsp.Location]:
        study, uri = server.study(params.text_document.uri), params.text_document.uri
        spans = study.references(server.offset(study.source, params.position))
        return [lsp.Location(uri, server.range(span)) for span in spans]

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    def highlight(params: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight]:
        study = server.study(params.text_document.uri)
        spans = study.references(server.offset(study.source, params.position))
        return [lsp.DocumentHighlight(server.range(span)) for span in spans]

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[".", ":"]))
    def complete(params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
        study = server.study(params.text_document.uri)
        return list(map(_item, completions(study, server.offset(study.source, params.position))))

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(params: lsp.DocumentSymbolParams) -> Sequence[lsp.DocumentSymbol]:
        file = server.study(params.text_document.uri).names.file
        found = [*file.values.values(), *(d for d in file.functions.values() if d.kind == "function")]
        return [_symbol(server, d) for d in sorted(found, key=lambda d: d.span.start)]

    @server.feature(lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, lsp.SemanticTokensLegend(TOKEN_KINDS, []))
    def colours(params: lsp.SemanticTokensParams) -> lsp.SemanticTokens:
        return lsp.SemanticTokens(server.tokens(server.study(params.text_document.uri).source))

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def format_text(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        source = server.study(params.text_document.uri).source
        try:
            text = format_source(source)
        except ModelError:  # what is wrong with it is shown already
            return None
        whole = Span(source, 0, len(source.text))
        return [lsp.TextEdit(server.range(whole), text)] if text != source.text else []


def _item(entry: Entry) -> lsp.CompletionItem:
    kind = COMPLETION_KINDS.get(entry.kind, lsp.CompletionItemKind.Variable)
    return lsp.CompletionItem(entry.name, kind=kind, detail=entry.detail or entry.kind)


def _symbol(server: Server, definition: Definition) -> lsp.DocumentSymbol:
    kind = SYMBOL_KINDS.get(definition.kind, lsp.SymbolKind.Variable)
    place = server.range(definition.span)
    return lsp.DocumentSymbol(definition.name, kind, place, place, detail=definition.kind)


def run() -> None:
    """Serve until the editor ends it."""
    gc.enable()  # commands run without; this one stays
    made().start_io()
