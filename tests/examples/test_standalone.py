"""An emitted module runs where there is NumPy and the standard library, and nothing else.

The module is compiled by the command, then imported and trained in a process of its own that starts
without site-packages, knows NumPy alone, and refuses every other import.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TRAINING = """
import importlib.abc, os, sys

class OnlyNumPy(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in {*sys.stdlib_module_names, "numpy", "model"}:
            raise ImportError(f"{name} is neither NumPy nor of the standard library")

sys.meta_path.insert(0, OnlyNumPy())
sys.path += sys.argv[1:]
import numpy as np
import model

try:
    import autodiffc
except ImportError:
    pass
else:
    raise SystemExit("the compiler is in reach")

rng = np.random.default_rng(0)
x, y = rng.normal(size=(64, 5)), rng.integers(10, size=64)
params = model.init_params(rng, D=5, H=16)
losses = []
for _ in range(200):
    loss, grads = model.value_and_grad(x, y, *params)
    params = model.Params(*(p - 0.5 * g for p, g in zip(params, grads)))
    losses.append(loss)
print(losses[0], losses[-1], model.predict(x, *params).p.shape)
"""


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2"])
def test_training_with_numpy_alone(examples: Path, tmp_path: Path, level: str) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    installed = Path(np.__file__).parents[1]
    for package in [installed / "numpy", *installed.glob("numpy.libs")]:
        (libraries / package.name).symlink_to(package, target_is_directory=True)
    target = tmp_path / "model.py"
    command = [sys.executable, "-m", "autodiffc", str(examples / "classifier.dsl"), "-o", str(target), level]
    subprocess.run(command, check=True, cwd=tmp_path)
    training = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", TRAINING, str(tmp_path), str(libraries)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert training.returncode == 0, training.stderr
    first, last, shape = training.stdout.split(" ", 2)
    assert float(last) < 0.2 * float(first)
    assert shape.strip() == "(64, 10)"
