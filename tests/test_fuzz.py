"""A short run of the fuzzer, the same inputs each time; `python -m tools.fuzz` runs as long as it is told to."""

from __future__ import annotations

import pytest

from tools import fuzz


def test_damaged_and_made_up_texts_never_crash(capsys: pytest.CaptureFixture[str]) -> None:
    fuzz.main(["--inputs", "600", "--seed", "3"])
    assert "\n0 crashes in 600 inputs" in capsys.readouterr().out


def test_the_fuzzer_sees_a_crash(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(fuzz.bicep, "parse_template", lambda *_: 1 / 0)
    assert fuzz.main(["--inputs", "60", "--seed", "3"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
