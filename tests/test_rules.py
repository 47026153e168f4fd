"""Rule and baseline files: what is read, and how errors name file, line and the nearest valid name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor import documents, pipeline, services
from auditor.errors import PolicyError, UsageError
from auditor.model import Severity
from auditor.paths import data_dir
from auditor.rules import Vocabulary, load_baseline, load_rules
from auditor.schemas import schema

VOCABULARY = pipeline.vocabulary_of(services.catalog())
RULE = """\
id: storage-x
title: X holds
severity: high
applies_to: [Microsoft.Storage/storageAccounts]
rationale: Because.
parameters:
  days: {type: duration, default: P30D}
  least: {type: integer, default: 2}
  kinds: {type: text, default: a}
  copies: {type: redundancy, default: GRS}
  wanted: {type: boolean, default: true}
require: {field: kind, equals: StorageV2}
examples:
  - {name: a, outcome: pass, resource: {kind: StorageV2}}
"""


def write(folder: Path, text: str = RULE, name: str = "storage-x") -> Path:
    path = folder / "storage" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return folder


def load(tmp_path: Path, text: str) -> Any:
    return load_rules([write(tmp_path, text)], VOCABULARY)["storage-x"]


def changed(**changes: str) -> str:
    """The rule with some top-level keys replaced by other YAML."""
    lines, skip = [], False
    for line in RULE.splitlines():
        key = line.partition(":")[0]
        if not line.startswith(" "):
            skip = key in changes
            if skip:
                lines.append(f"{key}: {changes[key]}")
        if not skip:
            lines.append(line)
    return "\n".join([*lines, *(f"{k}: {v}" for k, v in changes.items() if f"\n{k}:" not in f"\n{RULE}")])


BAD_RULES = {
    "not-yaml": ("id: [", "not YAML"),
    "empty": ("", "the file is empty"),
    "a-list": ("- a", "expected a mapping"),
    "unknown-key": (RULE + "sevrity: high\n", ":15: unknown key 'sevrity'; did you mean 'severity'?"),
    "twice": (RULE + "id: storage-x\n", ":15: 'id' is given twice"),
    "missing": (RULE.replace("title: X holds\n", ""), ":1: 'title' is missing"),
    "other-id": (changed(id="storage-y"), ":1: the id 'storage-y' is not the file's name 'storage-x'"),
    "severity": (changed(severity="hihg"), ":3: unknown severity 'hihg'; did you mean 'high'?"),
    "no-type": (changed(applies_to="[]"), ":4: expected at least one resource type"),
    "type": (changed(applies_to="[Microsoft.Storage/storageAccount]"), "did you mean 'Microsoft.Storage/storageAccounts'?"),
    "text": (changed(title="[a]"), ":2: 'title' must be a text, found a list"),
    "number": (changed(title="7"), ":2: 'title' must be a text, found a number"),
    "anchor-bomb": ("a: &a [x, x]\n" + "\n".join(f"b{i}: &b{i} [*{'a' if not i else f'b{i - 1}'}, *{'a' if not i else f'b{i - 1}'}]" for i in range(24)), "more than"),
    "deep": ("a: " + "[" * 60 + "]" * 60, "nests deeper"),
    "merge": ("<<: {a: b}", "keys must be plain text"),
    "complex-key": ("? [a]\n: b", "keys must be plain text"),
    "tag": ("a: !!python/object:os.system x", "no value the format knows"),
    "no-operator": (changed(require="{field: kind}"), ":12: expected one operator"),
    "two-operators": (changed(require="{field: kind, equals: a, in: [b]}"), "not equals and in"),
    "misspelt-field": (changed(require="{feild: kind, equals: a}"), "unknown key 'feild'; did you mean 'field'?"),
    "no-accessor": (changed(require="{equals: a}"), "expected one of field, fact, child"),
    "bad-path": (changed(require='{field: "a[0].b", equals: a}'), "is no path such as"),
    "fact": (changed(require="{fact: region.zone, equals: true}"), "unknown fact 'region.zone'; did you mean 'region.zones'?"),
    "related": (changed(require="{count: {related: lock}, atLeast: 1}"), "unknown related resource 'lock'; did you mean 'locks'?"),
    "count-field": (changed(require="{count: {field: a.b}, atLeast: 1}"), "must end in [*]"),
    "empty-list": (changed(require="{allOf: []}"), "at least one condition"),
    "child-equals": (changed(require="{child: blobServices/default, equals: true}"), "can only be tested with 'exists'"),
    "exists-word": (changed(require="{field: a, exists: maybe}"), "exists expects true or false, found text"),
    "in-word": (changed(require="{field: a, in: b}"), "in expects a list of plain values, found text"),
    "in-empty": (changed(require="{field: a, in: []}"), "in expects a list"),
    "equals-list": (changed(require="{field: a, equals: [b]}"), "equals expects text, a number or true/false"),
    "at-least-word": (changed(require="{field: a, atLeast: b}"), "atLeast expects a number"),
    "unit": (changed(require="{field: a, unit: dayz, atLeast: P1D}"), "unknown unit 'dayz'; did you mean 'days'?"),
    "duration": (changed(require="{field: a, unit: days, atLeast: 30 days}"), "is not an ISO 8601 duration"),
    "redundancy": (changed(require="{field: a, type: redundancy, atLeast: XRS}"), "expected a redundancy such as LRS"),
    "parameter": (changed(require="{field: a, equals: {parameter: kind}}"), "unknown parameter 'kind'; did you mean 'kinds'?"),
    "parameter-type": (changed(require="{field: a, atLeast: {parameter: days}}"), "'days' is a duration (say the unit of the value)"),
    "parameter-kind": (changed(require="{field: a, unit: days, atLeast: {parameter: least}}"), "compares a duration here, and 'least' is a integer"),
    "unit-equals": (changed(require="{field: a, unit: days, equals: P30D}"), ":12: unit goes with one of atLeast, atMost, moreThan, lessThan, not with equals"),
    "type-equals": (changed(require="{field: a, type: redundancy, equals: GRS}"), "type goes with one of"),
    "unit-type": (changed(require="{field: a, unit: days, type: tier, atLeast: P30D}"), "a unit or a type, not both"),
    "duration-equals": (changed(require="{field: a, equals: {parameter: days}}"), "'days' is a duration; compare it with one of"),
    "in-parameter": (changed(require="{field: a, in: {parameter: kinds}}"), "in expects a list of plain values, found a mapping"),
    "exists-parameter": (changed(require="{field: a, exists: {parameter: wanted}}"), "exists expects true or false, found a mapping"),
    "operand-list": (changed(require='{field: a, moreThan: {field: "b[*]"}}'), "an operand is one value"),
    "operand-child": (changed(require="{field: a, equals: {child: blobServices/default}}"), "an operand is one value"),
    "two-roots": (changed(require="{field: a, fact: deployed, equals: true}"), "expected one of field and fact, not field and fact"),
    "of-field": (changed(require="{field: a, of: b, equals: true}"), "of goes with a fact"),
    "fact-child": (changed(require="{child: blobServices/default, fact: deployed, equals: true}"), "needs the path of a value: of"),
    "about": (changed(about="terraform/lifecicle"), "unknown carried child 'terraform/lifecicle'; did you mean 'terraform/lifecycle'?"),
    "about-azure": (changed(about="blobServices/default"), "unknown carried child 'blobServices/default'"),
    "child": (changed(require="{child: blobService/default, exists: true}"), "unknown child 'blobService/default'; did you mean 'blobServices/default'?"),
    "child-collection": (changed(require="{child: replicas, field: location, equals: a}"), "'replicas' is a collection, which only a count goes through"),
    "count-child": (changed(require="{count: {child: blobServices/default}, atLeast: 1}"), "is one child, not a collection"),
    "count-two": (changed(require='{count: {related: locks, field: "a[*]"}, atLeast: 1}'), "unknown key 'field'"),
    "count-text": (changed(require="{count: {related: locks}, equals: one}"), "a count is compared with an integer, found text"),
    "count-bool": (changed(require="{count: {related: locks}, equals: true}"), "a count is compared with an integer, found true/false"),
    "count-fraction": (changed(require="{count: {related: locks}, atLeast: 1.5}"), "a count is compared with an integer, found a number"),
    "count-parameter": (changed(require="{count: {related: locks}, equals: {parameter: kinds}}"), "a count is compared with an integer, and 'kinds' is none"),
    "count-in-count": (changed(require='{count: {related: locks, where: {count: {field: "a[*]"}, atLeast: 1}}, atLeast: 1}'), "cannot stand inside the 'where' of another"),
    "child-in-count": (changed(require="{count: {related: locks, where: {child: blobServices/default, exists: true}}, atLeast: 1}"), "a path starts at the item"),
    "parent-outside": (changed(require="{parent: a, equals: b}"), "unknown key 'parent'"),
    "default": (changed(parameters="{days: {type: duration, default: 30}}"), "expected a duration such as P30D, found 30"),
    "default-int": (changed(parameters="{n: {type: integer, default: true}}"), "expected a integer"),
    "when": (changed(when="[{field: kind, equals: a}]"), "'otherwise' is missing"),
    "reference": (changed(references="[{title: a, url: 'http://x'}]"), "must begin with https://"),
    "control": (changed(controls="[{framework: a, id: b, mapping: officially}]"), "unknown mapping 'officially'; did you mean 'official'?"),
    "remediation": (changed(remediation="{cli: x}"), "unknown key 'cli'"),
    "example": (changed(examples="[{name: a, outcome: passed, resource: {}}]"), "unknown outcome 'passed'; did you mean 'pass'?"),
    "example-parameter": (changed(examples="[{name: a, outcome: pass, resource: {}, parameters: {dayz: P1D}}]"), "unknown parameter 'dayz'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_RULES)
def test_a_bad_rule_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    text, expected = BAD_RULES[name]
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert expected in message
    assert message.startswith(str(tmp_path / "storage" / "storage-x.yaml:"))
    assert caught.value.exit_code == 5


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="is no folder of rules"):
        load_rules([tmp_path / "nowhere"])
    with pytest.raises(PolicyError, match="cannot be read"):
        documents.read_document(tmp_path)
    (tmp_path / "large.yaml").write_bytes(b"#" * (documents.MAX_BYTES + 1))
    with pytest.raises(PolicyError, match="is larger than"):
        documents.read_document(tmp_path / "large.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"a: \xff\xfe\x00")
    with pytest.raises(PolicyError, match="not YAML"):
        documents.read_document(tmp_path / "bytes.yaml")


def test_words_that_older_yaml_takes_for_booleans_are_words(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: no\nb: On\nc: True\nd: 0x10\ne: 1.5\nf: ~\ng: 2026-01-02\nh: 1_000\n")
    value = documents.read_document(tmp_path / "a.yaml").value
    assert value == {"a": "no", "b": "On", "c": True, "d": 16, "e": 1.5, "f": None, "g": "2026-01-02", "h": 1000}


def test_later_folders_replace_rules(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a"), write(tmp_path / "b", changed(title="Y holds"))
    assert load_rules([first, second])["storage-x"].title == "Y holds"


# ── the cache ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_cache_is_used_and_a_broken_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write(tmp_path / "rules")
    load_rules([folder])
    (cached,) = (tmp_path / "cache" / "auditor").iterdir()
    stored = json.loads(cached.read_text())
    stored[0][1]["title"] = "From the cache"
    cached.write_text(json.dumps(stored))
    assert load_rules([folder])["storage-x"].title == "From the cache"
    for broken in ("{", "[[1]]", "[1]", "null"):
        cached.write_text(broken)
        assert load_rules([folder])["storage-x"].title == "X holds"
    write(tmp_path / "rules", changed(title="Changed"))
    assert load_rules([folder])["storage-x"].title == "Changed"


def test_the_cache_can_be_switched_off_or_be_impossible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "rules")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("AUDITOR_NO_CACHE", "1")
    load_rules([folder])
    assert not (tmp_path / "cache").exists()
    monkeypatch.delenv("AUDITOR_NO_CACHE")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert load_rules([folder])
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    assert load_rules([folder])


def test_the_cache_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number in range(12):
        load_rules([write(tmp_path / "rules", changed(title=f"T{number}"))])
    assert len(os.listdir(tmp_path / "cache" / "auditor")) <= 8


# ── baselines ────────────────────────────────────────────────────────────────────────────────────────────────────────

SHIPPED = data_dir("rules") / "baselines"


@pytest.fixture(scope="module")
def rules() -> Any:
    return load_rules([data_dir("rules")], VOCABULARY)


def baseline(tmp_path: Path, text: str, rules: Any) -> Any:
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    return load_baseline(str(tmp_path / "mine.yaml"), SHIPPED, rules, VOCABULARY)


def test_a_baseline_extends_another(tmp_path: Path, rules: Any) -> None:
    (tmp_path / "base.yaml").write_text(
        "id: base\ntitle: B\nextends: standard-deployment\nrules: {storage-backup: {effect: require}}"
    )
    text = """
id: mine
title: Mine
extends: base.yaml
source: a document
rules:
  storage-blob-soft-delete: {severity: critical, parameters: {retention: P90D}}
  storage-redundancy: {when: [{field: tags.tier, notEquals: scratch, otherwise: Scratch}]}
  cosmosdb-multi-region: {parameters: {regions: 3}}
  storage-delete-lock: {effect: "off"}
"""
    found = baseline(tmp_path, text, rules)
    assert found.setting("storage-backup").effect == "require"
    soft = found.setting("storage-blob-soft-delete")
    assert (soft.effect, soft.severity, soft.parameters) == ("require", Severity.CRITICAL, {"retention": 90 * 86_400})
    assert found.setting("storage-redundancy").when[0].otherwise == "Scratch"
    # What only sets values of a reported rule leaves it reported.
    assert found.setting("cosmosdb-multi-region").effect == "report"
    assert found.setting("storage-delete-lock").effect == "off"
    assert found.setting("keyvault-purge-protection").effect == "require"
    assert (found.source, len(found.statements)) == ("a document", 21)


def test_baselines_that_extend_each_other_without_end(tmp_path: Path, rules: Any) -> None:
    for number in range(20):
        (tmp_path / f"b{number}.yaml").write_text(f"id: b\ntitle: B\nextends: b{number + 1}.yaml\n")
    with pytest.raises(PolicyError, match=r"b16\.yaml:3: more than 16 baselines"):
        baseline(tmp_path, "id: mine\ntitle: M\nextends: b1.yaml\n", rules)


def test_applicability_of_an_extended_baseline_is_added_to_or_dropped(tmp_path: Path, rules: Any) -> None:
    def of(when: str) -> list[str]:
        text = f"id: mine\ntitle: M\nextends: well-architected\nrules: {{storage-redundancy: {{{when}}}}}\n"
        return [a.otherwise for a in baseline(tmp_path, text, rules).setting("storage-redundancy").when]

    inherited = of("severity: low")
    assert len(inherited) == 2
    assert of("when: [{field: tags.tier, notEquals: scratch, otherwise: Scratch}]") == [*inherited, "Scratch"]
    assert of("when: []") == []


BAD_BASELINES = {
    "rule": ("rules: {storage-blob-softdelete: {effect: require}}", "unknown rule 'storage-blob-softdelete'; did you mean 'storage-blob-soft-delete'?"),
    "effect": ("rules: {storage-backup: {effect: requires}}", "unknown effect 'requires'; did you mean 'require'?"),
    "parameter": ("rules: {storage-blob-soft-delete: {parameters: {days: P1D}}}", "unknown parameter 'days'"),
    "value": ("rules: {storage-blob-soft-delete: {parameters: {retention: 30}}}", "expected a duration such as P30D"),
    "extends": ("extends: standard-deploymnt", "mine.yaml:3: there is no baseline or file 'standard-deploymnt'; did you mean 'standard-deployment'?"),
    "itself": ("extends: mine.yaml", "mine.yaml:3: baselines extend each other in a circle"),
    "itself-otherwise": ("extends: ./x/../mine.yaml", "extend each other in a circle"),
    "no-setting": ("rules: {storage-backup: null}", "mine.yaml:3: expected a mapping with effect"),
    "key": ("rules: {storage-backup: {efect: require}}", "unknown key 'efect'; did you mean 'effect'?"),
    "severity": ("rules: {storage-backup: {severity: hihg}}", "unknown severity 'hihg'; did you mean 'high'?"),
    "when": ("rules: {storage-backup: {when: [{field: kind, equals: a}]}}", "'otherwise' is missing"),
    "default": ("default: strict", "unknown default 'strict'"),
    "statement": ("statements: [{id: X, service: all, kind: rule, text: t, rules: [nope]}]", "unknown rule 'nope'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_BASELINES)
def test_a_bad_baseline_is_refused(tmp_path: Path, rules: Any, name: str) -> None:
    text, expected = BAD_BASELINES[name]
    (tmp_path / "x").mkdir()
    with pytest.raises(PolicyError) as caught:
        baseline(tmp_path, f"id: mine\ntitle: Mine\n{text}\n", rules)
    assert expected in str(caught.value)


def test_a_rule_id_is_checked() -> None:
    with pytest.raises(UsageError, match="did you mean 'storage-backup'"):
        pipeline.load_policy(rule=["storage-backups"])
    assert list(pipeline.load_policy(rule=["storage-backup", "storage-backup"]).rules) == ["storage-backup"]


# ── schemas ──────────────────────────────────────────────────────────────────────────────────────────────────────────


NOT_YAML = {"not-yaml", "empty", "anchor-bomb", "deep", "merge", "complex-key", "tag", "twice"}
# What a schema cannot see: whether names agree with each other or with the file's own, and words of a vocabulary.
BEYOND_A_SCHEMA = {"other-id", "redundancy", "parameter", "parameter-type", "parameter-kind", "duration-equals"} | {
    "example-parameter", "count-parameter", "fact-child",
}  # fmt: skip


def test_shipped_files_are_valid_for_an_editor_and_broken_ones_are_not(rules: Any) -> None:
    import jsonschema

    checks = {
        kind: jsonschema.Draft202012Validator(schema(kind, VOCABULARY, rules))
        for kind in ("rule", "baseline", "waivers")
    }
    for kind, check in checks.items():
        check.check_schema(schema(kind, VOCABULARY, rules))
    for path in data_dir("rules").glob("*/*.yaml"):
        if path.parent.name == "recovery":
            continue
        kind = "baseline" if path.parent.name == "baselines" else "rule"
        errors = [*checks[kind].iter_errors(documents.read_document(path).value)]
        assert errors == [], path
    assert checks["rule"].is_valid(yaml.safe_load(RULE))
    for name in BAD_RULES.keys() - NOT_YAML - BEYOND_A_SCHEMA:
        assert not checks["rule"].is_valid(yaml.safe_load(BAD_RULES[name][0])), name
    for name in ("effect", "parameter", "value", "default", "no-setting", "key", "severity", "when"):
        assert not checks["baseline"].is_valid(yaml.safe_load(f"id: mine\ntitle: Mine\n{BAD_BASELINES[name][0]}\n")), (
            name
        )
    assert not checks["baseline"].is_valid({"id": "a", "title": "b", "rules": {"x": {"effect": "maybe"}}})
    assert checks["baseline"].is_valid({"id": "a", "title": "b", "rules": {"my-own-rule": {"effect": "require"}}})


def test_the_loader_takes_any_name_without_a_vocabulary(tmp_path: Path) -> None:
    text = changed(applies_to="[A/b]", require="{fact: anything, equals: true}")
    assert load_rules([write(tmp_path, text)], Vocabulary())["storage-x"].applies_to == ("A/b",)
