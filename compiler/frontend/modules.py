"""The library that ships with the compiler: what `from nn import linear` finds.

A module is a file of functions in the language (`compiler/lib/nn.dsl`) and a list of built-ins that
belong to its subject, so that either may be imported from it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import InternalError, suggestion
from autodiffc.grammar.parser import parse
from autodiffc.grammar.source import Source

from .derivatives import names_differentiated_by
from .expressions import Evaluator
from .scope import Scope
from .statements import again

_NN = (
    "sigmoid log_sigmoid softplus relu leaky_relu prelu elu selu gelu silu hardtanh relu6 tanh softmax "
    "log_softmax layer_norm batch_norm batch_moments embedding one_hot dropout "
    "conv1d conv2d max_pool1d max_pool2d avg_pool1d avg_pool2d"
)
_LOSSES = "cross_entropy binary_cross_entropy binary_cross_entropy_with_logits mse mae huber hinge kl_div"
_STATS = "logsumexp softmax log_softmax erf erfc erfcx ndtr lgamma digamma trigamma polygamma lbeta xlogy"
MODULES: dict[str, frozenset[str]] = {
    "nn": frozenset(_NN.split()),
    "losses": frozenset(_LOSSES.split()),
    "stats": frozenset(_STATS.split()),
}
LIBRARY = Path(__file__).parents[1] / "lib"


@cache
def module_syntax(name: str) -> ast.Model:
    """The syntax tree of a library module."""
    text = (LIBRARY / f"{name}.dsl").read_text("utf-8")
    model, diagnostics = parse(Source(f"{name}.dsl", text))
    if diagnostics:
        raise InternalError(f"the library module {name} does not parse: {diagnostics[0].message}")
    return model


def module_functions(name: str) -> dict[str, ast.FuncDef]:
    """The functions that a library module defines, by name."""
    return {s.name.id: s for s in module_syntax(name).statements if isinstance(s, ast.FuncDef)}


@cache
def _differentiated_by(name: str) -> frozenset[str]:
    return frozenset(names_differentiated_by(module_syntax(name)))


def import_names(evaluator: Evaluator, statement: ast.LibraryImport) -> None:
    """Make the named functions of a library module known."""
    context, module = evaluator.context, statement.module
    if module.id not in MODULES:
        help_text = suggestion(module.id, MODULES) or "the modules are " + ", ".join(sorted(MODULES))
        context.report("E0308", f"no library module `{module.id}`", module.span, help=help_text)
        context.assumed_known |= {n.id for n in statement.names}
        return
    functions = module_functions(module.id)
    context.files.differentiated_by |= _differentiated_by(module.id)
    library = Scope()
    for definition in functions.values():
        library.define_function(definition)
    for name in statement.names:
        earlier = evaluator.scope.functions.get(name.id)
        if earlier is not None:
            again(evaluator, name, earlier)
        elif name.id in functions:
            evaluator.scope.define_function(functions[name.id], library)
        elif name.id not in MODULES[module.id]:
            help_text = suggestion(name.id, (*functions, *MODULES[module.id]))
            context.report("E0308", f"`{module.id}` has no function `{name.id}`", name.span, help=help_text)
            context.assumed_known |= {name.id}
