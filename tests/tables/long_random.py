"""Random models for as long as one likes: PYTHONPATH=tests/tables python -m long_random [options].

    --count 5000 --seed 0      the models of the seeds from 0 on
    --statements 3             at most so many statements in each
    --jax                      against JAX, not only against differences (slow)

Each model that fails is printed by its seed at once; the counts of all outcomes every hundred models and at the end,
or when the run is interrupted. `--show 17` prints a model.
"""

from __future__ import annotations

import argparse
from collections import Counter
from random import Random

from autodiffc.api import LEVELS
from whole_checks import against_jax, check
from whole_models import Model, whole_model

REASONS = ("ok", "a kink", "large", "a large gradient", "not finite", "singular")


def main() -> int:
    parser = argparse.ArgumentParser(description="Compile random models and compare their gradients.")
    for name, default in (("count", 1000), ("seed", 0), ("statements", 3), ("show", -1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--jax", action="store_true")
    options = parser.parse_args()
    if options.show >= 0:
        print(whole_model(Random(options.show), options.statements).text)
        return 0
    found: Counter[str] = Counter()
    try:
        for seed in range(options.seed, options.seed + options.count):
            outcome = _outcome(seed, options.statements, options.jax)
            found[outcome if outcome in REASONS else "failed"] += 1
            if outcome not in REASONS:
                print(f"seed {seed}: {outcome}", flush=True)
            if (seed + 1) % 100 == 0:
                print(f"{seed + 1}: {dict(found)}", flush=True)
    except KeyboardInterrupt:
        print()
    print(f"{found.total()} models: {dict(found)}")
    return int(found["failed"] > 0)


def _outcome(seed: int, statements: int, jax: bool) -> str:
    """What came of a model; of two levels in turn, and of small sizes now and then."""
    try:
        model: Model = whole_model(Random(seed), statements)
        if jax:
            return against_jax(model, seed)
        levels = tuple(level for level in LEVELS if level != seed % 3)
        return check(model, seed, levels, small=seed % 5 == 0)
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:300]}"


if __name__ == "__main__":
    raise SystemExit(main())
