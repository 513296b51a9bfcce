"""What modules of -O2 keep at hand: dtypes, which are one object each, constants, what fills arrays.

>>> names = Names([])
>>> names.ref("_FLOAT"), names.ref("_pack_4"), names.ref("_m0p5")
('_FLOAT', '_pack_4', '_m0p5')
>>> shortcuts("np.float64", names)
['_FLOAT = np.dtype(np.float64)', '_pack_4 = Struct("4d").pack_into', '_m0p5 = np.array(-0.5)']
"""

from __future__ import annotations

import re

from .constants import number_of
from .names import Names

PACK = re.compile(r"_pack_(\d+)")


def shortcuts(real: str, names: Names) -> list[str]:
    """The lines that define those of them that a module uses."""
    used = frozenset(names.used)
    types = {"_FLOAT": real, "_INT": "np.int64", "_BOOL": "np.bool_"}
    found = [f"{name} = np.dtype({kind})" for name, kind in types.items() if name in used]
    counts = sorted(int(match[1]) for match in map(PACK.fullmatch, used) if match)
    names.used.update(["Struct"] if counts else [])
    found += [f'_pack_{count} = Struct("{count}d").pack_into' for count in counts]
    numbers = sorted((float(number), name) for name in used if (number := number_of(name)))
    kind = "" if real == "np.float64" else f", {real}"  # or others would be converted to its type
    found += [f"{name} = np.array({number}{kind})" for number, name in numbers]
    found += ["_empty = np.empty  # found sooner than an attribute of NumPy"] if "_empty" in used else []
    news = "_new = tuple.__new__  # makes a NamedTuple faster than its own constructor does"
    return [*found, *([news] if "_new" in used else [])]
