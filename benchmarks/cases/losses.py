"""What a missed goal would take, or the time of a quicker peer; the report says it where one is missed.

Shares of a time are those of statements in the emitted module, at -O2, timed one by one.
"""

from __future__ import annotations

from collections.abc import Mapping

PYTHON = """
Numbers one by one: a call, the check of its arguments' types and `Grads` are 40 % of the shortest
function's time and a fifth of the robot arm's, which code by hand leaves out; the rest are Python's own
arithmetic and calls of `math`. CasADi's buffers, Numba and JAX run machine code. It would take a compiler
at run time, or a named tuple at the price of a bare one.
"""
SHORT_CALLS = """
Some forty calls of NumPy on a few hundred numbers, each of which costs more than its arithmetic, and which
more threads slow down; code by hand takes as long. It would take fewer calls than the formulas have:
machine code for the whole function.
"""
PRODUCTS = """
19 of 20 parts of the time are five products of matrices, which run at the processor's peak, and which
autograd and JAX compute as quickly. It would take a quicker BLAS.
"""
TWO_GEMVS = """
Half of the time are the two products; the stable softplus and logistic function of 1,000 margins take a
third, ten short calls the rest, as they do by hand. It would take one pass over the margins, which is a
loop in machine code.
"""
GMM = """
One product of matrices with the pairs of a point's numbers gives all exponents, and another one their
adjoint: a third of the time. Passes over the exponents take a quarter, what each call makes of the matrices
and of their gradients a third. It would take the exponents and their sums in the loop of the products, in
machine code.
"""
ELEMENTWISE = """
In tiles that stay in the cache, 57 % of the time are tanh, sqrt, log1p, exp and divisions, which are
compute-bound; the others pass over the cache once each. NumPy has vector forms of tanh, exp and logarithms
for AVX512 only: without, JAX's own approximations are what it would take; with it, one loop in machine
code.
"""
RECURRENT = """
Half of the time are products of small matrices, one after the other, the rest some twenty calls a step on
arrays of a few thousand numbers. JAX and torch.nn compute a step in one loop of machine code. By hand in
NumPy it takes a tenth less, without checks.
"""
STEPS = """
A loop whose steps are a few dozen operations on a few numbers: each costs what Python or NumPy take for a
call, and JAX compiles the loop. It would take machine code; the code by hand is within reach: parts of
arrays that are the same in every step bound before the loop, and what a step reads not copied for the
adjoint.
"""
ONE_PASS = """
A square root and a division are half of the time; the other passes over the matrix are what JAX does
without. It would take one loop in machine code.
"""
FUSED = """
All contenders compute the same products or exponents; between them NumPy passes over arrays in the cache,
which a compiler's loop leaves out. It would take that loop, in machine code.
"""

WOULD_TAKE: Mapping[str, str] = {
    **dict.fromkeys(("scalar3", "robot_arm", "black_scholes", "kepler5", "reaction"), PYTHON),
    **dict.fromkeys(("mgh_helical", "mgh_wood", "mgh_rosenbrock", "mgh_powell_badly_scaled"), PYTHON),
    **dict.fromkeys(("mlp_small", "sigmoid_batch1", "sigmoid_dims"), SHORT_CALLS),
    **dict.fromkeys(("mlp_64", "mlp_512"), PRODUCTS),
    "logistic_1000x50": TWO_GEMVS,
    "gmm_d10_K25": GMM,
    "elementwise_1e6": ELEMENTWISE,
    **dict.fromkeys(("lstm", "gru"), RECURRENT),
    **dict.fromkeys(("cnn", "rbf", "rows", "layer_norm", "adbench_ba1"), FUSED),
    **dict.fromkeys(("orbit", "adbench_lstm_l2_c1024", "adbench_lstm_l2_c4096"), STEPS),
    "decay": ONE_PASS,
}
