"""`autodiffc diagnose model.dsl --data data.npz`: what is wrong with a model at these data, with plots.

Exit status 0 where nothing is found, 1 where something is, 2 where the data don't fit the model.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from autodiffc.grammar.source import Source

from .api import program_of
from .diagnosis import BadSizes, TooLong, WrongData, diagnosis_of, read
from .files import write_whole


class WrongRequest(Exception):
    """The data can't be read, or don't fit; the message says why."""


def run(
    source: Source,
    data: str,
    *,
    dims: Mapping[str, int] | None = None,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    json: bool = False,
    page: str | None = None,
) -> int:
    """Diagnose, print the report (and write the page); 0 where nothing is found, 1 where something is."""
    if seed < 0:
        raise WrongRequest("--seed: a seed is not negative")
    program = program_of(source, dims)
    try:
        diagnosis = diagnosis_of(program, read(data), sizes, seed)
    except OSError as problem:
        raise WrongRequest(f"{data}: {(problem.strerror or str(problem)).lower()}") from None
    except BadSizes as problem:
        raise WrongRequest(f"--sizes: {problem}") from None
    except TooLong as problem:
        raise WrongRequest(f"{problem}; give it shorter data") from None
    except MemoryError:
        raise WrongRequest("at these sizes the model's values don't fit in memory") from None
    except WrongData as problem:
        raise WrongRequest(str(problem)) from None
    if page:
        try:
            write_whole(Path(page), diagnosis.html())
        except OSError as problem:
            raise WrongRequest(f"{page}: {(problem.strerror or str(problem)).lower()}") from None
    sys.stdout.write(diagnosis.json() if json else str(diagnosis))
    return int(not diagnosis.ok)
