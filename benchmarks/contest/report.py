"""The results as tables, in the terminal and in a Markdown file.

    print("\\n".join(aligned(goal_rows(run))))
    text = markdown(template, [one_thread, two_threads], compilations, products, "benchmarks.png")

A table is rows of texts, the first its head.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from .compiling import Compilation
from .contenders import PEERS, TITLES
from .machine import features
from .ratios import Goal, Results, goals, ratio, timed
from .running import Setting
from .texts import amount, duration, table, times
from .timing import Spread, spread
from .workload import Workload

Row = tuple[str, ...]
Product = tuple[str, list[float], list[float]]
COMMON = ("jax", "torch", "compile", "autograd")
RARE = tuple(name for name in PEERS if name not in COMMON)


@dataclass(frozen=True)
class Run:
    """All results of a setting."""

    setting: Setting
    results: Mapping[str, Results]
    workloads: Mapping[str, Workload] = field(repr=False)

    def __iter__(self) -> Iterator[tuple[Workload, Results]]:
        return ((self.workloads[name], results) for name, results in self.results.items())

    @property
    def title(self) -> str:
        threads = "One thread" if self.setting.threads == 1 else f"{self.setting.threads} threads"
        without = "" if self.setting.avx512 else ", without AVX512"
        return threads + without + (", processor time" if self.setting.busy else "")


def all_goals(run: Run) -> list[Goal]:
    return [goal for workload, results in run for goal in goals(workload, results)]


def verdict(goal: Goal) -> str:
    return {None: "not run", True: "met", False: "**missed**"}[goal.met]


def got_text(goal: Goal) -> str:
    """What was got, in digits enough to tell it from what was missed."""
    return times(goal.got, lambda shown: goal.reached(shown) == goal.met)


def goal_rows(run: Run) -> Iterator[Row]:
    """A row for each goal."""
    yield "work", "against", "to reach", "got", "", "by hand"
    for goal in all_goals(run):
        wanted = f"{'≤' if goal.at_most else '≥'} {goal.wanted:g}"
        yield goal.workload.title, goal.what, wanted, got_text(goal), verdict(goal), times(goal.by_hand)


def seconds(results: Results, name: str) -> str:
    return duration(median(results[name]["times"])) if timed(results, name) else why(results, name)


def why(results: Results, name: str) -> str:
    """What stands where there is no time."""
    found = results.get(name, {})
    return "wrong" if "wrong" in found else "failed" if found.get("skipped", "").startswith("failed") else "–"


def own_rows(run: Run) -> Iterator[Row]:
    """Other forms of the same in multiples of -O2, and -O2 in multiples of parts of its work."""
    yield "work", "-O2", "-O0", "-O1", "workspace", "by hand", "-O2 / limit", "-O2 / its forward"
    for workload, results in run:
        own = (times(ratio(results, name, "O2")) for name in ("O0", "O1", "workspace", "best"))
        parts = (times(ratio(results, "O2", name)) for name in ("limit", "forward"))
        yield workload.title, seconds(results, "O2"), *own, *parts


def against(results: Results, name: str) -> str:
    found = ratio(results, name, "O2")
    return why(results, name) if found is None else times(found)


def peer_rows(run: Run) -> Iterator[Row]:
    """Each peer's time in multiples of -O2's."""
    yield "work", *(TITLES[name] for name in COMMON), "others"
    for workload, results in run:
        others = [f"{TITLES[name]} {against(results, name)}" for name in RARE if name in results]
        rare = "; ".join(text for text in others if not text.endswith("–"))
        yield workload.title, *(against(results, name) for name in COMMON), rare or "–"


def memory_rows(run: Run) -> Iterator[Row]:
    """Where something beyond a few kilobytes is allocated."""
    names = ("O0", "O1", "O2", "workspace", "best", "autograd")
    yield "work", *(TITLES[name] for name in names)
    for workload, results in run:
        peaks = [results.get(name, {}).get("peak") for name in names]
        if max(filter(None, peaks), default=0) > 1e6:
            yield workload.title, *("–" if peak is None else amount(peak) for peak in peaks)


def compile_rows(compilations: Iterable[Compilation]) -> Iterator[Row]:
    yield "what", "level", "time", "to reach", "emitted"
    for done in compilations:
        goal = "" if done.goal is None else f"{done.goal:g} s"
        size = f"{done.characters:,} characters" if done.characters else ""
        yield done.what, f"-O{done.level}", duration(done.seconds), goal, size


def product_rows(products: Iterable[Product]) -> Iterator[Row]:
    yield "work", "gradient", "Hessian times a vector, in gradients"
    for title, gradient, product in products:
        within = spread([a / b for a, b in zip(product, gradient)])
        yield title, duration(median(gradient)), times(within)


def quicker(results: Results) -> Iterator[tuple[str, Spread]]:
    """The peers that are quicker than -O2."""
    for name in PEERS:
        got = ratio(results, name, "O2")
        if got is not None and got.median < 1.0:
            yield TITLES[name], got


def losses(run: Run) -> Iterator[Row]:
    """Where a peer is quicker than -O2, the nearest to a tie first."""
    found = [(workload.title, peer, got) for workload, results in run for peer, got in quicker(results)]
    yield "work", "peer", "its time / -O2"
    yield from (
        (title, peer, times(got)) for title, peer, got in sorted(found, key=lambda row: -row[2].median)
    )


def lost(workload: Workload, results: Results) -> list[str]:
    """The goals that a workload misses, and the peers that are quicker, with what was got."""
    missed = [goal for goal in goals(workload, results) if goal.met is False]
    texts = [f"{goal.what} {got_text(goal)} for {goal.wanted:g}" for goal in missed]
    known = {goal.what for goal in missed}
    return texts + [f"{peer} {times(got)}" for peer, got in quicker(results) if peer not in known]


def remedies(runs: Iterable[Run]) -> Iterator[str]:
    """What was lost in any setting, and what it would take: workloads of which the same is true together."""
    found: dict[str, dict[str, list[str]]] = {}
    for run in runs:
        for workload, results in run:
            if texts := lost(workload, results):
                told = found.setdefault(workload.would_take or "Not looked into yet.", {})
                told.setdefault(workload.title, []).append(f"{run.title}: {', '.join(texts)}")
    for text, works in found.items():
        for title, told in works.items():
            yield f"- **{title}.** {'; '.join(told)}."
        yield f"\n{text}\n"


def absences(run: Run) -> Iterator[str]:
    """Who was wrong, who failed, and who wasn't asked and why."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for workload, results in run:
        for name, found in results.items():
            reason = found.get("wrong") or found.get("skipped")
            if reason and name in PEERS:
                reasons.setdefault((TITLES[name], reason), []).append(workload.title)
    for (name, reason), titles in sorted(reasons.items()):
        where = f"{len(titles)} workloads" if len(titles) > 4 else "; ".join(titles)
        yield f"- {name}: {reason} ({where})"


def section(title: str, lines: Iterable[str]) -> str:
    return f"## {title}\n\n" + "\n".join(lines)


def of_run(run: Run) -> Iterator[str]:
    """The sections of a setting."""
    met = sum(goal.met is True for goal in all_goals(run))
    judged = sum(goal.met is not None for goal in all_goals(run))
    if judged:
        summary = f"{met} of {judged} met."
        yield section(f"{run.title}: the goals", [summary, "", *table(goal_rows(run))])
    yield section(f"{run.title}: levels, code by hand, limits", table(own_rows(run)))
    yield section(f"{run.title}: peers, in multiples of -O2", table(peer_rows(run)))
    lost = list(losses(run))
    nothing = ["None."]
    yield section(f"{run.title}: where a peer is quicker", table(lost) if len(lost) > 1 else nothing)


def markdown(
    template: str,
    runs: Sequence[Run],
    compilations: Sequence[Compilation],
    products: Sequence[Product],
    figure: str | None,
) -> str:
    """The whole file: the text by hand, with the machine and the tables in their places."""
    machine = "\n".join(f"- {name}: {text}" for name, text in features().items())
    parts = [part for run in runs for part in of_run(run)]
    first = runs[0]
    parts.append(section("What it would take", list(remedies(runs)) or ["Nothing was lost."]))
    parts.append(section("Memory", table(memory_rows(first))))
    if compilations:
        parts.append(section("Compilation", table(compile_rows(compilations))))
    if products:
        parts.append(section("Hessians times vectors, at -O2", table(product_rows(products))))
    parts.append(section("Who didn't take part", absences(first)))
    image = f"![Times in multiples of -O2]({figure})" if figure else ""
    filled = template.replace("{machine}", machine).replace("{figure}", image)
    return filled.replace("{tables}", "\n\n".join(parts))
