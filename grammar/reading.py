"""Reads model files, and the files that they import.

>>> decode("model.dsl", "input α: real\\n".encode()).text
'input α: real\\n'

An import names a regular file `….dsl` by a path relative to the importing file. Nothing else is ever opened:
what the path leads to is looked at first, links included.
"""

from __future__ import annotations

import os
import stat
from os import PathLike
from pathlib import Path, PurePosixPath

from .diagnostics import Diagnostic, ModelError
from .source import Source, Span

SUFFIX = ".dsl"
LARGEST = 8_000_000  # bytes of an imported file; the parser takes fewer characters


def read_source(path: str | PathLike[str], name: str | None = None) -> Source:
    """The text of a file, which messages call `name` or else by its path; ModelError where it isn't UTF-8."""
    return decode(str(path) if name is None else name, Path(path).read_bytes(), str(path))


class ImportRefused(Exception):
    """A file that cannot be imported: what is wrong, and the way out."""

    def __init__(self, message: str, help: str = ""):
        super().__init__(message)
        self.help = help


def read_import(importer: Source, written: str) -> Source:
    """The file that a model imports; ImportRefused where there is none, ModelError where it is not UTF-8."""
    relative = _relative(importer, written)
    path = os.path.join(os.path.dirname(importer.path or ""), relative)
    name = os.path.normpath(os.path.join(os.path.dirname(importer.name), relative))
    try:
        return decode(name, _contents(path), path)
    except OSError as error:
        raise ImportRefused((error.strerror or str(error)).lower()) from None


def _relative(importer: Source, written: str) -> str:
    """The path of an import as written, where it is one."""
    if importer.path is None:
        raise ImportRefused(
            "text that is no file imports no files", "compile the model from its file, or name its folder"
        )
    path = PurePosixPath(written)
    if not written.isprintable() or "\\" in written or ":" in written:
        raise ImportRefused("a path of names and `/`")
    if path.is_absolute() or written.startswith("~"):
        raise ImportRefused("an absolute path", "write the path from this file to the other")
    if path.suffix != SUFFIX:
        raise ImportRefused(f"a model file ends in `{SUFFIX}`", "the library is imported without quotes")
    return os.path.join(*path.parts)


def _contents(path: str) -> bytes:
    """The bytes of a regular file; a device or a pipe is not opened."""
    real = os.path.realpath(path)
    if not os.path.lexists(path):
        raise ImportRefused("there is no such file")
    if not stat.S_ISREG(os.stat(real).st_mode) or not real.endswith(SUFFIX):
        raise ImportRefused(f"it is no regular file that ends in `{SUFFIX}`")
    with open(os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ImportRefused("it is no regular file")
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ImportRefused(f"a file of more than {LARGEST:,} bytes")
    return data


def decode(name: str, data: bytes, path: str | None = None) -> Source:
    """Text from bytes; a byte order mark at the start is no part of it."""
    try:
        return Source(name, data.decode("utf-8-sig"), path)
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
