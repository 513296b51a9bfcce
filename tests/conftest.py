"""Options of the test suite.

    pytest tests/grammar tests/docs --update     write what the compiler gives now into the expected results

Look at the difference before you commit it. A continuous-integration server refuses the option.
"""

from __future__ import annotations

import gc
import inspect
import os
from collections.abc import Sequence
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


def pytest_collection_finish(session: pytest.Session) -> None:
    """Thousands of tests stay to the end: garbage need not be looked for among them all the time."""
    gc.set_threshold(50_000, 20, 20)


# What shares a dear fixture runs in one process: the site is built once, the browser is started once,
# a model's module is compiled once.
# (pytest-xdist 3.8 marks groups in the names of tests, which pytest 9.2 doesn't show to it.)
GROUPS = {
    "tests/docs/test_website.py": "site",
    "tests/driver/report/test_browser.py": "browser",
    "tests/driver/diagnosis/test_page_in_a_browser.py": "browser",
    "tests/codegen/test_modules.py": "modules",
    "tests/test_derivative_peers.py": "derivatives",
}


class Collected(list[str]):
    """A worker's tests, in which a name is looked up and not searched for."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self.places = {name: place for place, name in enumerate(names)}

    def index(self, name: str, *bounds: Any) -> int:
        return self.places[name]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            # Cases of one function go together: a queue of each alone takes minutes to look through.
            return GROUPS.get(nodeid.partition("::")[0], nodeid.partition("[")[0])

        def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
            super().add_node_collection(node, collection)
            self.registered_collections[node] = Collected(collection)

        def _reschedule(self, node: Any) -> None:
            """With what is done forgotten: after each test, all that a worker was given is counted."""
            units = self.assigned_work[node]
            for scope in [scope for scope, tests in units.items() if all(tests.values())]:
                del units[scope]
            super()._reschedule(node)

    return Scheduling(config, log)
