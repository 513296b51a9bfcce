"""What every emitted module keeps: it is reproducible, stands alone, is re-entrant, and lends nothing out."""

from __future__ import annotations

import ast
import itertools
import pickle
import subprocess
import sys
import threading
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.codegen.audit import audit
from autodiffc.compiler.interp import evaluate
from autodiffc.grammar.diagnostics import InternalError
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.dsl"))
LEVELS = (0, 1, 2)
DTYPES = ("float64", "float32")


def text_of(model: str, name: str = "model.dsl", **options: Any) -> str:
    return module_text(program_of(Source(name, model)), Options(**options))


def compiled(model: str, **options: Any) -> Any:
    return module_of(text_of(model, **options), "model")


@cache
def example(path: Path) -> Any:
    """An example, checked."""
    return program_of(read_source(str(path)))


@cache
def example_text(path: Path, level: int, dtype: str = "float64") -> str:
    return module_text(example(path), Options(level=level, dtype=dtype))


def random_arguments(program: Any, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    sizes = {name: 3 + i for i, name in enumerate(program.dims)}
    found: dict[str, Any] = {}
    for a in program.arguments:
        shape = tuple(d.evaluate(sizes) for d in a.type.shape)
        if a.type.kind == "int":
            low, high = (d.evaluate(sizes) for d in a.range) if a.range else (0, 2)
            found[a.name] = rng.integers(low, high, shape)
        elif a.type.kind == "bool":
            found[a.name] = rng.random(shape) > 0.5
        else:
            low, high = a.interval
            value = rng.uniform(max(low, 0.1), min(high, 0.9), shape)
            found[a.name] = value if shape else float(value)
    return found


def generator(program: Any) -> dict[str, np.random.Generator]:
    """The argument `rng` of a model that draws masks, always of the same state."""
    return {"rng": np.random.default_rng(0)} if program.draws else {}


def masks(program: Any, sizes: dict[str, int]) -> dict[str, Any]:
    """The masks that this generator gives."""
    return {d.name: d.sample(g, sizes) for g in generator(program).values() for d in program.draws}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_levels_and_paths_agree_with_the_interpreter(path: Path) -> None:
    program = example(path)
    arguments = random_arguments(program)
    sizes = {name: 3 + i for i, name in enumerate(program.dims)}
    with np.errstate(all="ignore"):
        known = {**arguments, **masks(program, sizes)}
        expected = evaluate(program.graph, {k: np.asarray(v) for k, v in known.items()}, sizes)
    reference = None
    for level, dtype in itertools.product(LEVELS, DTYPES):
        m = module_of(example_text(path, level, dtype), "model")
        tolerance = {"rtol": 1e-12, "atol": 1e-12} if dtype == "float64" else {"rtol": 2e-3, "atol": 2e-4}
        outputs, cache = m.forward(**arguments, **generator(program))
        for name in program.outputs:
            np.testing.assert_allclose(getattr(outputs, name), expected[name], **tolerance)
        if program.target is None:
            continue
        seed = () if program.scalar_target else (np.ones(np.shape(getattr(outputs, program.target))),)
        grads = m.backward(cache, *seed)
        reference = grads if reference is None else reference
        for g, r in zip(grads, reference):
            np.testing.assert_allclose(g, r, **tolerance)
            assert isinstance(g, float) or g.dtype == dtype
        if program.scalar_target:
            value, direct = m.value_and_grad(**arguments, **generator(program))
            apart = (
                0.0 if level < 2 else 1e-14 if dtype == "float64" else 5e-7
            )  # sums of tiles, in other orders
            assert value == pytest.approx(getattr(outputs, program.target), rel=apart, abs=0.0)
            for g, r in zip(direct, reference):
                np.testing.assert_allclose(g, r, **tolerance)
                assert isinstance(g, float) or g.dtype == dtype


@pytest.mark.parametrize("path", EXAMPLES[:14], ids=lambda p: p.stem)
@pytest.mark.parametrize("level", LEVELS)
def test_the_same_model_gives_the_same_bytes(path: Path, level: int) -> None:
    again = module_text(program_of(read_source(str(path))), Options(level=level))
    assert again == example_text(path, level)


@pytest.mark.parametrize("name", ["classifier", "char_rnn"])
def test_the_same_bytes_in_another_process(name: str) -> None:
    """Sets have another order there."""
    path = ROOT / "examples" / f"{name}.dsl"
    command = [sys.executable, "-m", "autodiffc", str(path), "-O2", "--emit", "jvp,vjp,hvp"]
    texts = {
        subprocess.run(command, capture_output=True, check=True, env={"PYTHONHASHSEED": seed}).stdout
        for seed in "123"
    }
    assert len(texts) == 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_the_text_is_neat(path: Path) -> None:
    for level in LEVELS:
        text = example_text(path, level)
        _laid_out(text)
        _nothing_in_vain(ast.parse(text))


def _laid_out(text: str) -> None:
    """Lines are short and have no spaces at their end; the file ends with one."""
    lines = text.split("\n")
    assert all(line == line.rstrip() for line in lines)
    assert "\n\n\n\n" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    long = [
        line
        for line in lines
        if len(line) > 100 and not line.lstrip().startswith(("def _", '"""', "Generated"))
    ]
    assert long == [], long


def _nothing_in_vain(tree: ast.Module) -> None:
    """Every local of the computing functions is read, and every routine and import is used."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
            names = [n for n in ast.walk(function) if isinstance(n, ast.Name)]
            stored = {n.id for n in names if isinstance(n.ctx, ast.Store)}
            read = {n.id for n in names if isinstance(n.ctx, ast.Load)} | _shown_elsewhere(function)
            arguments = {a.arg for a in function.args.args}
            unpacked = _unpacked(function)
            assert stored - read - arguments - unpacked - {"_"} == set(), function.name
    _all_used(tree)


def _shown_elsewhere(function: ast.FunctionDef) -> set[str]:
    """Names of parts of other arrays that are changed in place: `part = np.add(x, y, out=whole[:n])`."""
    changed = {
        n.target.id
        for n in ast.walk(function)
        if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)
    }
    made = {
        t.id
        for n in ast.walk(function)
        if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call)
        if any(k.arg == "out" and isinstance(k.value, ast.Subscript) for k in n.value.keywords)
        for t in n.targets
        if isinstance(t, ast.Name)
    }
    return changed & made


def _unpacked(function: ast.FunctionDef) -> set[str]:
    """Names bound by taking a tuple apart: all or none are bound."""
    targets = [t for n in ast.walk(function) if isinstance(n, ast.Assign) for t in n.targets]
    return {e.id for t in targets if isinstance(t, ast.Tuple) for e in t.elts if isinstance(e, ast.Name)}


def _all_used(tree: ast.Module) -> None:
    defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("_")}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(node, "module", "") != "__future__":
            defined |= {(a.asname or a.name) for a in node.names}
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    assert defined <= used, defined - used


def test_the_audit_finds_what_is_wrong() -> None:
    with pytest.raises(InternalError, match="undefined names: y"):
        audit("def f(x):\n    return x + y\n")
    with pytest.raises(InternalError, match="does not parse"):
        audit("def f(:\n")
    with pytest.raises(InternalError, match="undefined names: g, h"):
        audit("def f(x: g):\n    return x", "a = h")
    audit("def f(x):\n    return g(x)", "def g(x):\n    return x")
    audit("import math\n\ndef f(x):\n    y = [v for v in x]\n    return math.sin(len(y))\n")


# --- what is returned --------------------------------------------------------------------------------

LENDERS = """\
dim N
input x: real[N, N]
param w: real[N, N]
param v: real[N]
const c = [1.0, 2.0, 3.0]
output same = x
output turned = x.T
output part = w[0]
output table = c
output wide = broadcast_to(v, N, N)
output twice = w
output h = tanh(w)
loss L = sum(w) + sum(h * x) + sum(v)
"""


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_is_lent_out(level: int, dtype: str) -> None:
    m = compiled(LENDERS, level=level, dtype=dtype)
    x, w, v = (np.ones(s, dtype) for s in ((3, 3), (3, 3), (3,)))
    outputs, cache = m.forward(x, w, v)
    predicted = m.predict(x, w, v)
    before = m.backward(cache)
    arrays = [a for result in (outputs, predicted, before) for a in result if isinstance(a, np.ndarray)]
    for a, b in itertools.combinations([x, w, v, *arrays], 2):
        assert not (np.shares_memory(a, b) and any(a is r or b is r for r in arrays))
    for array in arrays:
        array[...] = 99.0
    assert m.backward(cache).w[0, 0] == m.value_and_grad(x, w, v)[1].w[0, 0] != 99.0
    np.testing.assert_array_equal(m.forward(x, w, v)[0].table, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(x, np.ones((3, 3)))


def test_gradients_are_apart() -> None:
    m = compiled("dim N\nparam a, b: real[N]\nparam c: real[2, N]\nloss L = sum(tanh(a + b + c[0]))\n")
    grads = m.value_and_grad(*[np.ones(3)] * 2, np.ones((2, 3)))[1]
    assert not np.shares_memory(grads.a, grads.b)
    grads.a[:] *= 2
    assert grads.a[0] == 2 * grads.b[0]


# --- pickling and threads ------------------------------------------------------------------------------


def test_an_objective_goes_to_another_process(tmp_path: Path) -> None:
    text = text_of("dim N, D\ninput x: real[N, D]\nparam w: real[D]\nloss L = sum((x @ w)**2)\n")
    (tmp_path / "emitted_model.py").write_text(text, "utf-8")
    code = (
        "import sys, pickle, numpy as np; sys.path.insert(0, sys.argv[1]); import emitted_model as m\n"
        "f = m.objective(np.ones((2, 3)))\n"
        "sys.stdout.buffer.write(pickle.dumps(f))\n"
    )
    pickled = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True
    ).stdout
    sys.path.insert(0, str(tmp_path))
    try:
        value, gradient = pickle.loads(pickled)(np.ones(3))
    finally:
        sys.path.remove(str(tmp_path))
        del sys.modules["emitted_model"]
    assert value == 18.0
    np.testing.assert_array_equal(gradient, [12.0] * 3)


@pytest.mark.parametrize("level", LEVELS)
def test_functions_run_in_threads(level: int) -> None:
    m = compiled((ROOT / "examples" / "classifier.dsl").read_text("utf-8"), level=level)
    params = m.init_params(0, D=5, H=4)
    rng = np.random.default_rng(1)
    batches = [(rng.normal(size=(6, 5)), rng.integers(0, 10, 6)) for _ in range(8)]
    expected = [m.value_and_grad(*b, *params) for b in batches]
    found: list[Any] = [None] * 8

    def work(i: int) -> None:
        for _ in range(20):
            found[i] = m.value_and_grad(*batches[i], *params)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for a, b in zip(expected, found):
        assert a[0] == b[0]
        for g, h in zip(a[1], b[1]):
            np.testing.assert_array_equal(g, h)


# --- warnings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("expression", "points"),
    [
        ("sqrt(x)", [0.0, 4.0]),
        ("x**0.5", [0.0, 1.0]),
        ("x**1.5", [0.0, 1.0]),
        ("cbrt(x)", [0.0, -8.0]),
        ("arcsin(x)", [1.0, -1.0]),
        ("arccosh(x)", [1.0, 2.0]),
        ("tanh(x)", [np.inf, -np.inf]),
        ("sigmoid(x)", [np.inf, -np.inf, 800.0, -800.0]),
        ("softplus(x)", [1000.0, -1000.0, np.inf]),
        ("log(1 + exp(x))", [1000.0, -1000.0]),
        ("1 / (1 + exp(-x))", [1000.0, -1000.0]),
        ("silu(x)", [1000.0, -np.inf]),
        ("gelu(x, approximate='tanh')", [1e200, -np.inf]),
        ("abs(x)", [0.0, np.inf]),
        ("maximum(x, 0.0)", [0.0, np.inf]),
        ("where(x > 0, sqrt(abs(x)), 0.0)", [0.0, -1.0]),
        ("exp(-x**2)", [1e3, 0.0]),
        ("norm(x) * x", [0.0, 0.0]),
    ],
)
def test_no_warnings_at_the_edges(expression: str, points: list[float], level: int) -> None:
    m = compiled(f"dim N\ninput x: real[N]\noutput L = sum({expression})\ngrad L wrt x\n", level=level)
    x = np.array(points)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(over="warn", divide="warn", invalid="warn", under="ignore"):
            m.value_and_grad(x)
            _, cache = m.forward(x)
            m.backward(cache)


def test_the_plain_value_still_warns() -> None:
    m = compiled("dim N\nparam x: real[N]\nloss L = sum(log(x))\n")
    with pytest.warns(RuntimeWarning, match="invalid value"):
        m.value_and_grad(np.array([-1.0]))


# --- text that comes from the model ------------------------------------------------------------------------


def test_comments_cannot_break_out() -> None:
    nasty = '""" \\" \\N{BULLET} \\x00 \u202e """; import os; """'
    model = f"# {nasty}\n#{nasty}\ninput x: real   # {nasty}\noutput f = x * 2  # {nasty}\ngrad f wrt x\n"
    for level in LEVELS:
        text = text_of(model, name=f'a"""b\\{chr(10)}.dsl', level=level)
        assert "import os" not in [line.strip() for line in text.split("\n")]
        assert not any(c in text for c in "\u202e\u2028\x0c\x00")
        m = module_of(text, "model")
        assert m.value_and_grad(1.5) == (3.0, (2.0,))
        assert m.SPEC["source"] == f'a"""b\\{chr(10)}.dsl'


def test_the_docstring_says_what_the_module_is() -> None:
    m = compiled((ROOT / "examples" / "classifier.dsl").read_text("utf-8"))
    for part in ("Two-layer classifier", "L = mean(cross_entropy", "N, D, H from the arguments; K = 10",
                 "L with respect to W1, b1, W2, b2", "relu'(0) = 0", "sha256"):  # fmt: skip
        assert part in m.__doc__


# --- functions that make sense --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "present", "absent"),
    [
        ("input x: real\noutput f = x\n", {"forward", "predict", "Outputs"},
         {"value_and_grad", "grad", "backward", "Grads", "Cache", "Params", "init_params", "pack", "objective"}),
        ("input x: real\nloss L = x\n", {"forward"}, {"predict", "value_and_grad", "Params"}),
        ("param w: real\nloss L = w**2\n", {"value_and_grad", "grad", "forward", "backward", "init_params", "pack",
                                           "unpack", "objective", "bounds"}, {"predict"}),
        ("dim N\ninput x: real[N]\noutput f = x**2\ngrad f wrt x\n", {"forward", "backward"},
         {"value_and_grad", "grad", "objective", "Params"}),
        ("input x: real\nparam w: real\noutput f = x*w\ngrad f wrt x\n",
         {"value_and_grad", "predict", "init_params", "pack"}, {"objective"}),
    ],
)  # fmt: skip
def test_only_functions_that_make_sense(model: str, present: set[str], absent: set[str]) -> None:
    m = compiled(model)
    assert {name for name in present if not hasattr(m, name)} == set()
    assert {name for name in absent if hasattr(m, name)} == set()


# --- models out of the ordinary ---------------------------------------------------------------------------------

UNUSUAL = [
    ("output f = 1 + 2\n", {}),
    ("loss L = 3.5\n", {}),
    ("const c = [1, 2, 3]\noutput f = c\noutput g = true\noutput h = 7 // 2\n", {}),
    ("dim N\ninput x: real[N]\noutput n = N\noutput m = x > 0\noutput k = argmax(x)\noutput e = eye(N)\n",
     {"x": [1.0, -2.0, 5.0]}),
    ("dim N\ninput x: real[N]\nparam u: real\nparam v: real[N]\nloss L = sum(x)\n",
     {"x": [1.0, 1.0], "u": 2.0, "v": [1.0, 1.0]}),
    ("param w: real\nloss L = w\n", {"w": 2.0}),
    ("dim N\nparam w: real[N]\nloss L = w[0] + w[-1]\n", {"w": [0.0, 1.0, 2.0]}),
    ("dim N\nparam w: real[N]\noutput q = w\ngrad q wrt w\n", {"w": [0.0, 1.0, 2.0]}),
    ("dim N\ninput i: int[N]\nparam w: real[N]\nloss L = sum(i * w) / N + sum(w[i])\n",
     {"i": [0, 2, 2], "w": [0.0, 1.0, 2.0]}),
    ("dim T\ninput x: real[T]\nparam w: real[T, 2*T]\nloss L = sum(w @ concatenate([x, x]))\n",
     {"x": [1.0, 2.0], "w": [[1.0, 2.0, 3.0, 4.0]] * 2}),
    ("dim N\nparam x: real[N]\ny = x * 2\nz = y + 1\noutput y\noutput z\noutput yy = y\nloss L = sum(z)\n",
     {"x": [1.0, 2.0]}),
    ("input s: real\nparam v: real[3]\nloss L = s * sum(v) if s > 0 else sum(v**2)\n",
     {"s": -1.0, "v": [1.0, 2.0, 3.0]}),
    ("dim N\ninput b: bool[N]\nparam v: real[N]\noutput c = not b\noutput d = sum(b)\nloss L = mean(v * b)\n",
     {"b": [True, False], "v": [1.0, 2.0]}),
    ("dim N, M\nparam A: real[N, M]\noutput t = A.T\noutput r = reshape(A, M * N)\noutput s = A[:, 0]\n"
     "output f = flip(A, 0)\nloss L = sum(A.T @ A)\n", {"A": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]}),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("model", "arguments"), UNUSUAL)
def test_unusual_models(model: str, arguments: dict[str, Any], level: int, dtype: str) -> None:
    program = program_of(Source("model.dsl", model))
    m = module_of(module_text(program, Options(level=level, dtype=dtype)), "model")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outputs, cache = m.forward(**arguments)
        results = [*outputs, *cache]
        if program.target is not None:
            seed = np.ones(np.shape(getattr(outputs, program.target)))
            results += m.backward(cache, seed)
        if hasattr(m, "value_and_grad"):
            value, grads = m.value_and_grad(**arguments)
            results += [value, *grads]
    expected = evaluate(
        program.graph, {k: np.asarray(v) for k, v in arguments.items()}, _sizes(program, arguments)
    )
    for name in program.outputs:
        np.testing.assert_allclose(getattr(outputs, name), expected[name], rtol=1e-6)
    for value in results:
        if isinstance(value, np.ndarray):
            assert value.dtype.name in (dtype, "int64", "bool")
            assert value.flags.writeable
        else:
            assert type(value) in (float, int, bool)


def _sizes(program: Any, arguments: dict[str, Any]) -> dict[str, int]:
    shapes = {name: np.shape(value) for name, value in arguments.items()}
    return {b.dim: (shapes[b.argument][b.axis] - b.offset) // b.factor for b in program.bindings}
