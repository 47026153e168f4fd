"""The tool that reads other people's files says which are not as they should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import conformance

SAMPLES = Path("bicep/src/Bicep.Core.Samples/Files")


def write(root: Path, name: Path | str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_files_are_counted_by_where_they_come_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, SAMPLES / "baselines/Good_LF/main.bicep", "var a = 1\n")
    write(tmp_path, SAMPLES / "baselines/Good_LF/main.tokens.bicep", "no Bicep at all")
    write(tmp_path, SAMPLES / "baselines/InvalidThings_LF/main.bicep", "var a =\n")
    write(tmp_path, SAMPLES / "baselines_bicepparam/Good/parameters.bicepparam", "using none\nparam a = 1\n")
    write(tmp_path, "avm/res/x/y/main.bicep", "\ufeffparam a string\n")
    assert conformance.main(["bicep", str(tmp_path)]) == 0
    rows = [line.split("|")[1:4] for line in capsys.readouterr().out.splitlines() if line.startswith("|")][2:]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["Azure/bicep baselines that are wrong on purpose", "1", "0 (0.0 %)"],
        ["Azure/bicep baselines", "1", "1 (100.0 %)"],
        ["Azure/bicep parameter file baselines", "1", "1 (100.0 %)"],
        ["bicep-registry-modules avm/res, main.bicep", "1", "1 (100.0 %)"],
        ["**all that are valid**", "3", "3 (100.0 %)"],
    ]


def test_a_valid_file_with_a_problem_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "mine.bicep", "var a = 1\nvar b = ?\n")
    assert conformance.main(["bicep", str(tmp_path / "mine.bicep")]) == 1
    assert f"{tmp_path / 'mine.bicep'}:2:9: expected an expression, found '?'" in capsys.readouterr().out


def test_a_slow_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(conformance, "SLOW", -1.0)
    write(tmp_path, "mine.bicep", "var a = 1\n")
    assert conformance.main(["bicep", str(tmp_path)]) == 1
    assert "mine.bicep: took " in capsys.readouterr().out


def test_wrong_arguments_get_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert conformance.main([]) == conformance.main(["bicep"]) == conformance.main(["bicep", "/does/not/exist"]) == 2
    assert "python -m tools.conformance bicep PATH..." in capsys.readouterr().err
