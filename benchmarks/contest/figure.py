"""A picture of the ratios: a row for each workload, a mark for each contender, on a logarithmic scale.

    data = png(run)                      # bytes; None where matplotlib isn't installed

Quartiles are bars.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from .contenders import TITLES
from .ratios import ratio
from .report import Run

MARKS = {
    "best": ("#222222", "|"),
    "O0": ("#9aa5b1", "s"),
    "O1": ("#5b7083", "s"),
    "jax": ("#c2410c", "o"),
    "torch": ("#7c3aed", "^"),
    "compile": ("#a78bfa", "v"),
    "autograd": ("#0f766e", "D"),
}


def png(run: Run) -> bytes | None:
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        return None
    rows = [(workload.title, results) for workload, results in run if "times" in results.get("O2", {})]
    figure, axes = pyplot.subplots(figsize=(9, 1.6 + 0.27 * len(rows)), layout="constrained")
    for y, (_, results) in enumerate(rows):
        marks(axes, y, results)
    decorate(axes, [title for title, _ in rows], run.title)
    content = BytesIO()
    figure.savefig(content, format="png", dpi=130, metadata={"Software": None})
    pyplot.close(figure)
    return content.getvalue()


def marks(axes: Any, y: int, results: Any) -> None:
    """The contenders of a row, with bars from quartile to quartile."""
    for name, (colour, shape) in MARKS.items():
        spread = ratio(results, name, "O2")
        if spread is not None:
            axes.plot([spread.low, spread.high], [y, y], color=colour, linewidth=1.2, alpha=0.6)
            size = 9 if shape == "|" else 5
            axes.plot(spread.median, y, shape, color=colour, markersize=size, linestyle="")


def decorate(axes: Any, titles: list[str], title: str) -> None:
    """A line at 1, a legend above, light bands to lead the eye."""
    axes.set_xscale("log")
    axes.axvline(1.0, color="#222222", linewidth=1)
    for y in range(0, len(titles), 2):
        axes.axhspan(y - 0.5, y + 0.5, color="#f3f4f6", zorder=0)
    axes.set_yticks(range(len(titles)), titles, fontsize=8)
    axes.set_ylim(len(titles) - 0.5, -0.5)
    axes.set_xlabel(f"time in multiples of -O2's (right of the line: slower). {title}.")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    for name, (colour, shape) in MARKS.items():
        axes.plot([], [], shape, color=colour, label=TITLES[name], linestyle="")
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=len(MARKS), fontsize=8, frameon=False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
