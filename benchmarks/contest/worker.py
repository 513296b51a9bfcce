"""One process of a run: some contenders of a workload, compared, then timed in turns.

    python worker.py '{"workload": "scalar3", "contenders": ["O2", "best"], "batch": 0.01, "rounds": 7}'

prints one line of JSON, `{"O2": {"times": […], "difference": 0.0, "peak": 0}, "jax": {"skipped": "…"}}`. A
contender whose answer differs from that of the code by hand (of -O0 where there is none) isn't timed.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contest.compare import difference
from contest.contenders import OURS, Contender, contenders, emitted
from contest.memory import kept, peak_bytes
from contest.timing import interleaved
from contest.workload import Answer, Workload

TRACED = ("O0", "O1", "O2", "workspace", "best", "autograd")


def reference(workload: Workload) -> Answer:
    """What all are compared with."""
    name = "best" if workload.best else "O0"
    (found,) = contenders(workload, (name,))
    assert isinstance(found, Contender), found
    answer = found.answer()
    assert answer is not None
    return answer


def judged(found: Contender, expected: Answer, tolerance: float) -> dict[str, Any]:
    """How far off its answer is; `wrong` where that is too far, `skipped` where it has none."""
    try:
        answer = found.answer()
        off = 0.0 if answer is None else difference(answer, expected)
    except Exception as error:
        return {"skipped": f"failed: {type(error).__name__}: {error}"[:300]}
    if off <= tolerance:
        return {"difference": off}
    return {
        "wrong": "another shape, or not finite" if math.isinf(off) else f"differs by {off:.1e}",
        "difference": str(off),
    }


def peak(workload: Workload, found: Contender) -> int:
    """Of a call as if it were the first: what is kept between calls counts too."""
    kept.cache_clear()
    if found.name in OURS:
        getattr(emitted(workload, int(found.name[1])), "release", lambda: None)()
    return peak_bytes(found.function, *found.arguments)


def run(
    workload: Workload, names: Sequence[str], batch: float, rounds: int, busy: bool = False
) -> dict[str, Any]:
    """Each contender's result."""
    try:
        expected = reference(workload)
    except FileNotFoundError as missing:
        return {name: {"skipped": str(missing)} for name in names}
    results: dict[str, Any] = {}
    racing: dict[str, Contender] = {}
    for found in contenders(workload, tuple(names)):
        if isinstance(found, tuple):
            results[found[0]] = {"skipped": found[1]}
            continue
        results[found.name] = judged(found, expected, workload.tolerance)
        if results[found.name].keys() == {"difference"}:
            racing[found.name] = found
    calls = {name: (found.function, found.arguments) for name, found in racing.items()}
    for name, times in interleaved(calls, batch, rounds, busy).items():
        results[name]["times"] = times
    for name in racing.keys() & set(TRACED):
        results[name]["peak"] = peak(workload, racing[name])
    return results


def main() -> None:
    from cases import WORKLOADS

    order = json.loads(sys.argv[1])
    workload, names = WORKLOADS[order.pop("workload")], order.pop("contenders")
    results = run(workload, names, **order)
    print(json.dumps(results), flush=True)


if __name__ == "__main__":
    main()
