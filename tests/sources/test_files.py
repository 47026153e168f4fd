"""Finding what there is to audit: entry points, their parameters, and the bounds of what is read."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from auditor import services, snapshot
from auditor.errors import TargetError, UsageError
from auditor.model import Gap, Origin, Resource, Scope
from auditor.sources import CollectOptions, collect
from auditor.sources.files import Entry, Survey, entries
from auditor.sources.files.jail import MAX_FILE
from auditor.sources.files.kinds import Kind, kind_of

STORE = "resource s 'Microsoft.Storage/storageAccounts@2023-05-01' = {\n  name: 'one'\n  location: 'x'\n}\n"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01"


def template(**more: Any) -> str:
    return json.dumps(
        {"$schema": f"{SCHEMA}/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": []} | more
    )


def parameters(**values: Any) -> str:
    given = {name: {"value": value} for name, value in values.items()}
    return json.dumps(
        {"$schema": f"{SCHEMA}/deploymentParameters.json#", "contentVersion": "1.0.0.0", "parameters": given}
    )


def taking(*names: str) -> str:
    return "".join(f"param {name} string\n" for name in names) + STORE


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder that is the working directory, and a home that is elsewhere."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def found(*paths: str, **options: Any) -> list[Any]:
    return list(entries([Path(path) for path in paths or (".",)], CollectOptions(**options)))


def labels(*paths: str, **options: Any) -> list[str]:
    return [one.label for one in found(*paths, **options) if isinstance(one, Entry)]


def gaps(*paths: str, **options: Any) -> list[Gap]:
    return [one for one in found(*paths, **options) if isinstance(one, Gap)]


def states(*paths: str) -> dict[str, str]:
    return {one.id: one.state for one in found(*paths) if isinstance(one, Scope)}


# ── entry points ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_called_module_is_no_entry_point_and_an_uncalled_one_is() -> None:
    write(
        {
            "main.bicep": "module a './modules/a.bicep' = {\n  name: 'a'\n}\n",
            "modules/a.bicep": "module b 'b.bicep' = {\n  name: 'b'\n}\n",
            "modules/b.bicep": STORE,
            "modules/unused.bicep": STORE,
            "modules/names.bicep": "@export()\nvar prefix = 'x'\n",
        }
    )
    assert labels() == ["main.bicep", "modules/unused.bicep"]


def test_a_module_that_is_named_is_audited_by_itself() -> None:
    write({"main.bicep": "module a 'a.bicep' = {\n  name: 'a'\n}\n", "a.bicep": STORE})
    assert labels("a.bicep") == ["a.bicep"]


def test_an_import_makes_no_module_of_a_file() -> None:
    write(
        {"main.bicep": "import { x } from 'shared.bicep'\n" + STORE, "shared.bicep": "@export()\nvar x = 1\n" + STORE}
    )
    assert labels() == ["main.bicep", "shared.bicep"]


def test_templates_that_only_call_each_other_are_audited_once() -> None:
    write(
        {
            "a.bicep": "module x 'b.bicep' = {\n  name: 'x'\n}\n",
            "b.bicep": "module x 'a.bicep' = {\n  name: 'x'\n}\n",
            "self.bicep": "module x 'self.bicep' = {\n  name: 'x'\n}\n",
        }
    )
    assert labels() == ["a.bicep", "self.bicep"]


def test_a_linked_template_is_called_and_its_caller_is_not() -> None:
    link = {"templateLink": {"relativePath": "nested/store.json"}, "mode": "Incremental"}
    deployment = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": "x",
        "properties": link,
    }
    write({"main.json": template(resources=[deployment]), "nested/store.json": template()})
    assert labels() == ["main.json"]


def test_a_link_inside_a_nested_template_counts() -> None:
    link = {"templateLink": {"relativePath": "store.json"}, "mode": "Incremental"}
    inner = {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "x", "properties": link}
    nested = {"mode": "Incremental", "template": json.loads(template(resources=[inner]))}
    outer = {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "y", "properties": nested}
    write({"main.json": template(resources=[outer]), "store.json": template()})
    assert labels() == ["main.json"]


def test_what_bicep_compiled_is_not_audited_twice() -> None:
    compiled = template(metadata={"_generator": {"name": "bicep", "version": "0.40.2"}})
    write({"main.bicep": STORE, "main.json": compiled, "azuredeploy.json": compiled, "other.json": compiled})
    assert labels() == ["main.bicep", "other.json"]
    assert states()["main.json"] == "compiled from main.bicep beside it, which is audited instead"
    assert labels("main.json") == ["main.json"]


def test_hidden_folders_and_those_of_packages_are_skipped() -> None:
    folders = (".git/x", ".azure", ".terraform", "node_modules/y")
    write({f"{folder}/main.bicep": STORE for folder in folders} | {"app/main.bicep": STORE})
    assert labels() == ["app/main.bicep"]


def test_other_json_is_no_business_of_ours() -> None:
    policy = {"if": {}, "then": {"details": {"deployment": {"properties": {"template": json.loads(template())}}}}}
    write(
        {
            "package.json": "{}",
            "broken.json": '{"resources": [',
            "list.json": "[]",
            "policy.json": json.dumps(policy),
            "ui.json": json.dumps({"$schema": "https://schema/createUIDefinition.json#", "parameters": {}}),
            "mail.json": json.dumps({"contentVersion": "1", "text": "deploymentTemplate"}),
        }
    )
    assert found() == []


@pytest.mark.parametrize(
    "text",
    [
        template(),
        "\ufeff" + template(),
        "// a comment\n" + template(),
        json.dumps(dict(reversed(json.loads(template()).items()))),
        json.dumps({"contentVersion": "1.0.0.0", "resources": {}, "languageVersion": "2.0"}),
        json.dumps({"$schema": f"{SCHEMA}/subscriptionDeploymentTemplate.json#", "resources": []}),
    ],
)
def test_a_template_is_known_by_its_content(text: str) -> None:
    write({"odd.jsonc": text})
    assert labels() == ["odd.jsonc"]


def test_a_parameter_file_with_the_schema_of_a_template_is_one() -> None:
    given = json.loads(parameters(sku="Standard_LRS")) | {"$schema": f"{SCHEMA}/deploymentTemplate.json#"}
    given["parameters"]["key"] = {"reference": {"keyVault": {"id": "x"}, "secretName": "y"}}
    store = taking("sku").replace("param", "param key string\nparam", 1)
    write({"main.bicep": store, "main.parameters.json": "// as it came\n" + json.dumps(given)})
    assert labels() == ["main.bicep with main.parameters.json"]
    assert labels("main.bicep") == ["main.bicep with main.parameters.json"]
    empty = json.dumps({"$schema": f"{SCHEMA}/deploymentTemplate.json#", "parameters": {}})
    assert kind_of(Path("x.json"), empty.encode()) is Kind.PARAMETERS


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"parameters": {}, "variables": {}},
        {"parameters": {"a": {"type": "string"}}},
        {"parameters": {"a": {"value": 1}, "b": {"type": "string"}}},
        {"parameters": {"value": {"type": "string", "value": 1}}},
        {"parameters": {"a": {"value": 1}}, "resources": []},
        {"parameters": {"a": {"value": 1}}, "Resources": []},
        {"parameters": [{"value": 1}]},
        {"outputs": {}},
    ],
)
def test_what_says_it_is_a_template_and_gives_no_values_is_one(more: dict[str, Any]) -> None:
    text = json.dumps({"$schema": f"{SCHEMA}/deploymentTemplate.json#", **more})
    assert kind_of(Path("x.json"), text.encode()) is Kind.TEMPLATE
    assert kind_of(Path("x.json"), text[:-1].encode()) is Kind.TEMPLATE


def test_a_template_in_utf_16_is_read() -> None:
    write({"main.json": template().encode("utf-16")})
    assert labels() == ["main.json"]


# ── parameter files ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        "main.parameters.json",
        "main.prod.parameters.json",
        "main.parameters.prod.json",
        "main.parameters.prod.jsonc",
        "parameters.json",
        "azuredeploy.parameters.json",
        "prod.parameters.json",
    ],
)
@pytest.mark.parametrize("targets", [(".",), ("main.bicep",)])
def test_a_parameter_file_beside_its_template_is_used(name: str, targets: tuple[str, ...]) -> None:
    write({"main.bicep": taking("sku"), name: parameters(sku="Standard_LRS")})
    assert labels(*targets) == [f"main.bicep with {name}"]


def test_every_parameter_file_is_an_entry_point_of_its_own() -> None:
    write(
        {
            "main.bicep": taking("sku"),
            "main.dev.parameters.json": parameters(sku="Standard_LRS"),
            "main.parameters.prod.json": parameters(sku="Standard_GZRS"),
            "test.bicepparam": "using './main.bicep'\nparam sku = 'Standard_ZRS'\n",
            "plain.bicep": STORE,
        }
    )
    assert labels() == [
        "main.bicep with main.dev.parameters.json",
        "main.bicep with main.parameters.prod.json",
        "main.bicep with test.bicepparam",
        "plain.bicep",
    ]
    assert labels("main.bicep") == labels()[:3]


def test_a_parameter_file_of_another_name_goes_with_the_only_template_that_takes_it() -> None:
    write(
        {
            "main.bicep": taking("sku", "name"),
            "other.bicep": taking("sku"),
            "a.parameters.json": parameters(sku="x", name="y"),
            "b.parameters.json": parameters(sku="x"),
            "c.parameters.json": parameters(nobody="x"),
        }
    )
    assert labels() == ["main.bicep with a.parameters.json", "other.bicep"]
    unused = "not used: no template that is deployed goes with it"
    assert states() == {"b.parameters.json": unused, "c.parameters.json": unused}
    assert labels("main.bicep") == ["main.bicep with a.parameters.json"]
    assert labels("other.bicep") == ["other.bicep"]


def test_the_parameters_of_a_called_module_are_said_to_be_unused() -> None:
    write(
        {
            "main.bicep": "module a 'a.bicep' = {\n  name: 'a'\n}\n",
            "a.bicep": taking("sku"),
            "a.parameters.json": parameters(sku="x"),
        }
    )
    assert labels() == ["main.bicep"]
    assert states() == {"a.parameters.json": "not used: a.bicep is audited as a module of others"}
    assert labels("a.bicep") == labels("a.parameters.json") == ["a.bicep with a.parameters.json"]


def test_the_parameters_of_compiled_json_go_with_its_source() -> None:
    compiled = template(metadata={"_generator": {"name": "bicep"}}, parameters={"sku": {"type": "string"}})
    write(
        {"main.bicep": taking("sku"), "azuredeploy.json": compiled, "azuredeploy.parameters.json": parameters(sku="x")}
    )
    assert labels() == ["main.bicep with azuredeploy.parameters.json"]
    assert labels("azuredeploy.json") == ["azuredeploy.json with azuredeploy.parameters.json"]


def test_a_bicepparam_file_audits_the_template_it_uses() -> None:
    write(
        {
            ".git/HEAD": "",
            "infra/main.bicep": taking("sku"),
            "env/prod.bicepparam": "using '../infra/main.bicep'\nextends 'base.bicepparam'\nparam sku = 'x'\n",
            "env/base.bicepparam": "using none\nparam sku = 'y'\n",
            "env/lonely.bicepparam": "using none\n",
        }
    )
    assert labels() == ["infra/main.bicep with prod.bicepparam"]
    assert states() == {"env/lonely.bicepparam": "names no template; not used"}
    assert labels("env/prod.bicepparam") == ["infra/main.bicep with prod.bicepparam"]
    with pytest.raises(TargetError, match="names no template"):
        found("env/lonely.bicepparam")


def test_a_bicepparam_file_makes_an_entry_point_of_a_module() -> None:
    write(
        {
            "main.bicep": "module a 'a.bicep' = {\n  name: 'a'\n}\n",
            "a.bicep": STORE,
            "a.bicepparam": "using 'a.bicep'\n",
        }
    )
    assert labels() == ["a.bicep with a.bicepparam", "main.bicep"]


@pytest.mark.parametrize(
    ("using", "reason"),
    [
        ("'missing.bicep'", "the template 'missing.bicep' it is for was not read: there is no such file"),
        ("'br/public:avm/x:1.0'", "is not in the Bicep cache"),
        ("'br/none:avm/x:1.0'", "no bicepconfig.json defines the alias 'none'"),
    ],
)
def test_a_bicepparam_file_whose_template_is_not_there_is_a_gap(using: str, reason: str) -> None:
    write({"main.bicepparam": f"using {using}\n"})
    for target in (".", "main.bicepparam"):
        (gap,) = gaps(target)
        assert gap.subject == "main.bicepparam"
        assert reason in gap.reason


def test_a_bicepparam_file_that_is_broken_still_goes_with_its_template() -> None:
    write(
        {"main.bicep": taking("sku"), "main.bicepparam": "uses ???\nparam sku = 'x'\n", "x.bicepparam": "param = ???\n"}
    )
    (entry, gap) = sorted(found(), key=lambda one: isinstance(one, Gap))
    assert entry.label == "main.bicep with main.bicepparam"
    assert entry.parameters[0].problems
    assert "sku" in entry.parameters[0].values
    assert (gap.subject, gap.origin.line) == ("x.bicepparam", 1)


def test_a_parameter_file_that_is_named_finds_its_template() -> None:
    write({"main.bicep": taking("sku"), "main.dev.parameters.json": parameters(sku="x")})
    assert labels("main.dev.parameters.json") == ["main.bicep with main.dev.parameters.json"]


def test_a_parameter_file_without_a_template_is_a_wrong_target() -> None:
    write({"alone.parameters.json": parameters(sku="x")})
    with pytest.raises(TargetError, match="no template beside it") as caught:
        found("alone.parameters.json")
    assert "--parameters" in caught.value.hint


def test_given_parameters_take_the_place_of_those_found() -> None:
    write(
        {
            "main.bicep": taking("sku", "name"),
            "main.parameters.json": parameters(sku="a"),
            "main.dev.parameters.json": parameters(sku="b"),
            "elsewhere/one.json": parameters(sku="c"),
            "elsewhere/two.bicepparam": "using '../main.bicep'\nparam name = 'd'\n",
        }
    )
    given = (Path("elsewhere/one.json"), Path("elsewhere/two.bicepparam"))
    (entry,) = [one for one in found("main.bicep", parameters=given) if isinstance(one, Entry)]
    assert entry.label == "main.bicep with one.json, two.bicepparam"
    assert [list(file.values) for file in entry.parameters] == [["sku"], ["name"]]


def test_given_parameters_come_after_those_that_were_named() -> None:
    write(
        {
            "main.bicep": taking("a", "b"),
            "main.bicepparam": "using 'main.bicep'\nparam a = 'x'\n",
            "more.json": parameters(b=1),
        }
    )
    assert labels("main.bicepparam", parameters=(Path("more.json"),)) == ["main.bicep with main.bicepparam, more.json"]


def test_in_a_folder_given_parameters_go_to_the_templates_they_fit() -> None:
    write(
        {
            "a.bicep": taking("sku"),
            "b.bicep": taking("sku", "name"),
            "c.bicep": taking("other"),
            "p.json": parameters(SKU="x"),
        }
    )
    assert labels(parameters=(Path("p.json"),)) == ["a.bicep with p.json", "b.bicep with p.json", "c.bicep"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("p.json", parameters(skuu="x"), "main.bicep has no parameter 'skuu'; did you mean 'sku'?"),
        ("p.json", template(), "it is no parameter file"),
        ("p.txt", "sku=x", "it is no parameter file"),
        ("p.bicepparam", "using 'other.bicep'\n", "it is for 'other.bicep'"),
    ],
)
def test_given_parameters_that_fit_nothing_are_an_error(file: str, content: str, message: str) -> None:
    write({"main.bicep": taking("sku"), "other.bicep": STORE, file: content})
    with pytest.raises(UsageError) as caught:
        found("main.bicep", parameters=(Path(file),))
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_given_parameters_must_be_there() -> None:
    write({"main.bicep": STORE})
    with pytest.raises(TargetError, match=r"'none.json' cannot be read: there is no such file"):
        found("main.bicep", parameters=(Path("none.json"),))


def test_a_registry_is_not_mistaken_for_a_file_of_a_like_name() -> None:
    write({"brand.bicep": taking("sku"), "p.bicepparam": "using 'brand.bicep'\nparam sku = 'x'\n"})
    assert labels("brand.bicep", parameters=(Path("p.bicepparam"),)) == ["brand.bicep with p.bicepparam"]


def test_given_parameters_do_not_matter_where_there_is_no_template() -> None:
    write({"p.json": parameters(sku="x")})
    snapshot.write(Path("estate.jsonl"), [], ("azure:",))
    assert gaps("estate.jsonl", parameters=(Path("p.json"),)) == []


def test_given_parameters_of_a_registry_module_fit_by_their_names() -> None:
    write({"main.bicep": taking("sku"), "p.bicepparam": "using 'br/public:a:1'\nparam sku = 'x'\n"})
    assert labels("main.bicep", parameters=(Path("p.bicepparam"),)) == ["main.bicep with p.bicepparam"]


def test_given_parameters_fit_no_template_that_cannot_be_read() -> None:
    write(
        {
            "main.bicep": b" " * (16 * 2**20 + 1),
            "more.bicep": STORE,
            "more.bicepparam": "using 'main.bicep'\n",
            "p.json": parameters(sku=1),
        }
    )
    with pytest.raises(UsageError, match=r"p.json fits no template$"):
        found("more.bicepparam", parameters=(Path("p.json"),))


# ── files that are something else, or broken ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "content"), [("README.md", "# x"), ("some.json", '{"a": 1}'), ("x", b"\0\1"), ("e.json", "[]")]
)
def test_a_named_file_that_is_nothing_we_read_is_a_wrong_target(name: str, content: str | bytes) -> None:
    write({name: content})
    with pytest.raises(TargetError, match="is no template") as caught:
        found(name)
    assert caught.value.exit_code == 2
    assert ".bicep" in caught.value.hint


def test_a_named_file_that_is_broken_json_is_a_gap_with_its_line() -> None:
    write({"some.json": '{\n  // why not\n  "a": 1,\n  "b": ?\n}\n'})
    (gap,) = gaps("some.json")
    assert gap.origin == Origin("some.json", 4, 8)
    assert "no JSON" in gap.reason


def test_a_wrong_target_is_an_error_before_anything_is_read() -> None:
    write({"main.bicep": STORE, "x.txt": ""})
    with pytest.raises(TargetError):
        entries([Path("main.bicep"), Path("x.txt")], CollectOptions())
    with pytest.raises(TargetError):
        entries([Path("nowhere.bicep")], CollectOptions())


def test_a_pipe_is_no_target_and_never_waited_for() -> None:
    os.mkfifo("main.bicep")
    os.mkfifo("main.json")
    with pytest.raises(TargetError, match="no regular file"):
        found("main.json")
    assert [gap.reason for gap in gaps("main.bicep")] == ["it is no regular file"]
    assert [(gap.subject, gap.reason) for gap in gaps()] == [("main.bicep", "it is no regular file")]


def test_a_broken_bicep_file_is_always_reported() -> None:
    write(
        {
            "main.bicep": "module a 'a.bicep' = if (false) {\n  name: 'a'\n}\n",
            "a.bicep": "param x string\nresource ???\n" + STORE,
            "types.bicep": "type t = \n",
            "entry.bicep": "resource broken\n" + STORE,
        }
    )
    told = {(gap.subject, gap.origin.line) for gap in gaps()}
    assert told == {("a.bicep", 2), ("types.bicep", 1)}
    (entry,) = [one for one in found() if isinstance(one, Entry) and one.label == "entry.bicep"]
    assert entry.template.problems
    assert len(entry.template.declarations) == 1


def test_a_broken_module_is_told_once() -> None:
    broken = "resource ???\n"
    call = "module a '{}' = {{\n  name: 'a'\n}}\n"
    write(
        {
            "main.bicep": call.format("a.bicep"),
            "never.bicep": call.format("b.bicep").replace("= {", "= if (false) {"),
            "a.bicep": broken,
            "b.bicep": broken,
        }
    )
    told = [one for one in collect(["."], CollectOptions(), services.catalog()) if isinstance(one, Gap)]
    assert [(gap.origin.uri, gap.origin.line, len(gap.origin.via)) for gap in told] == [
        ("a.bicep", 1, 1),
        ("b.bicep", 1, 0),
    ]


def test_a_template_of_another_ending_can_be_named() -> None:
    write({"template.txt": template(), "other.json": template()})
    assert labels("template.txt") == ["template.txt"]
    assert labels() == ["other.json"]


def test_a_large_snapshot_is_one() -> None:
    resource = Resource("/x/y", "Microsoft.KeyVault/vaults", "y", None, {"x": "x" * 17 * 2**20}, Origin("z"))
    snapshot.write(Path("estate.jsonl"), [resource], ("azure:",))
    assert resource in found("estate.jsonl")
    assert resource in found()


def test_snapshots_give_their_records() -> None:
    resource = Resource("/x/y", "Microsoft.KeyVault/vaults", "y", None, {}, Origin("z"))
    snapshot.write(Path("estate.jsonl"), [resource], ("azure:",))
    text = Path("estate.jsonl").read_text()
    write({"cut.jsonl": text[:-20], "main.bicep": STORE})
    one = found()
    assert resource in one
    assert {item.subject for item in one if isinstance(item, Gap)} == {"cut.jsonl"}
    assert Scope("estate.jsonl", "snapshot", "estate.jsonl") in one
    assert "main.bicep" in labels()
    assert resource in found("estate.jsonl")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("main.tf", "", Kind.CONFIGURATION),
        ("main.tf.json", "{}", Kind.CONFIGURATION),
        ("main.tofu", "", Kind.CONFIGURATION),
        ("p.json", {"format_version": "1.2", "terraform_version": "1.11.4", "planned_values": {}}, Kind.PLAN),
        ("p.json", {"format_version": "1.2", "terraform_version": "1", "variables": {"a": "x" * 70_000}}, Kind.PLAN),
        ("p.json", {"format_version": "0.1", "resource_changes": []}, Kind.PLAN),
        ("p.json", {"resource_changes": []}, Kind.PLAN),
        ("p.json", {"applyable": True, "configuration": {"x": "y" * 70_000}, "format_version": "1.2"}, Kind.PLAN),
        ("p.json", {"configuration": {"root_module": "y" * 70_000}, "format_version": "1.2"}, Kind.PLAN),
        ("s.json", {"format_version": "1.0", "terraform_version": "1.11.4", "values": {}}, Kind.STATE),
        ("s.json", {"format_version": "1.0"}, Kind.STATE),
        ("terraform.tfstate", {"version": 4, "terraform_version": "1.11.4", "resources": []}, Kind.STATE),
        ("old.tfstate", {"version": 3, "serial": 1, "lineage": "x", "modules": []}, Kind.STATE),
        ("sealed.tfstate", {"serial": 1, "meta": {}, "encrypted_data": "x", "encryption_version": "v0"}, Kind.STATE),
        ("v.json", {"format_version": "1.0", "valid": True}, None),
        ("v.json", {"configuration": {}, "terraform_version_note": "x"}, None),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_terraform_is_recognised(name: str, content: Any, kind: Kind | None, encoding: str) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    Path(name).write_text(text, encoding)
    found = Survey([Path()], CollectOptions())
    assert [one.kind for one in found.terraform] == [kind] * (kind is not None)
    assert found.terraform_named == []
    if kind is not None:
        found = Survey([Path(name)], CollectOptions())
        assert [one.kind for one in found.terraform_named] == [kind]
        assert found.terraform == []


def test_a_plan_may_be_larger_than_a_template() -> None:
    plan = {"format_version": "1.2", "terraform_version": "1.11.4", "planned_values": {"x": "y" * MAX_FILE}}
    write({"plan.json": json.dumps(plan)})
    assert [one.kind for one in Survey([Path()], CollectOptions()).terraform] == [Kind.PLAN]
    assert [one.kind for one in Survey([Path("plan.json")], CollectOptions()).terraform_named] == [Kind.PLAN]


@pytest.mark.parametrize("name", ["tfplan", "plan.json", "plan.out"])
def test_a_saved_plan_is_for_terraform_to_show(name: str) -> None:
    with zipfile.ZipFile(name, "w") as archive:
        archive.writestr("tfplan", b"x")
    with pytest.raises(TargetError, match="saved plan") as raised:
        Survey([Path(name)], CollectOptions())
    assert "terraform show -json" in (raised.value.hint or "")
