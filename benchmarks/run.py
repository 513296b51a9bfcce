"""Race the emitted modules against NumPy by hand and against other systems.

    python benchmarks/run.py                                  # all workloads, one thread
    python benchmarks/run.py --only scalar3 lstm --quick
    python benchmarks/run.py --threads 1,2 --no-avx512 --out docs/benchmarks.md

Each workload's results are kept when it is done: an interrupted run goes on with `--resume`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from cases import WORKLOADS
from contest.compiling import Compilation, measured
from contest.contenders import ALL, OURS, PEERS
from contest.figure import png
from contest.hvps import hessian_products
from contest.machine import has_avx512
from contest.ratios import Results, ratio
from contest.report import (
    Product,
    Run,
    all_goals,
    goal_rows,
    markdown,
    own_rows,
    peer_rows,
    product_rows,
)
from contest.running import Setting, Store, runs, write_whole
from contest.texts import aligned, duration, times
from contest.workload import BENCHMARKS

TEMPLATE = BENCHMARKS / "report.md"


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Race emitted modules against NumPy by hand and other systems."
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=tuple(WORKLOADS), help="these workloads")
    parser.add_argument("--goals", action="store_true", help="only workloads with a goal")
    parser.add_argument(
        "--quick", action="store_true", help="short batches, no torch.compile, no large models"
    )
    parser.add_argument(
        "--busy", action="store_true", help="count processor time: others use this machine, too"
    )
    parser.add_argument(
        "--threads",
        default="1",
        metavar="1|2|1,2",
        help="one run for each; the second has the workloads with a goal",
    )
    parser.add_argument("--no-avx512", action="store_true", help="another run of one thread, without AVX512")
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="NAME", choices=ALL, help="leave these out"
    )
    parser.add_argument(
        "--with", nargs="+", default=[], dest="also", metavar="NAME", choices=ALL, help="although --quick"
    )
    parser.add_argument("--no-peers", action="store_true", help="our levels and the code by hand alone")
    parser.add_argument(
        "--workloads-alone", action="store_true", help="only the workloads: no compile times, no Hessians"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write a Markdown report, and a PNG beside it"
    )
    parser.add_argument("--resume", action="store_true", help="keep what an earlier run has measured")
    parser.add_argument("--results", type=Path, default=BENCHMARKS / "results", metavar="FOLDER")
    parser.add_argument("--list", action="store_true", help="name the workloads")
    return parser.parse_args(arguments)


def settings(asked: argparse.Namespace) -> list[Setting]:
    """The runs that are asked for."""
    slow = {"compile"}.difference(asked.also) if asked.quick else ()
    left_out = {*asked.without, *(PEERS if asked.no_peers else ()), *slow}
    names = tuple(name for name in ALL if name not in left_out)
    found = [
        Setting(int(threads), True, asked.quick, asked.busy, names) for threads in asked.threads.split(",")
    ]
    if asked.no_avx512 and has_avx512():
        found.append(Setting(1, False, asked.quick, asked.busy, names))
    return found


def line(name: str, results: Results) -> str:
    """How a workload went, in a line."""
    found = [
        f"{other} {times(ratio(results, other, 'O2'))}" for other in ("O0", "O1", "workspace", "best", *PEERS)
    ]
    wrong = [f"{other} IS WRONG: {r['wrong']}" for other, r in results.items() if "wrong" in r]
    failed = [f"{other} {r['skipped']}" for other, r in results.items() if "failed" in r.get("skipped", "")]
    own = results.get("O2", {})
    head = f"{name}: -O2 " + (
        duration(median(own["times"])) if "times" in own else own.get("skipped", "not timed")
    )
    return ", ".join([head, *(text for text in found if not text.endswith("–")), *wrong, *failed])


def race(asked: argparse.Namespace, setting: Setting, names: Sequence[str]) -> Run:
    """All workloads; those that are done, where the user interrupts."""
    done: dict[str, Results] = {}
    run = Run(setting, done, WORKLOADS)
    print(f"{run.title}:", flush=True)
    try:
        for name, results in runs(names, setting, Store(asked.results), asked.resume):
            done[name] = results
            print(f"  {line(name, results)}", flush=True)
    except KeyboardInterrupt:
        print(f"interrupted; {len(done)} workloads are kept in {asked.results.name}/ (--resume goes on)")
    return run


def show(run: Run) -> None:
    """The tables in the terminal."""
    peers = set(PEERS) & set(run.setting.contenders)
    for rows in (own_rows(run), *((peer_rows(run), goal_rows(run)) if peers else ())):
        print()
        print("\n".join(aligned(rows)))
    judged = [goal.met for goal in all_goals(run) if goal.met is not None]
    print(f"\ngoals met: {sum(judged)} of {len(judged)}")


def compilations(asked: argparse.Namespace) -> list[Compilation]:
    found = []
    for done in () if asked.workloads_alone else measured(asked.quick):
        print(f"  {done.what} at -O{done.level}: {duration(done.seconds)}", flush=True)
        found.append(done)
    return found


def products(asked: argparse.Namespace) -> list[Product]:
    """Hessians times vectors."""
    if asked.workloads_alone:
        return []
    found = list(hessian_products(0.02, 7 if asked.quick else 25, asked.busy))
    print("\n" + "\n".join(aligned(product_rows(found))))
    return found


def write(
    out: Path, finished: Sequence[Run], compiled: Sequence[Compilation], multiplied: Sequence[Product]
) -> None:
    """The report and its picture, whole or not at all."""
    picture = png(finished[0])
    figure = out.with_suffix(".png")
    if picture is not None:
        write_whole(figure, picture)
    template = TEMPLATE.read_text(encoding="utf-8")
    text = markdown(template, finished, compiled, multiplied, figure.name if picture else None)
    write_whole(out, text)
    print(f"wrote {out}" + (f" and {figure}" if picture is not None else ""))


def main(arguments: Sequence[str] | None = None) -> int:
    asked = options(arguments)
    names = [
        name
        for name, w in WORKLOADS.items()
        if name in (asked.only or WORKLOADS) and (w.goals or not asked.goals)
    ]
    if asked.list:
        print("\n".join(f"{name:<24}{WORKLOADS[name].title}" for name in names))
        return 0
    start = time.perf_counter()
    first, *others = settings(asked)
    # further settings take long, with a process for each contender: by default they are for the goals
    fewer = names if asked.only else [name for name in names if WORKLOADS[name].goals]
    finished = [race(asked, first, names), *(race(asked, other, fewer) for other in others)]
    finished = [run for run in finished if run.results]
    for run in finished:
        show(run)
    compiled, multiplied = compilations(asked), products(asked)
    if asked.out and finished:
        write(asked.out, finished, compiled, multiplied)
    print(f"took {duration(time.perf_counter() - start)}")
    wrong = any("wrong" in results.get(name, {}) for run in finished for _, results in run for name in OURS)
    return 1 if wrong or not finished else 0


if __name__ == "__main__":
    sys.exit(main())
