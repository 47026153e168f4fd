"""Writes the generated docs: the rules, the Terraform tables, the JSON Schemas; `--check` says which are stale."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from auditor import pipeline, services
from auditor.paths import data_dir
from auditor.rule_docs import reference
from auditor.rules import baseline_names, load_baseline, load_rules
from auditor.schemas import schema
from tools.terraform_docs import with_tables

DOCS = Path(__file__).resolve().parent.parent / "docs"


def generated() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    vocabulary = pipeline.vocabulary_of(services.catalog())
    rules = load_rules([data_dir("rules")], vocabulary)
    folder = data_dir("rules") / "baselines"
    baselines = [load_baseline(name, folder, rules, vocabulary) for name in baseline_names(folder)]
    terraform = DOCS / "terraform.md"
    files = {
        DOCS / "rules.md": reference(rules.values(), baselines),
        terraform: with_tables(terraform.read_text("utf-8"), services.SERVICES),
    }
    for kind in ("rule", "baseline", "waivers", "map", "objectives"):
        text = json.dumps(schema(kind, vocabulary, rules), indent=2, ensure_ascii=False) + "\n"
        files[DOCS / f"{kind}.schema.json"] = text
    return files


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` return 1 when one is stale."""
    stale = [path for path, text in generated().items() if not path.is_file() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.name} is stale: run `make docs`")
        return 1 if stale else 0
    for path, text in generated().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
