"""Workloads run in processes of their own, and their results kept as they come.

    for name, results in runs(("scalar3",), Setting(threads=1, quick=True), Store(folder)): …

With one thread all contenders of a workload share a process and take turns; with more each has one, because
idle threads of one library take the cores from another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .contenders import ALL
from .machine import environment

WORKER = Path(__file__).with_name("worker.py")
Results = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Setting:
    """How a workload is run."""

    threads: int = 1
    avx512: bool = True
    quick: bool = False
    busy: bool = False
    contenders: tuple[str, ...] = ALL
    timeout: float = 900.0

    @property
    def batch(self) -> float:
        return 0.004 if self.quick or self.busy else 0.04

    @property
    def rounds(self) -> int:
        return 15 if self.quick else 25

    @property
    def label(self) -> str:
        return f"{self.threads}{'' if self.avx512 else '-no-avx512'}"


@dataclass(frozen=True)
class Store:
    """A folder with a file for each workload and setting."""

    folder: Path

    def path(self, name: str, setting: Setting) -> Path:
        return self.folder / f"{name}.{setting.label}.json"

    def read(self, name: str, setting: Setting) -> Results | None:
        """None unless the file holds all that is asked for, measured in the same way."""
        try:
            kept = json.loads(self.path(name, setting).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        same = kept["quick"] == setting.quick and set(setting.contenders) <= kept["results"].keys()
        return {key: kept["results"][key] for key in setting.contenders} if same else None

    def write(self, name: str, setting: Setting, results: Results) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"setting": asdict(setting), "quick": setting.quick, "results": results})
        write_whole(self.path(name, setting), text)


def write_whole(path: Path, content: str | bytes) -> None:
    """The file is as it was, or new from beginning to end."""
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def in_process(name: str, contenders: Sequence[str], setting: Setting) -> Results:
    """The results of a process; a process that fails is the result of all of its contenders."""
    order = {
        "workload": name, "contenders": list(contenders),
        "batch": setting.batch, "rounds": setting.rounds, "busy": setting.busy,
    }  # fmt: skip
    command = [sys.executable, str(WORKER), json.dumps(order)]
    values = environment(setting.threads, setting.avx512)
    try:
        done = subprocess.run(command, env=values, capture_output=True, text=True, timeout=setting.timeout)
    except subprocess.TimeoutExpired:
        return {c: {"skipped": f"not done after {setting.timeout:.0f} s"} for c in contenders}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {c: {"skipped": f"failed: {last}"[:300]} for c in contenders}
    results: Results = json.loads(done.stdout.splitlines()[-1])
    return results


def run(name: str, setting: Setting) -> Results:
    if setting.threads == 1:
        return in_process(name, setting.contenders, setting)
    found: Results = {}
    for contender in setting.contenders:
        found |= in_process(name, (contender,), setting)
    return found


def runs(
    names: Sequence[str], setting: Setting, store: Store, resume: bool = False
) -> Iterator[tuple[str, Results]]:
    """Each workload's results: those that are there if they will do, else new ones, which are kept."""
    for name in names:
        results = store.read(name, setting) if resume else None
        if results is None:
            results = run(name, setting)
            store.write(name, setting, results)
        yield name, results
