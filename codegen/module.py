"""Assembles the emitted module.

    text = emit(program, derive(program, level=1), level=1, dtype="float64", version="0.1.0")

The text is a standalone Python module: NumPy and the standard library are all that it imports. The same
model gives the same bytes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial

from autodiffc.compiler.ir import Node
from autodiffc.compiler.model import Derivative, Program, Requested
from autodiffc.compiler.ops.control import may_be_missing
from autodiffc.grammar.records import record

from .assertions import released
from .audit import audit
from .bound import bindings, spelt
from .boundary import declared_dims, declared_text, takes_floats_only, write_checker, write_declared
from .cache import cache_fields, cache_names, has_cache
from .constants import number_of
from .context import PYTHON, WIDTH, Context, Recipes, model_names, shown_type
from .contract import contracted
from .copied import annotations_of, globals_of, needed, source_of
from .docstrings import import_digests, module_docstring, source_digest
from .functions import (
    predict_arguments,
    write_backward,
    write_forward,
    write_grad,
    write_predict,
    write_value_and_grad,
)
from .fuse import fused
from .linking import linked
from .made_once import made_once, with_constants_apart, write_made_once
from .names import Names
from .parameters import nested, write_init_params, write_pack, write_unpack
from .pool import makers, write_makers
from .randomness import generator_name
from .requested import vectors_declared, write_jacobian, write_requested, write_vector_checkers, write_vjp
from .residuals import has_residuals, write_residuals
from .routines_memory import Workspace
from .scipy_view import (
    binds_inputs,
    has_hess,
    has_hessp,
    has_objective,
    needs_places,
    write_bounds,
    write_objective,
    write_objective_hess,
    write_objective_hessp,
    write_places,
)
from .shortcuts import shortcuts
from .sized import for_sizes
from .sourcelines import LogicalLines
from .sparse import write_sparse
from .sparse_parts import Parts, parts_of
from .sparse_pattern import constants
from .sparse_types import Colouring, Sparse, class_source
from .stacks import has_rows_of_numbers, listed_fields
from .tile_functions import write_tile_functions
from .unshare import unshared
from .workspace import workspace_name
from .writer import Writer

IMPORTS = {
    "math": "",
    "operator": "",
    "Struct": "struct",
    "Context": "contextvars",
    "copy_context": "contextvars",
    "deque": "collections",
    "AbstractContextManager": "contextlib",
    "Callable": "collections.abc",
    "Iterable": "collections.abc",
    "Iterator": "collections.abc",
    "Sequence": "collections.abc",
    "partial": "functools",
    "Any": "typing",
    "NamedTuple": "typing",
    "np": "numpy",
    "ndarray": "numpy",
    "Generator": "numpy.random",
}  # the names that a module may import, and where from
Section = Callable[[Context, Writer], None]


@record(frozen=True)
class Emitted:
    """A module's text, of what it was written, and for each line of the model the lines that it became."""

    text: str
    written: Sequence[Writer]

    @cached_property
    def lines(self) -> Mapping[int, frozenset[int]]:
        return linked(self.text, self.written)


def emit(program: Program, derivative: Derivative, *, level: int, dtype: str, version: str) -> str:
    """The text of the module for a program and its derivative."""
    return emitted(program, derivative, level=level, dtype=dtype, version=version).text


def emitted(program: Program, derivative: Derivative, *, level: int, dtype: str, version: str) -> Emitted:
    """The module for a program and its derivative, with the lines of the model in it."""
    derivative = lowered(derivative, level, dtype)
    names = Names(model_names(program))
    lines = LogicalLines(program.source)
    recipes: Recipes = {}
    if level > 1:
        derivative = derivative.mapped(partial(with_constants_apart, recipes=recipes))
    context = Context(program, derivative, level, dtype, version, names, lines, recipes=recipes)
    written = [_written(context, section) for section in _sections(context)]
    if any(made_once(context)):
        written.append(_written(context, write_made_once))
    if makers(context):
        written.append(_written(context, write_makers))
    parts = _parts(context, [writer.text() for writer in written])
    audit(*parts)
    return Emitted("\n\n\n".join(parts) + "\n", written)


def lowered(derivative: Derivative, level: int, dtype: str) -> Derivative:
    """The graphs as they are written."""
    derivative = released(derivative)
    if level > 0:
        derivative = fused(derivative, dtype)
    if level > 1 and dtype == "float64":  # sums of many float32 are added up in double precision
        derivative = derivative.mapped(contracted)
    if level > 1:
        derivative = derivative.mapped(for_sizes)
    return unshared(derivative)


def _written(context: Context, section: Section) -> Writer:
    writer = Writer(WIDTH, partial(spelt, context.names)) if context.level > 1 else Writer(WIDTH)
    section(context, writer)
    write_tile_functions(context, writer)
    return writer


def _sections(context: Context) -> list[Section]:
    """The functions that make sense for this model."""
    program, derivative = context.program, context.derivative
    chosen: list[tuple[bool, Section]] = [
        (derivative.value_and_grad is not None, write_value_and_grad),
        (derivative.value_and_grad is not None, write_grad),
        (True, write_forward),
        (derivative.backward is not None, write_backward),
        ("vjp" in derivative.emit, write_vjp),
        *((True, partial(_write_requested, function)) for function in derivative.requested),
        ("jacobian" in derivative.emit, write_jacobian),
        *((True, partial(_write_sparse, parts)) for parts in parts_of(context)),
        (derivative.predict is not None, write_predict),
        (bool(program.params), write_init_params),
        (bool(program.params), write_pack),
        (bool(program.params), write_unpack),
        (has_objective(context), write_objective),
        (has_hessp(context), write_objective_hessp),
        (has_hess(context), write_objective_hess),
        (has_residuals(context), write_residuals),
        (needs_places(context), write_places),
        (bool(program.params), write_bounds),
        (bool(program.arguments), _write_checkers),
    ]
    return [section for present, section in chosen if present]


def _write_requested(function: Requested, context: Context, writer: Writer) -> None:
    write_requested(context, writer, function)


def _write_sparse(parts: Parts, context: Context, writer: Writer) -> None:
    write_sparse(parts, writer)


def _write_checkers(context: Context, writer: Writer) -> None:
    program = context.program
    write_checker(context, writer, program.arguments, "_checked")
    if binds_inputs(context):
        writer.blank(2)
        write_checker(context, writer, program.inputs, "_checked_inputs")
    if program.params and program.inputs:
        writer.blank(2)
        write_checker(context, writer, program.params, "_checked_params")
    if context.derivative.predict is not None:
        arguments = predict_arguments(context)
        if arguments and arguments != program.arguments:
            writer.blank(2)
            write_checker(context, writer, arguments, "_checked_predict")
    write_vector_checkers(context, writer)
    writer.blank(2)
    write_declared(context, writer, [*_seed_declared(context), *vectors_declared(context)])


def _seed_declared(context: Context) -> list[tuple[str, tuple[str, ...]]]:
    program = context.program
    if context.derivative.backward is None or program.target is None:
        return []
    seed = program.graph.output(program.target)
    names = context.names.scope(cache_names(context).values())
    return [(names.fresh(f"d_{context.local(program.target)}"), ("real", *map(str, seed.shape)))]


# --- putting it together -----------------------------------------------------------------------------

SMALL_BUFFERS = """\
# What NumPy's functions copy operands to that broadcast or are converted: 4 kB, by default 64 kB.
_small_buffers, _usual_buffers = _switch(lambda: np.setbufsize(512), np.setbufsize)"""


def _parts(context: Context, bodies: list[str]) -> list[str]:
    types = _types(context)
    spec = _spec(context)
    patterns = list(constants(context))
    copied = needed(context.names.used)
    routines = [source_of(name) for name in copied]
    tables = _constants(context, copied)
    met = [
        (name, alias)
        for name, alias in sorted(context.names.aliases.items())
        if any(alias in b for b in bodies)
    ]
    once = [name for name, _ in made_once(context)]
    arrays = Writer(WIDTH)
    arrays.line(f"{', '.join(once)} = _made_once()")
    aliases = [f"{alias} = {name}" for name, alias in met]
    quiet = ["_quiet = _quietly()"] if "_quiet" in context.names.used else []
    if workspace_name(context):
        quiet.append(SMALL_BUFFERS)
    return [
        module_docstring(context)
        + "\nfrom __future__ import annotations\n\n"
        + _imports(context, copied, types),
        *([tables] if tables else []),
        *types,
        spec,
        *bodies,
        *routines,
        *quiet,
        *(["# The model uses these names too.\n" + "\n".join(aliases)] if aliases else []),
        *([arrays.text().rstrip()] if once else []),
        *(["\n".join(patterns)] if patterns else []),
    ]


def _constants(context: Context, copied: list[str]) -> str:
    lines = []
    if any("_REAL" in globals_of(name) for name in copied):
        lines.append(f"_REAL = np.dtype({context.real})")
    needs = {name for routine in copied for name in globals_of(routine)}
    context.names.used |= {name for name in needs if number_of(name)}
    lines += shortcuts(context.real, context.names)
    if "_ONES" in needs:
        lines.append(f"_ONES = np.ones(1024{'' if context.dtype == 'float64' else f', {context.real}'})")
    if "_QUIET" in needs:
        lines += [
            "# In a copy of this context overflow is no cause for a warning; NumPy 1 has no such contexts.",
            '_QUIET = Context() if int(np.__version__.partition(".")[0]) > 1 else None',
            "if _QUIET is not None:",
            '    _QUIET.run(np.seterr, over="ignore")',
        ]
    for name, held in (("_IDLE", "tuple[Any, ...]"), ("_SPACES", "Workspace")):
        if name in needs:
            lines.append(
                f"{name}: deque[{held}] = deque(maxlen=8)  # memory that calls have left for later ones"
            )
    writer = Writer(WIDTH)
    for literal, name in context.tables.items():
        if literal in context.recipes:
            continue
        dtype = {"real": context.real, "int": "np.int64", "bool": "np.bool_"}[literal.kind]
        writer.line(f"{name} = np.array({nested(literal.array.tolist())}, {dtype})")
    bound = bindings(context.names)
    if bound:
        writer.comment("found sooner than attributes of modules")
    for line in bound:
        writer.line(line)
    return "\n".join(lines + writer.lines)


def _imports(context: Context, copied: list[str], types: list[str]) -> str:
    used = set(context.names.used) | {"ndarray", "NamedTuple", "Any"} if types else {"Any"}
    used |= set(context.names.used)
    if workspace_name(context):
        used |= {"Callable", "Sequence", "Any"}
    for name in copied:
        used |= set(globals_of(name)) | annotations_of(name)
    if "_QUIET" in used:
        used.add("Context")
    if used & {"_IDLE", "_SPACES"}:
        used |= {"deque", "Any"}
    if any(t for t in types):
        used.add("np")
    standard, numpy = [], []
    by_module: dict[str, list[str]] = {}
    for name, module in IMPORTS.items():
        if name in used and name == "np":
            numpy.append("import numpy as np")
        elif name in used and not module:
            standard.append(f"import {name}")
        elif name in used:
            by_module.setdefault(module, []).append(name)
    for module, names in by_module.items():
        lines = numpy if module.startswith("numpy") else standard
        lines.append(f"from {module} import {', '.join(names)}")
    return "\n\n".join("\n".join(lines) for lines in (standard, numpy) if lines)


def _types(context: Context) -> list[str]:
    program = context.program
    nodes = {n["name"]: n for n in program.graph.inputs}
    outputs = dict(program.graph.outputs)
    shapes = {
        a.name: f"{a.type.kind}[{', '.join(declared_dims(a))}]" for a in program.arguments if a.type.rank
    }
    sections = []
    if program.params:
        fields = [_field(context.local(a.name), nodes[a.name], shapes.get(a.name)) for a in program.params]
        sections.append(_named_tuple("Params", fields))
    if program.wrt:
        fields = [_field(context.local(name), nodes[name], shapes.get(name)) for name in program.wrt]
        sections.append(_named_tuple("Grads", fields))
    if context.derivative.sparse:
        sections += [class_source(Sparse), class_source(Colouring)]
    if workspace_name(context):
        context.ref("_switch")
        sections.append(class_source(Workspace))
    fields = [_field(context.local(name), outputs[name], None) for name in program.outputs]
    if context.derivative.predict is not None and program.loss is not None:
        place = program.outputs.index(program.loss)
        fields[place] = f"{context.local(program.loss)}: float | None  # None from predict()"
    sections.append(_named_tuple("Outputs", fields))
    if has_cache(context):
        sections.append(
            _named_tuple("Cache", _cache_lines(context, shapes), "What backward() needs of a forward().")
        )
    return sections


def _cache_lines(context: Context, shapes: dict[str, str]) -> list[str]:
    lines = []
    names = cache_names(context)
    for name, node in cache_fields(context).items():
        depth = listed_fields(context).get(name, 0)
        shown = None if node is None else _field(names[name], node, shapes.get(name), depth)
        lines.append(shown or f"{names[name]}: int")
    return lines


def _field(name: str, node: Node, shape: str | None, depth: int = 0) -> str:
    """A field with its type; `depth` is how many lists and tuples there are around arrays or numbers."""
    plain = PYTHON[node.type.kind] if node.rank == depth else "ndarray"
    missing = " | None" if may_be_missing(node) else ""
    comment = f"  # {shape or shown_type(node.type)}" if node.rank else ""
    tuples = node.rank - 1 if depth and has_rows_of_numbers(node) else 0
    for _ in range(tuples):
        plain = f"tuple[{plain}, ...]"
    lists = depth - tuples
    return f"{name}: {'list[' * lists}{plain}{missing}{']' * lists}{comment}"


def _named_tuple(name: str, fields: list[str], doc: str = "") -> str:
    lines = [f"class {name}(NamedTuple):"]
    if doc:
        lines += [f'    """{doc}"""', ""]
    return "\n".join(lines + [f"    {field}" for field in fields] + ([] if fields else ["    pass"]))


def _spec(context: Context) -> str:
    program = context.program
    entries = {
        "name": program.name,
        "source": program.source.file,
        "sha256": source_digest(context),
        **({"imports": imported} if (imported := import_digests(program)) else {}),
        "compiler": f"autodiffc {context.version}",
        "level": context.level,
        "dtype": context.dtype,
        "dims": program.dims,
        "constants": dict(program.constants),
        "inputs": {a.name: declared_text(a) for a in program.inputs},
        "params": {a.name: declared_text(a) for a in program.params},
        "outputs": program.outputs,
        "loss": program.loss,
        "target": program.target,
        "wrt": program.wrt,
        **({"rng": generator_name(context)} if program.draws else {}),
    }
    writer = Writer(WIDTH)
    with writer.block("SPEC: dict[str, Any] = {"):
        for key, value in entries.items():
            writer.line(f'"{key}": {_literal(value)},')
    writer.line("}")
    return writer.text()


def _literal(value: object) -> str:
    """A value of SPEC as text, with double quotes."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, tuple):
        inside = ", ".join(map(_literal, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_literal(k)}: {_literal(v)}' for k, v in value.items())}}}"
    return repr(value)


def _quoted(text: str) -> str:
    shown = ascii(text) if any(not c.isprintable() for c in text) else repr(text)
    if shown.startswith("'") and '"' not in shown:
        return f'"{shown[1:-1]}"'
    assert ast.literal_eval(shown) == text
    return shown


__all__ = ["Emitted", "emit", "emitted", "lowered", "takes_floats_only"]
