"""docs/recovery.md says what the program says."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from auditor import pipeline
from auditor.recovery import SCENARIOS, load_knowledge
from auditor.recovery.objectives import load_objectives
from auditor.renderers.recovery.view import matrix
from tests.recovery_stores import VOCABULARY


def sample(home: Path) -> str:
    """The matrix of the sample estate, with the figures beside the signs."""
    shown = matrix(pipeline.recovery("azure:", replay=home / "samples" / "estate" / "live").report.recovery)
    heads = [short for short, _ in shown.scenarios.values()]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for line in shown.lines:
        cells = (f"{cell.symbol} {cell.short}".strip() for cell in line.cells)
        lines.append(f"| {line.subject.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def test_the_sample_estate_is_as_it_is_written(home: Path) -> None:
    text = (home / "docs" / "recovery.md").read_text("utf-8")
    written = text.partition("<!-- sample -->\n")[2].partition("\n<!-- end -->")[0]
    assert written == sample(home)


def test_the_examples_are_what_the_loaders_take(home: Path, tmp_path: Path) -> None:
    text = (home / "docs" / "recovery.md").read_text("utf-8")
    objectives, knowledge = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "o.yaml").write_text(objectives, "utf-8")
    assert len(load_objectives(tmp_path / "o.yaml", VOCABULARY).objectives) == 2
    document = yaml.safe_load(knowledge)
    document["without"] = {name: document["without"].get(name, "x") for name in SCENARIOS}
    document["sources"]["LOCK"] = document["sources"]["KV-SD"]
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "keyvault.yaml").write_text(yaml.safe_dump(document), "utf-8")
    (known,) = load_knowledge(folder, VOCABULARY)
    assert [mechanism.id for mechanism in known.mechanisms] == ["keyvault-purge-protection"]


def test_every_scenario_is_explained(home: Path) -> None:
    text = (home / "docs" / "recovery.md").read_text("utf-8")
    assert all(f"`{scenario}`" in text for scenario in SCENARIOS)
