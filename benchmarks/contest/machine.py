"""What a run ran on, and the environment of the processes that are timed.

>>> environment(threads=1)["OPENBLAS_NUM_THREADS"]
'1'

Names of hosts and paths are left out.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
from pathlib import Path

import numpy

PACKAGES = ("numpy", "jax", "torch", "autograd", "casadi", "sympy", "numba")
# What makes each library use so many threads, and no others.
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "NPROC")
# What makes each library do without AVX512.
WITHOUT_AVX512 = {
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "NUMBA_CPU_NAME": "haswell",
}


def environment(threads: int, avx512: bool = True) -> dict[str, str]:
    """The variables of a timed process: they must be set before the libraries are loaded."""
    flags = [f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}"]
    values = {**os.environ, **dict.fromkeys(THREADS, str(threads)), "JAX_PLATFORMS": "cpu"}
    if not avx512:
        flags.append("--xla_cpu_max_isa=AVX2")
        values |= WITHOUT_AVX512
        values["NPY_DISABLE_CPU_FEATURES"] = " ".join(wide_features())
    values["XLA_FLAGS"] = " ".join(flags)
    return values


def wide_features() -> list[str]:
    """NumPy's dispatched features that need AVX512, as far as they are on."""
    package = "numpy._core" if hasattr(numpy, "_core") else "numpy.core"  # before NumPy 2
    core = importlib.import_module(f"{package}._multiarray_umath")
    wide = (name for name in core.__cpu_dispatch__ if name.startswith(("AVX512", "X86_V4")))
    return [name for name in wide if core.__cpu_features__.get(name)]


def has_avx512() -> bool:
    return bool(wide_features())


def cache_sizes() -> str:
    """Of the first core, as Linux tells them; empty elsewhere."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = size.replace("K", " KB").replace("M", " MB")
    return ", ".join(f"{level} {size}" for level, size in found.items())


def processor() -> str:
    """The processor's name, as Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def features() -> dict[str, str]:
    """The machine, in words."""
    wide = wide_features()
    return {
        "processor": f"{processor()}, {platform.machine()}, {os.cpu_count()} cores",
        "caches": cache_sizes() or "unknown",
        "NumPy's wide features": " ".join(wide) or "none (no AVX512)",
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }
