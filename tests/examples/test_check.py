"""`autodiffc check` proves the gradient of every example at small sizes.

    autodiffc check examples/mlp.dsl        # a table; exit status 0

Found by the folder, so that no example can be forgotten.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from autodiffc.cli import main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MODELS = sorted(path.relative_to(EXAMPLES).with_suffix("").as_posix() for path in EXAMPLES.glob("**/*.dsl"))


@pytest.mark.parametrize("model", MODELS)
def test_check_passes(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["check", str(EXAMPLES / f"{model}.dsl")])
    table = capsys.readouterr().out
    assert status == 0, table
    assert re.search("^(all derivatives and|the gradient and all) values agree$", table, re.MULTILINE)
    assert "not checked" not in table
