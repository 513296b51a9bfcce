"""A diagnosis for a terminal of 100 columns.

    classifier: L = 2.3
    H = 32, N = 200, D = 64; W1, b1, W2 and b2 as init_params(0) starts them

    1 finding

    dead units
        line 19: 12 of the 32 units of h never fire over 200 examples: …
        What helps: …

What follows are tables of layers and params, and plots of the gradient through depth and time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from textwrap import wrap

from .finding import Finding
from .plots import chart, log_bars, spark, thinned, trend
from .seen import Layer, Observation, Recurrence
from .thresholds import STEPS
from .words import counted, number, percent

WIDTH, BARS, ROWS = 98, 40, 30
ALIKE = 8  # findings for which the same helps that are shown


def render(seen: Observation, findings: Sequence[Finding]) -> str:
    """The whole report."""
    blocks: list[list[str]] = [heading(seen), _findings(findings)]
    blocks += [_layers(seen), _params(seen), _depths(seen)]
    blocks += [list(_loop(seen, loop)) for loop in seen.recurrences if loop.steps >= STEPS]
    blocks.append(_steps(seen))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def heading(seen: Observation) -> list[str]:
    value = f" = {number(seen.value)}" if seen.value is not None else ""
    what = f"{seen.target}{value}" if seen.target else "no loss, values only"
    sizes = ", ".join(f"{name} = {size}" for name, size in seen.sizes.items())
    return [f"{seen.model}: {what}", *wrap("; ".join(filter(None, (sizes, *seen.notes))), WIDTH)]


def _findings(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return ["nothing found that is wrong"]
    lines = [counted(len(findings), "finding")]
    for (kind, helps), group in grouped(findings).items():
        lines += ["", kind]
        for finding in group[:ALIKE]:
            where = f"line {finding.line}: " if finding.line else ""
            lines += _indented(f"{where}{finding.sentence}.")
        lines += [f"    … and {counted(len(group) - ALIKE, 'more place')}"] if len(group) > ALIKE else []
        source = f" ({group[0].reference})" if group[0].reference else ""
        lines += _indented(f"What helps: {helps}.{source}")
    return lines


def grouped(findings: Sequence[Finding]) -> dict[tuple[str, str], list[Finding]]:
    """Findings for which the same helps, together."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.kind, finding.helps), []).append(finding)
    return groups


def _indented(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


# --- tables ----------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str]) -> list[str]:
    """Aligned columns, those named in `left` at the left; not all rows where there are many."""
    more = [f"      … and {len(rows) - ROWS} more"] if len(rows) > ROWS else []
    rows = rows[:ROWS]
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    aligned = [
        [
            cell.ljust(width) if name in left else cell.rjust(width)
            for name, cell, width in zip(head, row, widths)
        ]
        for row in (head, *rows)
    ]
    return ["  ".join(row).rstrip() for row in aligned] + more


def _layers(seen: Observation) -> list[str]:
    if not seen.layers:
        return []
    by = f"|∂{seen.target}|" if seen.target else ""
    head = ("line", "layer", "shape", "mean", "std", "from", "distribution", "to", by, "units")
    rows = [_layer(layer) for layer in seen.layers]
    return table(head, rows, ("layer", "shape", "distribution"))


def _layer(layer: Layer) -> tuple[str, ...]:
    mean, spread, low, high = layer.moments
    counts, _, _ = layer.histogram
    steps = f"{len(layer.values)} × " if layer.looped else ""
    return (
        str(layer.line or ""),
        _short(layer.label),
        steps + shape_text(layer.shape),
        number(mean),
        number(spread),
        number(low),
        spark([int(a + b) for a, b in zip(counts[::2], counts[1::2])]),
        number(high),
        number(layer.norm) if layer.gradients else "",
        state(layer),
    )


def _short(label: str) -> str:
    return label if len(label) <= 24 else f"{label[:22].rstrip()} …"


def shape_text(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "1"


def state(layer: Layer) -> str:
    """What is to be said of its activation, in two words."""
    if layer.rectifies and layer.units > 1 and len(layer.silent):
        return f"{len(layer.silent)} of {layer.units} never on"
    if layer.squashes and layer.saturated:
        return f"{percent(layer.saturated)} flat"
    return ""


def _params(seen: Observation) -> list[str]:
    if not seen.params:
        return []
    head = ("line", "param", "shape", "length", f"|∂{seen.target}|", "relative")
    rows = []
    for p in seen.params:
        known = p.gradient is not None
        relative = number(p.norm / p.size) if known and p.size else ""
        cells = (
            str(p.line),
            p.label,
            shape_text(p.value.shape),
            number(p.size),
            number(p.norm) if known else "none",
        )
        rows.append((*cells, relative))
    return table(head, rows, ("param", "shape"))


# --- plots -----------------------------------------------------------------------------------------


def _depths(seen: Observation) -> list[str]:
    if len(seen.depths) < 2:
        return []
    shown = thinned(seen.depths, ROWS)
    bars = log_bars([deep.norm for deep in shown], BARS)
    rows = [(str(d.line or ""), d.label, number(d.norm), drawn) for d, drawn in zip(shown, bars)]
    title = f"the length of the gradient of {seen.target} layer by layer, the first one above (logarithmic)"
    return [title, *table(("line", "layer", "length", ""), rows, ("layer", ""))[1:]]


def _loop(seen: Observation, loop: Recurrence) -> Iterator[str]:
    yield (
        f"line {loop.line}: {loop.label} through {counted(loop.steps, 'step')}; the spectral radius of the "
        f"product of the steps is {number(loop.radius)} a step"
    )
    yield "of a gradient of length 1 after the last step, what is left of it in earlier ones (logarithmic)"
    yield from chart(loop.reach)
    if any(loop.norms):
        yield f"the length of the gradient of {seen.target} by {loop.label} (logarithmic)"
        yield from chart(loop.norms)
    yield f"from before the first step to after step {loop.steps}"


def _steps(seen: Observation) -> list[str]:
    looped = [layer for layer in seen.layers if layer.looped and len(layer.values) >= STEPS]
    if not looped:
        return []
    rows = []
    for layer in looped:
        _, spreads, lengths = layer.by_step
        trends = (*_trend(spreads, False), *_trend(lengths, True))
        rows.append((str(layer.line or ""), _short(layer.label), *trends))
    by = f"|∂{seen.target}| first" if seen.target else ""
    head = ("line", "layer", "std first", "by step", "last", by, "logarithmic", "last")
    return table(head if by else head[:5], rows, ("layer", "by step", "logarithmic"))


def _trend(values: Sequence[float], logarithmic: bool) -> tuple[str, ...]:
    return (number(values[0]), trend(values, logarithmic), number(values[-1])) if values else ()
