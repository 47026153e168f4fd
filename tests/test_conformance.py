"""The harness that holds the Bicep front end against the compiler: what it compares, and that it can fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import bicep

SAMPLES = Path("bicep/src/Bicep.Core.Samples/Files")
MODULES = Path("bicep-registry-modules/avm/res")
STORE = """
resource sa 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  kind: 'StorageV2'
}
"""
PARAMETER = "param name string = 'st'\n"


def compiled(kind: str = "StorageV2", *more: dict[str, Any]) -> str:
    store = {
        "type": "Microsoft.Storage/storageAccounts",
        "apiVersion": "2023-05-01",
        "name": "[parameters('name')]",
        "kind": kind,
    }
    parameters = {"name": {"type": "string", "defaultValue": "st"}}
    return json.dumps({"parameters": parameters, "resources": [store, *more]})


def write(root: Path, name: Path | str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def row(text: str, corpus: str) -> list[str]:
    (found,) = [line for line in text.splitlines() if line.startswith(f"| {corpus} |")]
    return [cell.strip() for cell in found.split("|")[2:-2]]


def run(root: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = bicep.main(["--corpus", str(root), "--differences", *options])
    return code, capsys.readouterr().out


def test_pairs_that_are_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "InvalidTwo"):
        write(tmp_path, SAMPLES / f"baselines/{name}/main.bicep", PARAMETER + STORE)
    write(tmp_path, SAMPLES / "baselines/one/main.json", compiled())
    write(tmp_path, SAMPLES / "baselines/InvalidTwo/main.json", "{}")
    code, text = run(tmp_path, capsys)
    assert (code, row(text, "baselines main.json")) == (0, ["1", "1", "1 (100.0%)", "0", "-", "1"])


def test_a_pair_that_differs_is_named_with_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, SAMPLES / "user_submitted/101/one/main.bicep", PARAMETER + STORE)
    write(tmp_path, SAMPLES / "user_submitted/101/one/main.json", compiled("BlobStorage"))
    code, text = run(tmp_path, capsys)
    assert (code, row(text, "user_submitted main.json")[:3]) == (1, ["1", "1", "0 (0.0%)"])
    assert "user_submitted main.json/101/one" in text
    assert "kind is 'StorageV2' here, 'BlobStorage' there" in text


REGISTRY = "module m 'br/public:avm/res/x/y:1.0.0' = { name: 'm' }\n"
FROM_REGISTRY = {"type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-07-01", "name": "v"}


@pytest.mark.parametrize(("kind", "code"), [("StorageV2", 0), ("BlobStorage", 1)])
def test_of_a_pair_that_is_bound_to_a_registry_the_source_is_looked_for_in_the_compiled_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, code: int
) -> None:
    write(tmp_path, MODULES / "storage/account/main.bicep", PARAMETER + STORE + REGISTRY)
    write(tmp_path, MODULES / "storage/account/main.json", compiled(kind, FROM_REGISTRY))
    ended, text = run(tmp_path, capsys)
    agreeing = "1 (100.0%)" if code == 0 else "0 (0.0%)"
    assert (ended, row(text, "AVM res")) == (code, ["1", "0", "-", "1", agreeing, "1"])
    assert "AVM res, bound to a registry: storage/account" in text


@pytest.mark.parametrize(("kind", "code"), [("StorageV2", 0), ("BlobStorage", 1)])
def test_a_registry_modules_tests_call_what_it_was_compiled_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, code: int
) -> None:
    test = "module t '../../../main.bicep' = {\n  name: 't'\n  params: { name: 'given' }\n}\n"
    write(tmp_path, MODULES / "storage/account/main.bicep", PARAMETER + STORE)
    write(tmp_path, MODULES / "storage/account/main.json", compiled(kind))
    write(tmp_path, MODULES / "storage/account/tests/e2e/defaults/main.test.bicep", test)
    ended, text = run(tmp_path, capsys, "--only", "tests")
    assert (ended, row(text, "AVM res, tests")[0]) == (code, "1")
    assert ("AVM res, tests/storage/account/defaults" in text) == bool(code)


def test_stale_pairs_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stale = next(iter(bicep.STALE))
    write(tmp_path, MODULES / stale / "main.bicep", PARAMETER + STORE)
    write(tmp_path, MODULES / stale / "main.json", compiled("BlobStorage"))
    code, text = run(tmp_path, capsys)
    assert (code, f"stale: {stale}: {bicep.STALE[stale]}" in text, "AVM" in text) == (0, True, False)


def test_a_pair_that_raises_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, SAMPLES / "baselines/one/main.bicep", PARAMETER)
    write(tmp_path, SAMPLES / "baselines/one/main.json", compiled())
    monkeypatch.setattr(bicep, "compared", lambda _: 1 / 0)
    code, text = run(tmp_path, capsys)
    assert (code, "1 exceptions" in text, "ZeroDivisionError: division by zero" in text) == (1, True, True)


BICEPPARAM = """
using none
extends 'base.bicepparam'
param a = 1
param b = [a, '${readEnvironmentVariable('stringEnvVariableName')}']
param c = az.getSecret('s', 'g', 'v', 'n')
param d = { e: externalInput('sys.cli', 'e') }
"""
VALUES: dict[str, Any] = {
    "a": {"value": 1},
    "b": {"value": [1, "test"]},
    "c": {"reference": {"keyVault": {"id": "/x"}, "secretName": "n"}},
    "d": {"expression": "[createObject('e', externalInputs('sys_cli_0'))]"},
    "z": {"value": "base"},
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, ""),
        ({"a": {"value": True}}, "a is 1 here, True there"),
        ({"a": {"value": 2}}, "a is 1 here, 2 there"),
        ({"c": {"value": "x"}}, "c is '(unknown)' here, 'x' there"),
        ({"y": {"value": 1}}, "y is '(not given)' here, 1 there"),
    ],
)
def test_parameter_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], told: str) -> None:
    folder = SAMPLES / "baselines_bicepparam/One"
    write(tmp_path, folder / "parameters.bicepparam", BICEPPARAM)
    write(tmp_path, folder / "base.bicepparam", "using none\nparam z = 'base'\n")
    write(tmp_path, folder / "parameters.json", json.dumps({"parameters": VALUES | change}))
    code, text = run(tmp_path, capsys)
    assert (code, row(text, "parameter files")[0]) == (1 if told else 0, "1")
    assert told in text
