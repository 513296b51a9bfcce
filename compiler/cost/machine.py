"""What things cost on a machine: measured numbers, with and without AVX512.

>>> machine = machine_called("AVX512")
>>> machine.element("exp") < machine.element("sin")
True

The numbers are in `measured.py`. NumPy has vectorised exp, log, tanh and others for AVX512 alone; which of
the two a CPU has, `detected` asks NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from autodiffc.grammar.records import record

from .measured import AVX2, AVX512

FEATURES = ("X86_V4", "AVX512_SKX", "AVX512F")  # as NumPy 2 and NumPy 1 call them
USUAL = (0.5, 400.0)  # an op that the table doesn't have


@record(frozen=True)
class Machine:
    """Nanoseconds for elements and calls of ops, and rates: operations or bytes in a nanosecond.

    ops               ns for an element in the cache, ns for a call on a few elements
    matmul_call       a product of small matrices
    gemm_flops        operations in a ns: products of matrices
    gemv_bytes        bytes of the matrix in a ns, from the second cache
    lapack_flops      factorisations of some 64 rows; `lapack_call`: of small ones
    einsum_flops      products that no GEMM does
    memory_bytes      bytes in a ns beyond the caches, reading and writing
    fault             the first touch of a page of 4096 bytes, for arrays that the allocator does not keep
    scalar            an operation on Python floats; `scalar_call`: a function of `math`
    """

    name: str
    ops: Mapping[str, tuple[float, float]]
    matmul_call: float
    gemm_flops: float
    gemv_bytes: float
    lapack_flops: float
    lapack_call: float
    einsum_flops: float
    memory_bytes: float
    fault: float
    scalar: float
    scalar_call: float

    @property
    def cache_bytes(self) -> int:
        """What a core has to itself: half of a second cache of 2 MB, as the rest of a program uses it too."""
        return 2**20

    def element(self, op: str) -> float:
        """ns for an element."""
        return self.ops.get(op, USUAL)[0]

    def call(self, op: str) -> float:
        """ns for a call."""
        return self.ops.get(op, USUAL)[1]


@cache
def machine_called(name: str) -> Machine:
    """The column of the table: AVX512 or AVX2."""
    numbers, ops = {"AVX512": AVX512, "AVX2": AVX2}[name]
    return Machine(name, ops, **numbers)


@cache
def detected() -> Machine:
    """The column for the CPU that this runs on."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    return machine_called("AVX512" if set(FEATURES) & set(extensions["found"]) else "AVX2")
