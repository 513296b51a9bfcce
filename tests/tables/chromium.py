"""Chromium (or Chrome) on the PATH, for tests of pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FOUND = next(filter(None, map(shutil.which, BROWSERS)), None)
NEEDED = pytest.mark.skipif(FOUND is None, reason="no Chromium on the PATH: apt install chromium")


@contextmanager
def opened() -> Iterator[Any]:
    """A browser without a window; playwright is skipped for where it isn't installed."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=FOUND, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()
