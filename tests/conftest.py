"""What every test stands on: no cache of the user's, no configuration of the machine's."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the rule cache inside the test run, and the environment's wishes outside."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    for name in ("NO_COLOR", "FORCE_COLOR", "AUDITOR_DEBUG", "AUDITOR_NO_CACHE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent
