"""`autodiffc check model.dsl`: the compiled derivatives against SymPy's and against differences, as tables.

    window: s with respect to u, W, b, E
    V = 2, d = 3, H = 4; 3 random points, seed 0

    name  shape    elements  SymPy       differences  verdict
    u     (4,)            4  2.4e-15 ok  1.5e-16 ok   ok
    W     (4, 15)        60  1.8e-13 ok  1.8e-13 ok   ok
    b     (4,)            4  1.8e-13 ok  1.8e-13 ok   ok
    E     (2, 3)          6  4.8e-15 ok  9.2e-15 ok   ok
    (SymPy: chain of formulas, in 50 digits; differences: complex step)

    function      law                                      error
    jvp           value = forward's                        0.0e+00 ok
                  ⟨J v, u⟩ = ⟨v, Jᵀ u⟩                     2.2e-16 ok
    hvp           H v = differences of the gradient        3.1e-15 ok
    …
    left out: gauss_newton: s is not a sum of squares, see line 13

    all derivatives and values agree

The numbers are the largest relative differences. Exit status 1 where something differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from textwrap import fill
from types import ModuleType

from autodiffc.compiler.comparison import Comparison, Finding, Report, Row, Status
from autodiffc.compiler.gradcheck import check
from autodiffc.compiler.laws import PARTNERS, too_large
from autodiffc.compiler.model import Program
from autodiffc.compiler.passes.requested import NAMES
from autodiffc.compiler.samples import BadSizes
from autodiffc.grammar.source import Source

from .api import CannotEmit, Options, derivative_of, module_of, module_text, program_of

HEAD = ("name", "shape", "elements", "SymPy", "differences", "verdict")
LATE = "gauss_newton"  # whether it makes sense shows when it is made; tried before the work on all others
LAWS = ("function", "law", "error")
RIGHT = frozenset({"elements"})


def run(
    source: Source,
    *,
    dims: Mapping[str, int] | None = None,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    level: int = 1,
    dtype: str = "float64",
    numerics: str = "stable",
    emit: Sequence[str] = (),
    surrogates: Sequence[str] = (),
) -> int:
    """Compile, check, print the tables; 0 where nothing differs, 1 where something does, 2 for wrong usage.

    `emit` names the functions on request that are checked, by default all that make sense for the model;
    CannotEmit where one of them makes none.
    """
    options = Options(dims, level, dtype, numerics)
    program = program_of(source, dims)
    module, left_out = _compiled(program, options, emit)
    progress = _Progress()
    try:
        report = check(
            program,
            module,
            sizes=sizes,
            seed=seed,
            dtype=dtype,
            surrogates=surrogates,
            progress=progress.show,
        )
    except BadSizes as problem:
        print(f"autodiffc: {source.name}: {problem}", file=sys.stderr)
        return 2
    finally:
        progress.clear()
    unknown = [name for name in surrogates if name not in report.own] if report.points else []
    if unknown:
        known = ", ".join(report.own) or "none"
        wrong = f"--surrogate: the model calls no {unknown[0]} with an adjoint of its own; it has: {known}"
        print(f"autodiffc: {wrong}", file=sys.stderr)
        return 2
    print(render(report, left_out))
    return 0 if report.ok else 1


def _compiled(program: Program, options: Options, emit: Sequence[str]) -> tuple[ModuleType, dict[str, str]]:
    """The module with the functions that are to be checked, and why others are left out."""
    left_out = {} if emit else too_large(program)
    wanted = [*emit, *(PARTNERS[name] for name in emit if name in PARTNERS)] or list(NAMES)
    if program.target is None or not program.wrt:
        wanted = []
    while True:
        chosen = tuple(name for name in dict.fromkeys(wanted) if name not in left_out)
        try:
            if LATE in chosen:
                derivative_of(program, replace(options, emit=(LATE,)))
            text = module_text(program, replace(options, emit=chosen))
        except CannotEmit as problem:
            name, _, reason = str(problem).partition(": ")
            if name in emit or name not in chosen:
                raise
            left_out[name] = reason.partition(";")[0]
        else:
            return module_of(text, program.name), left_out


class _Progress:
    """A line that says how far it is, where a person is watching."""

    def __init__(self) -> None:
        self.watched = sys.stderr.isatty()

    def show(self, text: str) -> None:
        if self.watched:
            print(f"\r\x1b[Kchecking {text} …", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.watched:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def render(report: Report, left_out: Mapping[str, str] | None = None) -> str:
    """The report for a terminal."""
    blocks = [_heading(report), [*_table(report.rows), *_methods(report.rows)]]
    blocks.append([*_laws(report.laws), *_left_out(left_out or {})])
    blocks.append(list(_findings(report)))
    blocks.append(list(_own_adjoints(report)))
    blocks.append([_summary(report)])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _heading(report: Report) -> list[str]:
    names = ", ".join(row.name for row in report.rows)
    what = f"{report.target} with respect to {names}" if report.target else "nothing to differentiate"
    sizes = ", ".join(f"{dim} = {size}" for dim, size in report.sizes)
    points = f"{report.points} random point{'s' if report.points != 1 else ''}, seed {report.seed}"
    return [f"{report.model}: {what}", "; ".join(filter(None, (sizes, points)))]


def _table(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    return _aligned(HEAD, [_cells(row) for row in rows])


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return ["  ".join(map(_padded, line, widths, head)).rstrip() for line in lines]


def _padded(text: str, width: int, head: str) -> str:
    return text.rjust(width) if head in RIGHT else text.ljust(width)


def _cells(row: Row) -> tuple[str, ...]:
    shape = str(row.shape) if row.shape else "scalar"
    return row.name, shape, str(row.elements), _cell(row.symbolic), _cell(row.differences), row.verdict


def _cell(comparison: Comparison) -> str:
    if comparison.status == "not checked":
        return "not checked"
    size = f"{comparison.error:.1e} " if comparison.error is not None else ""
    return size + ("ok" if comparison.status == "ok" else "DIFFERS")


def _methods(rows: Sequence[Row]) -> Iterator[str]:
    """How the numbers in the columns were found."""
    symbolic = dict.fromkeys(method for row in rows for method in row.symbolic.methods)
    differences = dict.fromkeys(method for row in rows for method in row.differences.methods)
    parts = [f"SymPy: {', '.join(symbolic)}, in 50 digits"] if symbolic else []
    parts += [f"differences: {', '.join(differences)}"] if differences else []
    if parts:
        yield f"({'; '.join(parts)})"


def _laws(laws: Sequence[Finding]) -> list[str]:
    """What holds between the functions; a function's name stands at its first law."""
    rows, last = [], ""
    for finding in laws:
        shown = finding.function if finding.function != last else ""
        rows.append((shown, finding.law, _cell(finding.outcome)))
        last = finding.function
    methods = dict.fromkeys(method for finding in laws for method in finding.outcome.methods)
    lines = _aligned(LAWS, rows) if rows else []
    return [*lines, f"(differences: {', '.join(methods)})"] if methods else lines


def _left_out(functions: Mapping[str, str]) -> Iterator[str]:
    for reason in dict.fromkeys(functions.values()):
        names = ", ".join(name for name in functions if functions[name] == reason)
        yield _wrapped(f"left out: {names}: {reason}")


def _findings(report: Report) -> Iterator[str]:
    """What the table has no room for: where it differs, and why something was not checked."""
    found = [(f"the value of {name}", "the value in 50 digits", value) for name, value in report.values]
    for row in report.rows:
        found.append((f"d_{row.name} by SymPy", "SymPy's derivative", row.symbolic))
        found.append((f"d_{row.name} by differences", "the difference", row.differences))
    for what, other, comparison in found:
        if comparison.status == "differs":
            yield _wrapped(f"{what}: {_difference(other, comparison)}")
    for law in report.laws:
        if law.outcome.status == "differs":
            yield _wrapped(f"{law.function} ({law.law}): {_both_sides(law.outcome)}")
    found += [(f"{law.function} ({law.law})", "", law.outcome) for law in report.laws]
    reasons = dict.fromkeys(c.reason for _, _, c in found if c.status == "not checked")
    for reason in reasons:
        names = ", ".join(w for w, _, c in found if c.status == "not checked" and c.reason == reason)
        yield _wrapped(f"not checked: {names}: {reason}")


def _own_adjoints(report: Report) -> Iterator[str]:
    """Whether the adjoints that the model brings are derivatives."""
    for name, found in report.own.items():
        if found.status == "ok":
            yield f"adjoint {name}: agrees with the derivative of {name} ({found.error:.1e})"
        elif found.worst is not None:
            own, true = found.worst.compiled, found.worst.expected
            meant = name not in report.wrong_adjoints
            what = f"adjoint {name}: is not the derivative of {name}" + (
                ", and is taken as it is" if meant else ""
            )
            where = f"it gives {own!r} for {found.worst.element}, where the derivative is {true!r}"
            yield _wrapped(f"{what}; {where}" + ("" if meant else f" (is it meant so? --surrogate {name})"))
        else:
            yield _wrapped(f"adjoint {name}: not compared with the derivative of {name}: {found.reason}")


def _wrapped(text: str) -> str:
    return fill(text, 96, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _difference(other: str, found: Comparison) -> str:
    worst = found.worst
    if worst is None:
        return found.reason
    return f"worst at {worst.element}: compiled {worst.compiled!r}, {other} {worst.expected!r}"


def _both_sides(found: Comparison) -> str:
    worst = found.worst
    if worst is None:
        return found.reason
    return f"worst at {worst.element}: {worst.compiled!r} on the left, {worst.expected!r} on the right"


def _summary(report: Report) -> str:
    wrong = [f"d_{row.name}" for row in report.rows if row.verdict == "DIFFERS"]
    wrong += [*_names(report, "differs"), *(f"adjoint {name}" for name in report.wrong_adjoints)]
    if wrong:
        return _wrapped(f"DIFFERS: {', '.join(wrong)}")
    open_ = [f"d_{row.name}" for row in report.rows if row.verdict != "ok"]
    open_ += _names(report, "not checked")
    if open_:
        return _wrapped(f"nothing differs, but not everything was checked: {', '.join(open_)}")
    if report.laws:
        return "all derivatives and values agree"
    return "the gradient and all values agree" if report.rows else "all values agree"


def _names(report: Report, status: Status) -> list[str]:
    """The outputs, and the functions on request, of which this is so."""
    values = [name for name, value in report.values if value.status == status]
    return values + list(dict.fromkeys(law.function for law in report.laws if law.outcome.status == status))
