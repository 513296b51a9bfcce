"""The sparse Jacobian of bundle adjustment at the sizes of ADBench's benchmark: ratios within one run.

    python benchmarks/bundle_adjustment.py ../shared/cases/adbench/ba/test.txt --up-to 300000

The data file gives one camera, point, weight and feature, which are repeated as ADBench does. Times are the
processor's, in multiples of that of the errors alone: the pattern and the colours (once for a problem), the
errors with their Jacobian, and as many products with one direction as there are colours. Memory is the peak
of what the Jacobian allocates, for each observation.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np

MODEL = Path(__file__).resolve().parents[1] / "examples" / "adbench" / "ba.dsl"
ALL_ERRORS = """
output errors = concatenate(reshape(reprojection_error, 2 * p), weight_error)
grad errors wrt cameras, X, w
"""
# Cameras, points and observations of some of ADBench's data.
SIZES = {
    "BA1": (49, 7776, 31843),
    "BA3": (161, 48126, 182072),
    "BA6": (539, 65220, 277273),
    "BA10": (1197, 126327, 563734),
    "BA13": (245, 198739, 1091386),
}
HEAD = ("p", "colours", "value ns/p", "pattern", "colouring", "Jacobian", "products", "kB/p")
WIDTHS = (9, 9, 12, 10, 11, 10, 10, 7)


def module() -> ModuleType:
    """The model with all errors as its target."""
    from autodiffc.api import module_of

    text = MODEL.read_text(encoding="utf-8") + ALL_ERRORS
    return module_of(autodiffc.compile(text, name=MODEL.name, emit=["jacobian", "jvp"]), "ba")


def repeated(path: Path, n: int, m: int, p: int) -> tuple[Any, ...]:
    """The model's arguments, of so many cameras, points and observations."""
    _, camera, point, weight, feature = (
        np.array(line.split(), float) for line in path.read_text().splitlines() if line.strip()
    )
    i = np.arange(p)
    arrays = [np.tile(row, (count, 1)) for row, count in ((feature, p), (camera, n), (point, m))]
    return i % n, i % m, *arrays, np.full(p, weight[0])


def seconds(run: Callable[[], Any], repeats: int = 1) -> float:
    """The least processor time of a run."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def measure(m: ModuleType, name: str, arguments: tuple[Any, ...]) -> None:
    """One line of the table."""
    camera, point, _, cameras, X, _ = arguments
    sizes = {"n": len(cameras), "m": len(X)}
    value = seconds(lambda: m.predict(*arguments), repeats=5)
    pattern = seconds(lambda: m.jacobian_sparsity(camera, point, **sizes))
    start = time.process_time()
    colouring = m.jacobian_colouring(camera, point, **sizes)
    coloured = time.process_time() - start
    colours = int(colouring.colours.max()) + 1
    jacobian = seconds(lambda: m.value_and_sparse_jacobian(*arguments, colouring=colouring), repeats=2)
    ones = [np.ones_like(value) for value in arguments[3:]]
    products = colours * seconds(lambda: m.jvp(*arguments, *ones), repeats=3)
    tracemalloc.start()
    m.value_and_sparse_jacobian(*arguments, colouring=colouring)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    p = len(camera)
    ratios = [time / value for time in (pattern, coloured, jacobian, products)]
    numbers = [p, colours, value / p * 1e9, *ratios, peak / p / 1e3]
    print(
        f"{name:<6}" + "".join(f"{number:>{width}.0f}" for number, width in zip(numbers, WIDTHS)), flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the sparse Jacobian of bundle adjustment.")
    parser.add_argument("file", type=Path, help="a BA data file of ADBench's")
    parser.add_argument("--up-to", type=int, default=300_000, metavar="OBSERVATIONS")
    options = parser.parse_args()
    print("      " + "".join(f"{title:>{width}}" for title, width in zip(HEAD, WIDTHS)))
    m = module()
    for name, (n, points, p) in SIZES.items():
        if p <= options.up_to:
            measure(m, name, repeated(options.file, n, points, p))


if __name__ == "__main__":
    main()
