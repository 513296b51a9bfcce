"""autodiffc: compiles a mathematical model file into a standalone NumPy module with its exact gradient.

>>> import autodiffc
>>> text = autodiffc.compile("input x: real\\noutput f = x**2\\ngrad f wrt x\\n")
>>> "def value_and_grad(x)" in text
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .version import VERSION as __version__

if TYPE_CHECKING:
    from autodiffc.grammar.diagnostics import Diagnostic, ModelError

    from .api import compile, lint, load
    from .diagnosis import diagnose

__all__ = ["Diagnostic", "ModelError", "__version__", "compile", "diagnose", "lint", "load"]


def __getattr__(name: str) -> Any:
    """The public names, imported when first asked for: sub-packages don't need the whole compiler."""
    if name in ("compile", "lint", "load"):
        from . import api

        return getattr(api, name)
    if name == "diagnose":
        from .diagnosis import diagnose

        return diagnose
    if name in ("Diagnostic", "ModelError"):
        from autodiffc.grammar import diagnostics

        return getattr(diagnostics, name)
    if name == "load_ipython_extension":
        from .notebook import load as load_extension

        return load_extension
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
