"""A diagnosis as a page: one file, without scripts, that opens from disk, prints, and is light or dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from .drawing import bars, histogram, lines
from .finding import Finding
from .plots import thinned
from .seen import Layer, Observation, Recurrence
from .text import ALIKE, ROWS, grouped, heading, shape_text, state
from .thresholds import STEPS
from .words import counted, number

STYLE = """\
:root { color-scheme: light dark; --back: #fff; --text: #1d2330; --soft: #5a6275; --edge: #d5d9e2;
  --ill: #a92f14; --well: #1b6e3c; --first: #2563b8; --second: #b3541e; --panel: #f5f7fa; }
@media (prefers-color-scheme: dark) { :root { --back: #14171d; --text: #e7eaf0; --soft: #a3abbb;
  --edge: #363c49; --ill: #ff9c80; --well: #7fd6a0; --first: #7fb2f5; --second: #f0a36b; --panel: #1c2028; } }
body { margin: 0 auto; max-width: 1100px; padding: 1.5rem 1rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; }
.soft, figcaption { color: var(--soft); }
code, td, th { font-family: ui-monospace, monospace; font-size: .9em; }
.finding { border-left: 4px solid var(--ill); background: var(--panel); padding: .6rem 1rem;
  margin: .8rem 0; }
.finding h3 { color: var(--ill); } .finding p { margin: .3rem 0 0; }
.quiet { color: var(--well); font-weight: 600; }
.wide { overflow-x: auto; } table { border-collapse: collapse; white-space: nowrap; }
th, td { text-align: right; padding: .25rem .7rem; border-bottom: 1px solid var(--edge); }
th:nth-child(2), td:nth-child(2), th:nth-child(3), td:nth-child(3) { text-align: left; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 1rem 0; min-width: 0; } svg.plot { width: 100%; min-width: 480px; max-width: 900px; }
svg text { fill: var(--text); font: 13px system-ui, sans-serif; } svg line { stroke: var(--edge); }
svg .bar, svg.histogram rect { fill: var(--first); } svg.histogram { width: 9rem; height: 1.6rem; }
svg polyline { fill: none; stroke-width: 2; }
svg .line0 { stroke: var(--first); } svg .name0 { fill: var(--first); }
svg .line1 { stroke: var(--second); stroke-dasharray: 6 3; } svg .name1 { fill: var(--second); }
@media print { body { max-width: none; font-size: 11pt; } .finding, figure, tr { break-inside: avoid; } }
"""


def page(seen: Observation, findings: Sequence[Finding]) -> str:
    """The text of the page."""
    title, *sizes = map(escape, heading(seen))
    body = [
        f"<h1>{title}</h1>",
        *(f'<p class="soft">{line}</p>' for line in [" ".join(sizes)] if line),
        *_findings(findings),
        *_depths(seen),
        *(part for loop in seen.recurrences if loop.steps >= STEPS for part in _loop(seen, loop)),
        *_layers(seen),
        *_params(seen),
        *_steps(seen),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(seen.model)}: diagnosis</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    yield f"<h2>{counted(len(findings), 'finding')}</h2>" if findings else "<h2>Findings</h2>"
    if not findings:
        yield '<p class="quiet">Nothing found that is wrong.</p>'
    for (kind, helps), group in grouped(findings).items():
        source = f' <span class="soft">({escape(group[0].reference)})</span>' if group[0].reference else ""
        lines = [(f"line {finding.line}: " if finding.line else "", finding) for finding in group[:ALIKE]]
        more = f"<p>… and {counted(len(group) - ALIKE, 'more place')}</p>" if len(group) > ALIKE else ""
        yield (
            f'<section class="finding"><h3>{escape(kind)}</h3>'
            + "".join(f"<p>{where}{_marked(finding.sentence)}.</p>" for where, finding in lines)
            + more
            + f"<p>What helps: {_marked(helps)}.{source}</p></section>"
        )


def _marked(text: str) -> str:
    """What stands between backquotes, as code."""
    parts = map(escape, text.split("`"))
    return "".join(f"<code>{part}</code>" if k % 2 else part for k, part in enumerate(parts))


def _depths(seen: Observation) -> Iterator[str]:
    if len(seen.depths) > 1:
        rows = [(deep.label, deep.norm) for deep in thinned(seen.depths, ROWS)]
        text = f"Length of the gradient of {seen.target} by layer, the first one above (logarithmic scale)"
        yield f"<h2>Through depth</h2>\n{_figure(bars(rows, text), text)}"


def _loop(seen: Observation, loop: Recurrence) -> Iterator[str]:
    text = (
        f"{loop.label} (line {loop.line}) through {counted(loop.steps, 'step')}; the spectral radius of the "
        f"product of the steps is {number(loop.radius)} a step"
    )
    series: list[tuple[str, Sequence[float]]] = [
        ("what is left of a gradient after the last step", loop.reach)
    ]
    if any(loop.norms):
        series.append((f"gradient of {seen.target} by {loop.label}", loop.norms))
    along = f"from before the first step to after step {loop.steps}"
    yield f"<h2>Through time</h2>\n{_figure(lines(series, along, text), text)}"


def _steps(seen: Observation) -> Iterator[str]:
    looped = [layer for layer in seen.layers if layer.looped and len(layer.values) >= STEPS]
    if looped:
        drawn = "\n".join(_by_step(seen, layer) for layer in looped)
        yield f'<h2>Step by step</h2>\n<div class="grid">{drawn}</div>'


def _by_step(seen: Observation, layer: Layer) -> str:
    _, spreads, lengths = layer.by_step
    series: list[tuple[str, Sequence[float]]] = [(f"standard deviation of {layer.label}", spreads)]
    if any(lengths):
        series.append((f"gradient of {seen.target} by {layer.label}", lengths))
    text = f"{layer.label} (line {layer.line}), step by step"
    return _figure(lines(series, f"step 1 to {len(layer.values)}", text), text)


def _figure(drawing: str, caption: str) -> str:
    below = f"<figcaption>{escape(caption)}</figcaption>"
    return f'<figure><div class="wide" tabindex="0">{drawing}</div>{below}</figure>'


def _layers(seen: Observation) -> Iterator[str]:
    if seen.layers:
        by = f"|∂{seen.target}|" if seen.target else ""
        head = ("line", "layer", "shape", "mean", "std", "from", "distribution", "to", by, "units")
        yield f"<h2>Layers</h2>\n{_table(head, [_layer(layer) for layer in seen.layers])}"


def _layer(layer: Layer) -> list[str]:
    mean, spread, low, high = layer.moments
    counts, start, stop = layer.histogram
    text = f"histogram of {layer.label} from {number(start)} to {number(stop)}"
    steps = f"{len(layer.values)} × " if layer.looped else ""
    cells = [
        str(layer.line or ""),
        layer.label,
        steps + shape_text(layer.shape),
        *map(number, (mean, spread, low)),
    ]
    gradient = number(layer.norm) if layer.gradients else ""
    drawn = histogram([int(c) for c in counts], text)
    return [*map(escape, cells), drawn, number(high), gradient, escape(state(layer))]


def _params(seen: Observation) -> Iterator[str]:
    if not seen.params:
        return
    rows = []
    for param in seen.params:
        known = param.gradient is not None
        relative = number(param.norm / param.size) if known and param.size else ""
        cells = (str(param.line or ""), param.label, shape_text(param.value.shape), number(param.size))
        rows.append([*map(escape, cells), number(param.norm) if known else "none", relative])
    head = ("line", "param", "shape", "length", f"|∂{seen.target}|", "relative")
    yield f"<h2>Params</h2>\n{_table(head, rows)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already."""
    first = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{first}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    return f'<div class="wide" tabindex="0">{table}</div>'
