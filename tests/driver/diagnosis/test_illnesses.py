"""Models that are built to have an illness are found to have it, and no other; healthy ones stay quiet."""

from __future__ import annotations

from pathlib import Path

import autodiffc
import pytest
from autodiffc.diagnosis import Diagnosis
from ill_models import HEALTHY, ILL, Case


def diagnosed(case: Case, folder: Path) -> Diagnosis:
    (folder / "model.dsl").write_text(case.text, "utf-8")
    return autodiffc.diagnose(folder / "model.dsl", case.data, sizes=case.sizes)


@pytest.mark.parametrize("case", ILL, ids=lambda case: case.name)
def test_an_illness_is_found_where_it_is(case: Case, tmp_path: Path) -> None:
    diagnosis = diagnosed(case, tmp_path)
    found = {(finding.kind, finding.label) for finding in diagnosis.findings}
    assert set(case.found) <= found
    assert {kind for kind, _ in found - set(case.found)} <= set(case.also)
    lines = case.text.splitlines()
    for finding in diagnosis.findings:
        assert finding.label.split(",")[0] in lines[finding.line - 1]
        assert finding.sentence
        assert finding.helps
        assert not finding.sentence.endswith(".")
        assert finding.sentence in " ".join(str(diagnosis).split())


@pytest.mark.parametrize("case", HEALTHY, ids=lambda case: case.name)
def test_a_healthy_model_stays_quiet(case: Case, tmp_path: Path) -> None:
    for seed in range(3):
        (tmp_path / "model.dsl").write_text(case.text, "utf-8")
        diagnosis = autodiffc.diagnose(tmp_path / "model.dsl", case.data, sizes=case.sizes, seed=seed)
        assert [str(finding) for finding in diagnosis.findings] == []
        assert diagnosis.ok
        assert "nothing found that is wrong" in str(diagnosis)
