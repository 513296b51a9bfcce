"""Modules whose arrays are cut into tiles of a few rows, however small they are.

module = in_tiles(program_of(source), rows=2)      its functions compute two rows at a time
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from autodiffc.api import Options, module_of, module_text
from autodiffc.codegen.tiles import ONE_TILE
from autodiffc.compiler.model import Program
from autodiffc.compiler.passes import pipeline
from autodiffc.compiler.passes.base import Step
from autodiffc.compiler.passes.layout import Layout
from autodiffc.compiler.passes.planes import Planes
from autodiffc.compiler.passes.tile import Tile
from autodiffc.compiler.passes.tile_scales import TileScales

ROUTINE = "def _tiles("


@contextmanager
def every_region() -> Iterator[None]:
    """Regions of all sizes become tiles, whether that pays or not."""

    def tiling(level: int, program: Program) -> tuple[Step, ...]:
        data = frozenset(a.name for a in program.arguments if a.role != "param")
        return (
            (Tile(data, gain=1e-9, least=1, few=0, kept=1), TileScales(), Planes(), Layout())
            if level > 1
            else ()
        )

    before = pipeline.tiling
    pipeline.tiling = tiling
    try:
        yield
    finally:
        pipeline.tiling = before


@cache
def _text(program: Program, options: tuple[tuple[str, Any], ...]) -> str:
    with every_region():
        return module_text(program, Options(level=2, **dict(options)))


def in_tiles(program: Program, rows: int = 2, **options: Any) -> Any:
    """The module at -O2 with tiles of so many rows; None where it has no tiles."""
    text = _text(program, tuple(options.items()))
    if ROUTINE not in text:
        return None
    module = module_of(text.replace(f"<= {ONE_TILE:_}:", "<= 0:"), "model")
    module._tiles = lambda count, *sizes: [slice(i, i + rows) for i in range(0, count, rows)]
    return module
