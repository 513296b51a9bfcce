"""Reads model files.

>>> decode("model.dsl", "input α: real\\n".encode()).text
'input α: real\\n'
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from .diagnostics import Diagnostic, ModelError
from .source import Source, Span


def read_source(path: str | PathLike[str], name: str | None = None) -> Source:
    """The text of a file, which messages call `name` or else by its path; ModelError where it isn't UTF-8."""
    return decode(str(path) if name is None else name, Path(path).read_bytes())


def decode(name: str, data: bytes) -> Source:
    """Text from bytes; a byte order mark at the start is no part of it."""
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ModelError([_not_text(name, data)]) from None


def _not_text(name: str, data: bytes) -> Diagnostic:
    try:
        data.decode("utf-8")
        start = 0
    except UnicodeDecodeError as error:
        start = error.start
    offset = len(data[:start].decode("utf-8"))
    span = Span(Source(name, data.decode("utf-8", "replace")), offset, offset + 1)
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    label = "this is UTF-16" if utf16 else f"byte 0x{data[start]:02X} is not part of any character"
    return Diagnostic("E0108", "the file is not UTF-8 text", span, label, help="save the file as UTF-8")
