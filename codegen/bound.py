"""NumPy's functions on elements under names of the module (-O2).

>>> names = Names([])
>>> spelt(names, "h += np.exp(x, out=total) * np.add.reduce(y)")
'h += np_exp(x, out=total) * np_add.reduce(y)'
>>> bindings(names)
['np_add, np_exp = np.add, np.exp']

NumPy's module has a `__getattr__`, so that Python looks for its attributes the long way: that takes a fifth
of the time of a call on few elements.
"""

from __future__ import annotations

import re

from .into import is_ufunc
from .names import BOUND, Names

A_LINE = 4  # names
ATTRIBUTE = re.compile(r"(?<![\w.\"'])_*np\.(\w+)")


def spelt(names: Names, line: str) -> str:
    """A line of a function with the module's names for NumPy's functions on elements."""
    if "np." not in line:
        return line
    module = names.aliases.get("np", "np")

    def bound(found: re.Match[str]) -> str:
        whole, name = found[0], found[1]
        return names.ref(BOUND + name) if whole == f"{module}.{name}" and is_ufunc(name) else whole

    return ATTRIBUTE.sub(bound, line)


def bindings(names: Names) -> list[str]:
    """The lines that define the names of a module."""
    found = sorted(name for name in names.used if name.startswith(BOUND) and is_ufunc(name[len(BOUND) :]))
    rows = [found[i : i + A_LINE] for i in range(0, len(found), A_LINE)]
    return [f"{', '.join(row)} = {', '.join(f'np.{name[len(BOUND) :]}' for name in row)}" for row in rows]
