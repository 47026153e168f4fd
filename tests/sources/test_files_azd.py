"""azd projects: what is deployed, which environment's values count, and what they fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditor.errors import TargetError
from auditor.sources import CollectOptions
from auditor.sources.arm import ir
from auditor.sources.arm.values import Placeholder
from auditor.sources.files import Entry, azd, entries
from auditor.sources.files.azd import Environment, dotenv
from tests.sources.test_files import STORE, gaps, labels, parameters, states, write

MAIN = """
param text string
param defaulted string = 'of the template'
param nullable string?
param flag bool
param count int
param list array
param settings object
"""


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder that is the working directory."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("AZURE_ENV_NAME", "AZURE_LOCATION", "SKU", "A", "B", "C"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def project(env: str | None = None, main: str = MAIN, yaml: str = "name: app\n", **given: Any) -> None:
    files: dict[str, str | bytes] = {
        "azure.yaml": yaml,
        "infra/main.bicep": main + STORE,
        "infra/main.parameters.json": parameters(**given),
    }
    if env is not None:
        files |= {".azure/config.json": '{"version": 1, "defaultEnvironment": "dev"}', ".azure/dev/.env": env}
    write(files)


def entry(*paths: str, **options: Any) -> Entry:
    (one,) = [
        one for one in entries([Path(p) for p in paths or (".",)], CollectOptions(**options)) if isinstance(one, Entry)
    ]
    return one


def plain(expression: ir.Expression) -> Any:
    """An expression without holes as a plain value; an unreadable one as its reason in brackets."""
    match expression:
        case ir.Literal(value=value):
            return value
        case ir.ArrayNode(items=items):
            return [plain(item) for item in items if not isinstance(item, ir.Spread)]
        case ir.ObjectNode(entries=found):
            return {plain(one.key): plain(one.value) for one in found if isinstance(one, ir.Entry)}
        case ir.Call(name="unreadable", arguments=(reason,)):
            return [f"unreadable: {plain(reason)}"]
    raise AssertionError(expression)


def values(*paths: str, **options: Any) -> dict[str, Any]:
    (file,) = entry(*paths, **options).parameters
    return {name: plain(value) for name, value in file.values.items()}


# ── what is deployed ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_template_of_a_project_is_audited_with_its_parameters() -> None:
    project()
    for target in (".", "infra", "infra/main.bicep", "infra/main.parameters.json"):
        one = entry(target)
        assert one.azd
        assert one.label == "infra/main.bicep with main.parameters.json"


@pytest.mark.parametrize(
    ("yaml", "template"),
    [
        ("name: x\ninfra:\n  path: deploy\n", "deploy/main"),
        ("name: x\ninfra:\n  module: app\n", "infra/app"),
        ("name: x\ninfra:\n  provider: bicep\n  path: ./a/b\n  module: c\n", "a/b/c"),
        (
            "name: x\ninfra:\n  layers:\n    - name: one\n      path: one\n    - {name: two, path: two, module: x}\n",
            "two/x",
        ),
    ],
)
def test_azure_yaml_says_which_template_that_is(yaml: str, template: str) -> None:
    write({"azure.yml": yaml, f"{template}.bicep": STORE, "one/main.bicep": STORE, "infra/other.bicep": STORE})
    found = {one.label: one.azd for one in entries([Path()], CollectOptions()) if isinstance(one, Entry)}
    assert found.pop(f"{template}.bicep")
    assert found.pop("one/main.bicep") is ("two" in template)
    assert found == {"infra/other.bicep": False}


def test_a_template_azd_deploys_is_an_entry_point_even_where_another_calls_it() -> None:
    project()
    write({"all.bicep": "module m 'infra/main.bicep' = {\n  name: 'm'\n}\n"})
    assert labels() == ["all.bicep", "infra/main.bicep with main.parameters.json"]


def test_azd_takes_a_bicepparam_file_before_a_json_one() -> None:
    project(text="x")
    write({"infra/main.bicepparam": "using 'main.bicep'\n"})
    for target in (".", "infra", "infra/main.bicep"):
        assert labels(target) == ["infra/main.bicep with main.bicepparam"]
    assert states() == {"infra/main.parameters.json": "not used: azd takes the .bicepparam file beside it"}
    assert entry().azd


@pytest.mark.parametrize(
    ("yaml", "reason"),
    [
        ("name: x\ninfra:\n  path: gone\n", "the template it names, gone/main.bicep, is not there"),
        ("name: [", "it cannot be read: not YAML"),
        ("", "it cannot be read: "),
    ],
)
def test_an_azure_yaml_that_is_wrong_is_a_gap(yaml: str, reason: str) -> None:
    write({"azure.yaml": yaml, "infra/main.bicep": STORE})
    (gap,) = gaps()
    assert gap.subject == "azure.yaml"
    assert reason in gap.reason
    assert str(Path.cwd()) not in gap.reason
    assert gap.origin.line == (None if "gone" in yaml else 2 if yaml else 1)
    assert labels() == ["infra/main.bicep"]


@pytest.mark.parametrize(
    "yaml", ["name: x\n", "name: x\ninfra:\n  provider: terraform\n  path: tf\n", "- x\n", "infra: x\n"]
)
def test_an_azure_yaml_that_names_no_template_of_ours_is_none(yaml: str) -> None:
    write({"azure.yaml": yaml})
    assert list(entries([Path()], CollectOptions())) == []


def test_azure_yaml_does_not_lead_out_of_its_folder() -> None:
    write({"app/azure.yaml": "infra:\n  path: ../other\n", "other/main.bicep": STORE, "app/x.bicep": STORE})
    assert labels("app") == ["app/x.bicep"]
    Path("link").mkdir()
    Path("link/azure.yaml").symlink_to(Path("app/azure.yaml").resolve())
    assert [gap.reason for gap in gaps("link")] == [
        "it cannot be read: it lies outside of link; name a folder that holds both"
    ]


# ── which environment ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_process_comes_before_the_environment_and_that_before_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    project("A=stored\nB=stored\n", text="${A} ${B} ${C=default}")
    monkeypatch.setenv("A", "process")
    assert values()["text"] == "process stored default"


def test_an_environment_can_be_named() -> None:
    project("A=dev\n", text="${A} in ${AZURE_ENV_NAME}")
    write({".azure/prod/.env": "A=prod\n"})
    assert values()["text"] == "dev in dev"
    assert values(azd_env="prod")["text"] == "prod in prod"
    assert entry(azd_env="prod").files.environment["A"] == "prod"


def test_without_an_environment_there_is_only_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    project(text="${A}")
    monkeypatch.setenv("A", "process")
    assert values()["text"] == "process"
    assert entry().files.environment["A"] == "process"


@pytest.mark.parametrize("name", ["gone", "../../x", "..", "a/b", "x" * 100])
def test_an_environment_that_is_not_there_is_a_wrong_target(name: str) -> None:
    project("A=1\n", text="${A}")
    write({".azure/prod/.env": "", "../x/.env": "A=outside\n"})
    with pytest.raises(TargetError, match=r"has no azd environment") as caught:
        entries([Path("infra")], CollectOptions(azd_env=name))
    assert caught.value.hint == "Its environments: dev, prod."


def test_an_environment_of_a_project_that_has_none() -> None:
    project(text="x")
    with pytest.raises(TargetError) as caught:
        entries([Path()], CollectOptions(azd_env="dev"))
    assert "azd env new" in caught.value.hint


def test_an_environment_does_not_matter_where_there_is_no_project() -> None:
    write({"main.bicep": STORE})
    assert labels(azd_env="dev") == ["main.bicep"]


@pytest.mark.parametrize(
    "config",
    ['{"defaultEnvironment": "../../x"}', '{"defaultEnvironment": 1}', "[", "[]", '{"defaultEnvironment": "gone"}'],
)
def test_a_default_environment_that_cannot_be_taken_is_none(config: str) -> None:
    project("A=1\n", text="${A}")
    write({".azure/config.json": config, "../x/.env": "A=outside\n"})
    assert isinstance(values()["text"], Placeholder)


def test_an_environment_without_values_is_empty() -> None:
    project("", text="a${A}b")
    Path(".azure/dev/.env").unlink()
    assert isinstance(values()["text"], Placeholder)
    assert entry().files.environment["AZURE_ENV_NAME"] == "dev"


def test_an_environment_does_not_lead_out_of_its_folder(work: Path) -> None:
    project("", text="${A}")
    write({"../outside/.env": "A=outside\n", "../outside/config.json": '{"defaultEnvironment": "dev"}'})
    Path(".azure/dev/.env").unlink()
    Path(".azure/dev/.env").symlink_to(work.parent / "outside/.env")
    with pytest.raises(TargetError, match="it leads out of its folder"):
        entries([Path()], CollectOptions())
    Path(".azure/dev/.env").unlink()
    Path(".azure/dev").rmdir()
    Path(".azure/config.json").unlink()
    Path(".azure").rmdir()
    Path(".azure").symlink_to(work.parent / "outside")
    assert isinstance(values()["text"], Placeholder)


# ── .env files ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB = two words \n", {"A": "1", "B": "two words"}),
        ('A="quoted # no comment" # comment\r\nB=x # comment\n', {"A": "quoted # no comment", "B": "x"}),
        ("A='single \\n $B'\n", {"A": "single \\n $B"}),
        ("export A=1\n# B=2\n\n  C: 3\n", {"A": "1", "C": "3"}),
        ('A="a\\nb\\"c\\\\d\\$e"\n', {"A": 'a\nb"c\\d$e'}),
        ('A="two\nlines"\nB=1\n', {"A": "two\nlines", "B": "1"}),
        ("A=\nB=#x\nC=x#y\n", {"A": "", "B": "", "C": "x#y"}),
        ('A=1\nB=${A}2$A\nC="${A}"\n', {"A": "1", "B": "121", "C": "1"}),
        ("A=1\nA=$NONE\nB=2", {"B": "2"}),
        ("no sense\n=1\nA=1", {"A": "1"}),
        ('A="not closed\nB=1\n', {"A": '"not closed', "B": "1"}),
        ("", {}),
        ("A=" + "x" * 200_000 + "\nB=1\n", {"B": "1"}),
    ],
)
def test_dotenv_files_are_read_as_azd_does(text: str, expected: dict[str, str]) -> None:
    assert dotenv(text) == expected


def test_a_dotenv_file_does_not_grow_without_end() -> None:
    found = dotenv("A0=xxxxxxxxxx\n" + "".join(f"A{n + 1}=" + f"$A{n}" * 10 + "\n" for n in range(40)))
    assert all(len(value) <= azd.MAX_TEXT for value in found.values())
    assert len(found["A3"]) == 10_000
    assert "A5" not in found
    assert "B" not in dotenv("A=" + "x" * 90_000 + "\nB=" + "$A" * 40_000)


@pytest.mark.parametrize(
    "infra",
    [
        "{path: /, module: ..}",
        "{module: %s}" % ("x" * 5_000),
        '{path: "a\\0b"}',
        "{layers: [1, {path: ''}]}",
        "{path: [1]}",
    ],
)
def test_an_azure_yaml_that_is_hostile_is_a_gap_at_most(infra: str) -> None:
    write({"azure.yaml": f"infra: {infra}\n", "x.bicep": STORE})
    assert labels() == ["x.bicep"]
    assert {gap.subject for gap in gaps()} <= {"azure.yaml"}


def test_a_dotenv_file_that_is_too_large_is_refused() -> None:
    project("A=" + "x" * 2**20, text="x")
    with pytest.raises(TargetError, match="the azd environment 'dev' cannot be read: it is larger than 1 MiB"):
        entries([Path()], CollectOptions())


# ── placeholders ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "1"),
        ("x${A}y${A}", "x1y1"),
        ("${C=default}", "default"),
        ("${C:=default}", "default"),
        ("${C:-default}", "default"),
        ("${EMPTY=default}", "default"),
        ("${A=default}", "1"),
        ("${C=${A}}", "1"),
        ("${C=a${D=b${A}}c}", "ab1c"),
        ("${A=${MISSING}}", "1"),
        ("${C=''}", "''"),
        ("${C=https://login.microsoftonline.com}", "https://login.microsoftonline.com"),
        ("$${A}", "${A}"),
        ("$A ${A}", "$A 1"),
        ("${FLAG}", "true"),
        ("a$$b", "a$$b"),
    ],
)
def test_placeholders_are_filled_in(text: str, expected: str) -> None:
    project("A=1\nEMPTY=\nFLAG=true\n", text=text)
    found = values()["text"]
    assert found == expected
    assert not isinstance(found, Placeholder)


@pytest.mark.parametrize(
    ("text", "expected", "reason"),
    [
        (
            "${A}",
            "{A}",
            "the variable A is not set in the environment; set it, or name an azd environment with --azd-env",
        ),
        ("st${A}${B}x", "st{A}{B}x", "the variable A is not set"),
        ("${A=${B}}", "{B}", "the variable B is not set"),
        ("${A=", "", "a placeholder is not closed"),
        ("${A", "", "it is written in a way that is not followed"),
        ("${}", "", "not followed"),
        ("${A^^}", "", "not followed"),
        ("${A:1:2}", "", "not followed"),
        ("${A=" * 40 + "}" * 40, "", "not followed"),
        ("x" * 200_000 + "${A}", None, "it is too long"),
    ],
)
def test_what_cannot_be_filled_in_decides_nothing(text: str, expected: str | None, reason: str) -> None:
    project(text=text)
    found = values()["text"]
    assert isinstance(found, Placeholder)
    assert reason in found.reason
    assert expected is None or str(found) == expected


def test_filling_in_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "x" * 60_000)
    project(text="${A}" * 100)
    found = values()["text"]
    assert isinstance(found, Placeholder)
    assert len(found) <= azd.MAX_TEXT


def test_placeholders_stand_anywhere_in_a_value() -> None:
    project(
        "A=1\n",
        settings={"a": ["${A}", {"b": "x${A}${B=2}"}], "c": True, "d": None, "e": "plain"},
        list=["${A}"],
        count=3,
    )
    assert values() == {
        "settings": {"a": ["1", {"b": "x12"}], "c": True, "d": None, "e": "plain"},
        "list": ["1"],
        "count": 3,
    }


def test_in_a_value_an_unset_variable_of_a_known_environment_is_empty() -> None:
    project("A=1\n", settings={"a": "${B}", "b": "${A}"})
    assert values() == {"settings": {"a": "", "b": "1"}}
    Path(".azure/config.json").unlink()
    found = values()["settings"]["a"]
    assert isinstance(found, Placeholder)


def test_a_parameter_that_comes_to_nothing_is_left_to_the_template() -> None:
    given = {"defaulted": "${C}", "nullable": "${C}", "text": "${C}", "flag": "${C=}"}
    project("A=1\n", **given)
    assert list(values()) == ["text"]
    found = values()["text"]
    assert isinstance(found, Placeholder)
    where = "infra/main.parameters.json:1"
    assert found.reason == f"the variable C is not set in the azd environment 'dev' (used in {where})"
    # Without an environment nobody knows what is set where it is deployed.
    Path(".azure/config.json").unlink()
    assert set(values()) == {"text", "defaulted", "nullable"}


def test_an_unset_variable_of_a_parameter_that_is_no_text_is_unknown() -> None:
    project(flag="${A}", count="${B}", list="${C}", settings="${D}", text="${E}")
    found = values()
    for name, variable in (("flag", "A"), ("count", "B"), ("list", "C"), ("settings", "D")):
        (reason,) = found[name]
        assert reason.startswith(f"unreadable: the variable {variable} is not set")
    assert isinstance(found["text"], Placeholder)


def test_a_text_for_an_array_or_an_object_is_its_json() -> None:
    project('L=["a", {"b": 1}]\nS={"x": [null, true]}\nT=a,b\n', list="${L}", settings="${S}")
    assert values() == {"list": ["a", {"b": 1}], "settings": {"x": [None, True]}}
    project("T=a,b\n", list="${T}", settings="${T=x}")
    assert values()["list"] == ['unreadable: what fills in "${T}" is no JSON']


@pytest.mark.parametrize("text", ["#{sku}#", "$(sku)", "__sku__", "x-#{env}#-y", "$(secretOrRandomPassword kv secret)"])
def test_what_a_pipeline_fills_in_decides_nothing(text: str) -> None:
    write({"main.bicep": MAIN + STORE, "main.parameters.json": parameters(text=text, settings={"a": [text]}, count=1)})
    found = values("main.bicep")
    for value in (found["text"], found["settings"]["a"][0]):
        assert isinstance(value, Placeholder)
        assert "is filled in when it is deployed" in value.reason


def test_a_file_without_placeholders_stays_as_it_is() -> None:
    project("A=1\n", text="a_b", settings={"a": "$x"})
    assert values() == {"text": "a_b", "settings": {"a": "$x"}}


def test_placeholders_are_filled_in_without_a_project_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKU", "Standard_GZRS")
    write({"main.bicep": MAIN + STORE, "main.parameters.json": parameters(text="${SKU}")})
    assert values()["text"] == "Standard_GZRS"


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    ["AZURE_CLIENT_SECRET", "GITHUB_TOKEN", "db_password", "STORAGE_KEY", "SQL_CONNECTION_STRING", "API_KEYS", "SAS"],
)
def test_what_is_named_like_a_credential_is_not_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "hunter2")
    project(f"X_{name}=hunter3\n", text=f"a${{{name}}}", settings={"a": f"${{X_{name}=b}}"})
    found = values()
    for value, variable in ((found["text"], name), (found["settings"]["a"], f"X_{name}")):
        assert isinstance(value, Placeholder)
        assert value.reason.startswith(f"the variable {variable} is named like a credential, and is not read (used in")
        assert "hunter" not in value
    environment = entry().files.environment
    assert isinstance(environment[name], Placeholder)
    assert "hunter" not in repr(environment)
    assert environment.get("NO_SUCH_SECRET") is None


def test_a_switch_is_no_credential_whatever_its_name() -> None:
    environment = Environment({"USE_MANAGED_KEY": "true", "MAX_TOKEN": "100", "KEY": ""}, {})
    assert {name: environment[name] for name in environment} == {
        "USE_MANAGED_KEY": "true",
        "MAX_TOKEN": "100",
        "KEY": "",
    }
    assert len(environment) == 3


def test_errors_do_not_echo_the_environment() -> None:
    project('L=["secret-value\n', list="${L}")
    assert "secret-value" not in str(values())
