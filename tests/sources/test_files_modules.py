"""Modules of registries: references, aliases, the Bicep cache, --module-path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from auditor.sources import CollectOptions
from auditor.sources.arm import ir
from auditor.sources.files import Entry, entries
from auditor.sources.files.jail import Refused
from auditor.sources.files.registry import PUBLIC, Configuration, Module, Spec, parse
from tests.sources.test_files import STORE, template, write

SUB = "00000000-0000-0000-0000-0000000000AB"
AVM = "br/public:avm/res/storage/storage-account:0.14.3"
DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that is the working directory, and a home with a Bicep cache."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    write({"infra/main.bicep": STORE})
    return folder


def reached(reference: str, **options: Any) -> ir.Template | ir.Unresolved:
    (entry,) = [one for one in entries([Path("infra/main.bicep")], CollectOptions(**options)) if isinstance(one, Entry)]
    return entry.files.template(entry.template.source, reference)


def place(reference: str, **options: Any) -> str:
    """Where a reference's template lies, below the test's folder; or the reason why it is not at hand."""
    found = reached(reference, **options)
    if isinstance(found, ir.Unresolved):
        assert found.reference == reference
        return found.reason
    assert found.source.path is not None
    return found.source.path.relative_to(Path.cwd().parent).as_posix()


# ── references ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reference", "module"),
    [
        (AVM, Module("mcr.microsoft.com", "bicep/avm/res/storage/storage-account", "0.14.3", "")),
        ("br:Contoso.azurecr.io/bicep/storage:V1", Module("Contoso.azurecr.io", "bicep/storage", "V1", "")),
        ("br:localhost:5000/a:1", Module("localhost:5000", "a", "1", "")),
        (f"br:x.io/a/b@{DIGEST}", Module("x.io", "a/b", "", DIGEST)),
        ("br/mine:storage:v1", Module("mine.azurecr.io", "modules/storage", "v1", "")),
        (f"ts:{SUB}/rg/storage:1.0", Spec(SUB, "rg", "storage", "1.0")),
        ("ts/mine:storage:1.0", Spec(SUB, "shared", "storage", "1.0")),
    ],
)
def test_a_reference_is_taken_apart(reference: str, module: Module | Spec) -> None:
    aliases = Configuration({**PUBLIC.registries, "mine": "mine.azurecr.io/modules"}, {"mine": f"{SUB}/shared"})
    assert parse(reference, aliases) == module


@pytest.mark.parametrize(
    "reference",
    [
        "br:",
        "br:x.io",
        "br:x.io/a",
        "br:x.io/a:",
        "br:x.io/../../etc:1",
        "br:x.io/a/../b:1",
        "br:x.io/a//b:1",
        "br:x.io/A:1",
        "br:x.io/a:../1",
        "br:x.io/a:1/2",
        "br:../a:1",
        "br:x.io/a@sha256:zz",
        f"br:x.io/a@{DIGEST}\n",
        "br/none:a:1",
        "br/a b:c:1",
        "br/public:a",
        "ts:sub/rg/name:1",
        f"ts:{SUB}/../name:1",
        f"ts:{SUB}/rg/name",
        f"ts:{SUB}/rg/name:..",
        "br:" + "x" * 2_000,
        "br:x.io/" + "a/" * 300 + "b:1",
    ],
)
def test_a_malformed_reference_is_refused(reference: str) -> None:
    with pytest.raises(Refused):
        parse(reference, PUBLIC)
    assert isinstance(reached(reference), ir.Unresolved)


# ── the cache ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reference", "folder"),
    [
        (AVM, "br/mcr.microsoft.com/bicep$avm$res$storage$storage-account/0.14.3$"),
        ("br:Contoso.azurecr.io/bicep/storage:v1.0", "br/contoso.azurecr.io/bicep$storage/v1.0$"),
        ("br:localhost:5000/a:RC1", "br/localhost$5000/a/RC1$3"),
        ("br:x.io/a:" + "x" * 64 + "Y", "br/x.io/a/" + "x" * 64 + "Y$10000000000000000"),
        (f"br:x.io/a@{DIGEST}", f"br/x.io/a/{DIGEST.replace(':', '#')}"),
    ],
)
def test_modules_are_found_in_the_cache_as_bicep_lays_it_out(reference: str, folder: str) -> None:
    reason = place(reference)
    assert "run `bicep restore`" in reason
    assert "give --module-path" in reason
    write({f"../home/.bicep/{folder}/main.json": template()})
    assert place(reference) == f"home/.bicep/{folder}/main.json"


def test_a_template_spec_is_the_template_inside_it() -> None:
    spec = {
        "id": "x",
        "properties": {"version": "1", "mainTemplate": json.loads(template(parameters={"a": {"type": "int"}}))},
    }
    write({f"../home/.bicep/ts/{SUB.lower()}/rg/name/1.0/main.json": json.dumps(spec, indent=2)})
    found = reached(f"ts:{SUB}/RG/Name:1.0")
    assert isinstance(found, ir.Template)
    assert list(found.parameters) == ["a"]
    assert found.parameters["a"].span.source.text.splitlines()[4].strip().startswith("{")


@pytest.mark.parametrize(
    "content",
    ["{}", '{"mainTemplate": {', '{"mainTemplate": ' + "[" * 10_000, '{"mainTemplate": {"a": ' + "[" * 10_000],
)
def test_a_cache_that_holds_something_else_is_said_to(content: str) -> None:
    write({f"../home/.bicep/ts/{SUB.lower()}/rg/name/1.0/main.json": content})
    assert place(f"ts:{SUB}/rg/name:1.0") == "it is no template"


def test_a_cached_module_leads_nowhere_else() -> None:
    write({"../home/.bicep/br/x.io/a/1$/main.json": template(), "../home/.bicep/br/x.io/b/1$/main.json": template()})
    found = reached("br:x.io/a:1")
    assert isinstance(found, ir.Template)
    (entry,) = [one for one in entries([Path("infra")], CollectOptions()) if isinstance(one, Entry)]
    entry.files.template(entry.template.source, "br:x.io/a:1")
    beyond = entry.files.template(found.source, "../../b/1$/main.json")
    assert isinstance(beyond, ir.Unresolved)
    assert "it lies outside of" in beyond.reason


def test_a_link_out_of_the_cache_is_not_followed() -> None:
    write({"../elsewhere/main.json": template(), "../home/.bicep/br/x.io/a/1$/x": ""})
    Path("../home/.bicep/br/x.io/a/1$/main.json").symlink_to(Path("../elsewhere/main.json").resolve())
    assert place("br:x.io/a:1") == "what stands for it leads out of its folder"


# ── bicepconfig.json ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_aliases_are_those_of_the_nearest_configuration() -> None:
    outer = {"moduleAliases": {"br": {"outer": {"registry": "outer.io"}}}}
    inner = (
        """{
      // the team's registry
      "moduleAliases": {
        "br": {
          "mine": { "registry": "x.io", "modulePath": "mods" }, /* and */
          "bare": { "registry": "y.io" },
          "wrong": { "registry": 1 },
          "odd": 2,
        },
        "ts": { "mine": { "subscription": "%s", "resourceGroup": "rg" } },
      },
    }"""
        % SUB
    )
    write(
        {
            "bicepconfig.json": json.dumps(outer),
            "infra/bicepconfig.json": inner,
            "../home/.bicep/br/x.io/mods$a/1$/main.json": template(),
            "../home/.bicep/br/y.io/a/1$/main.json": template(),
            f"../home/.bicep/ts/{SUB.lower()}/rg/a/1/main.json": json.dumps({"mainTemplate": json.loads(template())}),
        }
    )
    assert place("br/mine:a:1") == "home/.bicep/br/x.io/mods$a/1$/main.json"
    assert place("br/bare:a:1") == "home/.bicep/br/y.io/a/1$/main.json"
    assert place("ts/mine:a:1").endswith("/rg/a/1/main.json")
    for alias in ("outer", "wrong", "odd"):
        assert place(f"br/{alias}:a:1") == f"no bicepconfig.json defines the alias '{alias}'"
    Path("infra/bicepconfig.json").unlink()
    assert "run `bicep restore`" in place("br/outer:a:1")


def test_a_configuration_can_extend_others() -> None:
    write(
        {
            "infra/bicepconfig.json": '{"extends": "../shared/base.json", "moduleAliases": {"br": {"b": {"registry": "b.io"}}}}',
            "shared/base.json": '{"moduleAliases": {"br": {"a": {"registry": "a.io"}, "b": {"registry": "x.io"}}}}',
            "../home/.bicep/br/a.io/m/1$/main.json": template(),
            "../home/.bicep/br/b.io/m/1$/main.json": template(),
        }
    )
    assert place("br/a:m:1").endswith("a.io/m/1$/main.json")
    assert place("br/b:m:1").endswith("b.io/m/1$/main.json")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "bicepconfig.json cannot be read: "),
        ("[" * 100_000, "bicepconfig.json cannot be read: it nests too deep"),
        ('{"extends": "bicepconfig.json"}', "extends others more than"),
        ('{"extends": "../../outside.json"}', "it lies outside of"),
        ('{"extends": "/etc/passwd"}', "absolute paths are not followed"),
        ("[]", "run `bicep restore`"),
        ('{"moduleAliases": []}', "run `bicep restore`"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_the_reason(content: str, reason: str) -> None:
    write({"infra/bicepconfig.json": content, "../outside.json": "{}"})
    for _ in range(2):
        assert reason in place("br/public:a:1")


@pytest.mark.parametrize(
    ("cache", "folder"), [("~/other", "home/other"), ("../cache", "project/cache"), ("~", "home"), ("", "home/.bicep")]
)
def test_the_cache_can_stand_elsewhere(cache: str, folder: str) -> None:
    write(
        {
            "infra/bicepconfig.json": json.dumps({"cacheRootDirectory": cache}),
            "cache/x": "",
            f"../{folder}/br/x.io/a/1$/main.json": template(),
        }
    )
    assert place("br:x.io/a:1") == f"{folder}/br/x.io/a/1$/main.json"


def test_a_cache_that_is_not_there_is_no_error() -> None:
    write({"infra/bicepconfig.json": '{"cacheRootDirectory": "../none"}'})
    assert "run `bicep restore`" in place("br:x.io/a:1")


# ── --module-path ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path",
    [
        "avm/res/storage/storage-account/0.14.3/main.json",
        "avm/res/storage/storage-account/0.14.3/main.bicep",
        "bicep/avm/res/storage/storage-account/0.14.3/main.json",
        "mcr.microsoft.com/bicep/avm/res/storage/storage-account/0.14.3/main.json",
        "avm/res/storage/storage-account/main.json",
        "avm/res/storage/storage-account/main.bicep",
    ],
)
def test_modules_are_found_below_the_folder_that_was_given(path: str) -> None:
    write({f"../modules/{path}": STORE if path.endswith("bicep") else template()})
    found = reached(AVM, module_path=Path("../modules"))
    assert isinstance(found, ir.Template)
    assert not found.problems
    assert place(AVM, module_path=Path("../modules")) == f"modules/{path}"


def test_a_version_comes_before_sources_and_the_folder_before_the_cache() -> None:
    account = "avm/res/storage/storage-account"
    write(
        {
            f"../modules/{account}/main.bicep": STORE,
            "../home/.bicep/br/mcr.microsoft.com/bicep$avm$res$storage$storage-account/0.14.3$/main.json": template(),
        }
    )
    assert place(AVM, module_path=Path("../modules")) == f"modules/{account}/main.bicep"
    write({f"../modules/{account}/0.14.3/main.bicep": STORE})
    assert place(AVM, module_path=Path("../modules")) == f"modules/{account}/0.14.3/main.bicep"


def test_sources_of_another_version_are_used_and_said_to_be() -> None:
    account = "../modules/avm/res/storage/storage-account"
    write({f"{account}/main.bicep": STORE, f"{account}/version.json": '{"version": "0.14"}'})
    found = reached(AVM, module_path=Path("../modules"))
    assert isinstance(found, ir.Template)
    assert not found.problems
    for version, said in (("0.15", "0.15"), ("0.1", "0.1"), ("0.14.3", ""), ("<x>", ""), (None, "")):
        write({f"{account}/version.json": json.dumps({"version": version})})
        found = reached(AVM, module_path=Path("../modules"))
        assert isinstance(found, ir.Template)
        assert len(found.declarations) == 1
        messages = [problem.message for problem in found.problems]
        assert messages == ([f"this is version {said} of the module; {AVM} is not at hand"] if said else [])


def test_modules_of_a_folder_reach_each_other_and_nothing_else() -> None:
    write(
        {
            "../modules/avm/res/a/main.bicep": "module b '../b/main.bicep' = {\n  name: 'b'\n}\n",
            "../modules/avm/res/b/main.bicep": STORE,
        }
    )
    (entry,) = [
        one
        for one in entries([Path("infra")], CollectOptions(module_path=Path("../modules")))
        if isinstance(one, Entry)
    ]
    found = entry.files.template(entry.template.source, "br/public:avm/res/a:1.0.0")
    assert isinstance(found, ir.Template)
    (module,) = found.declarations
    assert isinstance(module, ir.ModuleDeclaration)
    assert isinstance(module.load(), ir.Template)
    beyond = entry.files.template(found.source, "../../../../project/infra/main.bicep")
    assert isinstance(beyond, ir.Unresolved)
    assert "outside" in beyond.reason


def test_a_digest_is_only_in_the_cache() -> None:
    write({"../modules/a/main.json": template()})
    assert place(f"br:x.io/a@{DIGEST}", module_path=Path("../modules")) == (
        "it is not in the Bicep cache or the folder of --module-path; run `bicep restore` on the template"
    )


def test_a_template_that_is_no_file_reaches_registries_and_no_files() -> None:
    write({"../home/.bicep/br/mcr.microsoft.com/bicep$a/1$/main.json": template()})
    (entry,) = [one for one in entries([Path("infra")], CollectOptions()) if isinstance(one, Entry)]
    memory = ir.Source("memory", "")
    assert isinstance(entry.files.template(memory, "br/public:a:1"), ir.Template)
    found = entry.files.template(memory, "a.bicep")
    assert isinstance(found, ir.Unresolved)
    assert found.reason == "the template it is named in is no file"


def test_a_bicepparam_file_can_use_a_registry_module() -> None:
    write({"infra/main.bicepparam": f"using '{AVM}'\n", "../modules/avm/res/storage/storage-account/main.bicep": STORE})
    options = CollectOptions(module_path=Path("../modules"))
    (entry,) = [one for one in entries([Path("infra/main.bicepparam")], options) if isinstance(one, Entry)]
    assert entry.label.endswith("modules/avm/res/storage/storage-account/main.bicep with main.bicepparam")
