"""NumPy's functions on elements, and those of `math`, under names of the module (-O2).

>>> names = Names([])
>>> spelt(names, "h += np.exp(x, out=total) * np.add.reduce(y) + math.exp(t) / math.pi")
'h += np_exp(x, out=total) * np_add.reduce(y) + math_exp(t) / math.pi'
>>> bindings(names)
['math_exp = math.exp', 'np_add, np_exp = np.add, np.exp']

NumPy's module has a `__getattr__`, so that Python looks for its attributes the long way: that takes a fifth
of the time of a call on few elements. An attribute of `math` takes a tenth of the time of its function.
"""

from __future__ import annotations

import math
import re

from .into import is_ufunc
from .names import Names

A_LINE = 4  # names
ATTRIBUTE = re.compile(r"(?<![\w.\"'])_*(np|math)\.(\w+)")


def spelt(names: Names, line: str) -> str:
    """A line of a function with the module's names for such functions."""
    if "np." not in line and "math." not in line:
        return line

    def bound(found: re.Match[str]) -> str:
        whole, module, name = found[0], found[1], found[2]
        mine = whole == f"{names.aliases.get(module, module)}.{name}" and is_bound(module, name)
        return names.ref(f"{module}_{name}") if mine else whole

    return ATTRIBUTE.sub(bound, line)


def is_bound(module: str, name: str) -> bool:
    """Whether it is a function of numbers, or of elements."""
    return is_ufunc(name) if module == "np" else callable(getattr(math, name, None))


def bindings(names: Names) -> list[str]:
    """The lines that define the names of a module."""
    return [line for module in ("math", "np") for line in _bindings(names, module)]


def _bindings(names: Names, module: str) -> list[str]:
    parts = [name.partition("_") for name in sorted(names.used)]
    found = [name for prefix, _, name in parts if prefix == module and is_bound(module, name)]
    rows = [found[i : i + A_LINE] for i in range(0, len(found), A_LINE)]
    return [
        ", ".join(f"{module}_{n}" for n in r) + " = " + ", ".join(f"{module}.{n}" for n in r) for r in rows
    ]
