"""A hanging chain with scipy_chain.dsl and scipy_chain_links.dsl: an energy minimised under constraints.

    python examples/scipy_chain.py --points 19 --length 1.5

hangs a chain between two points, one apart, by two of SciPy's methods, and compares how deep it hangs with
the curve that a chain of very many links has, the catenary.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
from numpy.typing import NDArray

try:
    from scipy import optimize
except ImportError:
    raise SystemExit("the optimiser comes with SciPy: pip install scipy") from None

FOLDER = Path(__file__).parent
ENDS = [[0.0, 0.0], [1.0, 0.0]]
Array = NDArray[np.float64]


def start(chain: ModuleType, points: int, length: float) -> Array:
    """A triangle as long as the chain."""
    depth = math.sqrt(length**2 - 1.0) / 2.0
    along = np.linspace(0.0, 1.0, points + 2)[1:-1]
    packed: Array = chain.pack(
        chain.Params(p=np.column_stack([along, -depth * (1.0 - np.abs(2 * along - 1.0))]))
    )
    return packed


def hang(chain: ModuleType, links: ModuleType, points: int, length: float, method: str) -> Any:
    """SciPy's result."""
    tie = links.residuals(ENDS, length / (points + 1), N=points)
    given: dict[str, Any] = {"constraints": {"type": "eq", "fun": tie.fun, "jac": tie.jac}}
    if method == "trust-constr":
        constraint = optimize.NonlinearConstraint(tie.fun, 0.0, 0.0, jac=tie.jac)
        given = {"constraints": constraint, "hess": chain.objective_hess(N=points)}
    return optimize.minimize(
        chain.objective(N=points), start(chain, points, length), jac=True, method=method,
        options={"maxiter": 2000}, **given,
    )  # fmt: skip


def catenary_depth(length: float) -> float:
    """How deep a chain without links hangs: y = a cosh(x / a), 2 a sinh(1 / 2a) = length."""
    a = optimize.brentq(lambda a: 2.0 * a * math.sinh(0.5 / a) - length, 0.02, 100.0)
    return float(a * (math.cosh(0.5 / a) - 1.0))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="A chain that hangs between two points, one apart.")
    parser.add_argument("--points", type=int, default=19, help="points between the ends")
    parser.add_argument("--length", type=float, default=1.5, help="of the chain, from 1.01 to 20")
    options = parser.parse_args(arguments)
    if not 1.01 <= options.length <= 20.0 or options.points < 1:
        parser.error("the chain has at least one point, and is from 1.01 to 20 long")
    chain = autodiffc.load(FOLDER / "scipy_chain.dsl", emit=["hessian"])
    links = autodiffc.load(FOLDER / "scipy_chain_links.dsl", emit=["jacobian"])
    for method in ("SLSQP", "trust-constr"):
        found = hang(chain, links, options.points, options.length, method)
        p = chain.unpack(found.x, N=options.points).p
        print(f"{method:<12}  energy {found.fun:.6f}  depth {-p[:, 1].min():.6f}  {found.message}")
    print(f"the catenary is {catenary_depth(options.length):.6f} deep")


if __name__ == "__main__":
    main()
