"""What is wrong with a model at some data: dead and saturated units, gradients that vanish or explode.

    diagnosis = autodiffc.diagnose("classifier.dsl", {"x": x, "y": y}, sizes={"H": 32})
    print(diagnosis)
    [finding.kind for finding in diagnosis.findings]

The model runs forward and backward on a tape (`compiler/tape.py`). What there is to see is put together in
`tracing` and `recurrence`, judged in `checks` by `thresholds`, and shown by `text`, `webpage` and `records`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from html import escape
from os import PathLike, fspath
from types import ModuleType
from typing import Any

from autodiffc.compiler.model import Program
from autodiffc.compiler.tape import TooLong
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.records import record

from ..api import Options, module_of, module_text, program_of
from .arguments import BadSizes, Point, WrongData, read
from .checks import findings_of
from .finding import Finding
from .modules import seen_in
from .records import as_json
from .seen import Observation
from .text import render
from .tracing import observed
from .webpage import page


@record(frozen=True, eq=False)
class Diagnosis:
    """What has been seen, and what is wrong with it. Printed, it is a report for a terminal."""

    seen: Observation
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        return render(self.seen, self.findings)

    def _repr_html_(self) -> str:
        """The page in a frame of its own, whose style is not the notebook's."""
        return (
            f'<iframe srcdoc="{escape(self.html())}" style="width: 100%; height: 40em; border: 0"></iframe>'
        )

    @property
    def ok(self) -> bool:
        return not self.findings

    def json(self) -> str:
        """The same in numbers."""
        return as_json(self.seen, self.findings)

    def html(self) -> str:
        """A page of its own, with plots."""
        return page(self.seen, self.findings)


def diagnose(
    model: str | PathLike[str] | ModuleType,
    data: Mapping[str, Any] | str | PathLike[str],
    *,
    dims: Mapping[str, int] | None = None,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Diagnosis:
    """Diagnose a model file, or the values of an emitted module's `forward`.

    `data` are the arguments by name, or the path of an .npz file with them. Params that are not among them
    start as `init_params(seed)` starts them, at the `sizes` that the data don't give. `dims` are constants of
    the compilation. Raises WrongData or BadSizes where the data don't fit, OSError and ModelError as `load`
    does.
    """
    given = data if isinstance(data, Mapping) else read(data)
    if isinstance(model, ModuleType):
        return _judged(seen_in(model, given, sizes, seed))
    return diagnosis_of(program_of(read_source(fspath(model)), dims), given, sizes, seed)


def diagnosis_of(
    program: Program, given: Mapping[str, Any], sizes: Mapping[str, int] | None = None, seed: int = 0
) -> Diagnosis:
    """The diagnosis of a checked model."""
    module = module_of(module_text(program, Options()), program.name)
    point = Point.of(program, module, given, sizes, seed)
    return _judged(replace(observed(program, point.arguments, point.sizes), notes=point.notes))


def _judged(seen: Observation) -> Diagnosis:
    return Diagnosis(seen, findings_of(seen))


__all__ = ["BadSizes", "Diagnosis", "Finding", "TooLong", "WrongData", "diagnose", "diagnosis_of", "read"]
