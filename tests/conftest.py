"""Options of the test suite.

    pytest tests/grammar tests/docs --update     write what the compiler gives now into the expected results

Look at the difference before you commit it. A continuous-integration server refuses the option.
"""

from __future__ import annotations

import inspect
import os
from typing import Any

import pytest

# Two workers on two cores: threads of the BLAS would only wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="bless what the compiler gives now")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update") and os.environ.get("CI"):
        raise pytest.UsageError("--update: expected results are not changed in continuous integration")


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """A function in a table is named by its column: its address would differ between worker processes."""
    return argname if inspect.isfunction(val) else None


# What shares a dear fixture runs in one process: the site is built once, the browser is started once.
# (pytest-xdist 3.8 marks groups in the names of tests, which pytest 9.2 doesn't show to it.)
GROUPS = {
    "tests/docs/test_website.py": "site",
    "tests/driver/report/test_browser.py": "browser",
    "tests/driver/diagnosis/test_page_in_a_browser.py": "browser",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            # Cases of one function go together: a queue of each alone takes minutes to look through.
            return GROUPS.get(nodeid.partition("::")[0], nodeid.partition("[")[0])

    return Scheduling(config, log)
