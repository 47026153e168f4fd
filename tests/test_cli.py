"""The command line as a person or a pipeline meets it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import auditor
from auditor import cli, errors, pipeline, snapshot
from auditor.model import Gap, Listing, Origin, Resource, Scope, Unknown
from auditor.paths import data_dir

VAULT = "Microsoft.KeyVault/vaults"
HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x")',
    "\x1b[31mred",
    "::error::boo",
    "a\nb",
    "a|b",
    "\u202egnp.exe",
    "##vso[task]",
)
COMMANDS = (
    (), ("scan",), ("snapshot",), ("rules",), ("rules", "list"), ("rules", "show"), ("rules", "test"), ("rules", "schema"),
    ("baselines",), ("baselines", "list"), ("baselines", "show"), ("baselines", "derive"), ("drift",), ("role",), ("completion",),
    ("waivers",), ("waivers", "check"), ("waivers", "list"),
)  # fmt: skip


class Done:
    """What a run left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


def run(*arguments: str, capsys: pytest.CaptureFixture[str] | None = None) -> Done:
    """Run in this process, with real streams captured by file descriptors' stand-ins."""
    runner = CliRunner()
    result: dict[str, int] = {}

    @cli.click.command(
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []}
    )
    @cli.click.argument("rest", nargs=-1, type=cli.click.UNPROCESSED)
    def outer(rest: tuple[str, ...]) -> None:
        result["code"] = cli.run(list(rest))

    done = runner.invoke(outer, ["--", *arguments] if arguments else [], catch_exceptions=False)
    return Done(result["code"], done.stdout, done.stderr)


def vault(name: str = "kv", **properties: Any) -> Resource:
    vault_id = f"/subscriptions/s/resourceGroups/g/providers/{VAULT}/{name}"
    return Resource(
        vault_id,
        VAULT,
        name,
        "westeurope",
        {"properties": properties},
        Origin("https://arm/x?api-version=1"),
        deployed=True,
    )


GOOD = {"enablePurgeProtection": True}
LOCKS = Listing("/subscriptions/s", "Microsoft.Authorization/locks")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty working directory with the root of a repository, so that no configuration above is found."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keep(*records: Any, name: str = "s.jsonl") -> str:
    snapshot.write(Path(name), records, ("azure:s",))
    return name


# ── exit codes ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("records", "extra", "code"),
    [
        ((vault(**GOOD), LOCKS), (), 0),
        ((vault(), LOCKS), (), 1),
        ((vault(), LOCKS), ("--fail-on", "critical"), 0),
        ((vault(), LOCKS), ("--fail-on", "high"), 1),
        ((vault(**GOOD), Gap("x", "403", Origin("u"))), (), 3),
        ((vault(enablePurgeProtection=Unknown("403")), LOCKS), (), 3),
        ((vault(), Gap("x", "403", Origin("u"))), (), 1),
        ((Gap("x", "403", Origin("u")),), (), 3),
        ((Scope("/subscriptions/s", "subscription"),), (), 4),
        ((), (), 4),
    ],
)
def test_exit_codes(records: tuple[Any, ...], extra: tuple[str, ...], code: int) -> None:
    done = run("scan", keep(*records), "--format", "json", *extra)
    assert done.code == code
    assert json.loads(done.out)["schema"] == "auditor/report/v1"


USAGE = {
    "no-target": (("scan",), "Missing argument"),
    "no-file": (("scan", "nowhere.json"), "no file or folder 'nowhere.json'"),
    "an-id": (("scan", "00000000-0000-0000-0000-000000000000"), "azure:00000000-0000-0000-0000-000000000000"),
    "option": (("scan", "x", "--formt", "json"), "No such option"),
    "format": (("scan", "s.jsonl", "--format", "jsn"), "unknown report format 'jsn'"),
    "two-stdout": (("scan", "s.jsonl", "--format", "json", "--format", "csv"), "only one report can go to stdout"),
    "rule": (("scan", "s.jsonl", "--rule", "keyvault-purge"), "there is no rule 'keyvault-purge'; did you mean"),
    "severity": (("scan", "s.jsonl", "--fail-on", "bad"), "bad"),
    "parameter": (("scan", "s.jsonl", "--parameter", "x"), "not of the form NAME=VALUE"),
    "place": (("scan", "s.jsonl", "--format", "json=/proc/nowhere/r.json"), "cannot be written"),
    "endpoint": (("scan", "azure:x", "--arm-endpoint", "http://example.com"), "would send the token in the clear"),
    "target": (("scan", "azure:a/b/c"), "is no live target"),
    "config": (("--config", "nowhere.toml", "scan", "x"), "does not exist"),
    "role": (("role", "--scope", "rg"), "is no scope"),
}  # fmt: skip


@pytest.mark.parametrize("name", USAGE)
def test_wrong_usage_is_exit_code_2(name: str) -> None:
    keep(vault(**GOOD))
    arguments, expected = USAGE[name]
    done = run(*arguments)
    assert done.code == 2
    assert expected in done.err
    assert "Traceback" not in done.err


def test_a_bad_policy_file_is_exit_code_5() -> None:
    keep(vault())
    Path("b.yaml").write_text("id: b\ntitle: B\nrules: {keyvault-purge-protecton: {effect: require}}\n")
    done = run("scan", "s.jsonl", "--baseline", "b.yaml")
    assert done.code == 5
    assert "b.yaml:3: unknown rule 'keyvault-purge-protecton'; did you mean 'keyvault-purge-protection'?" in done.err
    assert run("scan", "s.jsonl", "--baseline", "standrd-deployment").code == 5
    assert run("scan", "s.jsonl", "--waivers", "nowhere.yaml").code == 5


def test_a_broken_snapshot_is_never_green() -> None:
    path = Path(keep(vault(**GOOD)))
    path.write_bytes(path.read_bytes()[:-40])
    done = run("scan", "s.jsonl", "--format", "json")
    assert done.code == 3
    assert "is cut" in json.loads(done.out)["gaps"][0]["reason"]


def test_our_own_bug_is_exit_code_70(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oh\x1b[31m")

    monkeypatch.setattr(pipeline, "load_policy", broken)
    done = run("scan", keep(vault()))
    assert (done.code, "Traceback" in done.err) == (70, False)
    assert "internal error: ZeroDivisionError: oh\\x1b[31m" in done.err
    monkeypatch.setenv("AUDITOR_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.run(["scan", "s.jsonl"])


def test_the_documented_exit_codes_are_those_of_the_errors(home: Path) -> None:
    documented = {
        int(code) for code in re.findall(r"^\| (\d+)", (home / "docs" / "exit-codes.md").read_text(), re.MULTILINE)
    }
    readme = {int(code) for code in re.findall(r"^\| (\d+) \|", (home / "README.md").read_text(), re.MULTILINE)}
    tree = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    helped = {int(code) for code in re.findall(r"^ +(\d+) +\w", cli.EXIT_CODES, re.MULTILINE)}
    assert tree | {0, 1, 3, 4} == helped == readme
    assert helped <= documented


# ── help ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_help_has_an_example(command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.code == 0
    assert "Example" in done.out
    assert f"auditor {command[0] if command else ''}".strip() in done.out


def test_the_help_of_scan_lists_the_formats() -> None:
    from auditor.renderers import FORMATS

    text = " ".join(run("scan", "--help").out.split())
    assert all(f"{entry.name} {entry.title}" in text for entry in FORMATS.values())
    assert "Formats" not in run("snapshot", "--help").out
    assert "Judging" not in run("snapshot", "--help").out


def test_version_and_completion() -> None:
    assert run("--version").out == f"auditor {auditor.__version__}\n"
    for shell in ("bash", "zsh", "fish"):
        assert "_AUDITOR_COMPLETE" in run("completion", shell).out


def test_completion_knows_rules_baselines_and_formats() -> None:
    from click.shell_completion import ShellComplete

    completion = ShellComplete(cli.root, {}, "auditor", "_AUDITOR_COMPLETE")

    def offered(arguments: list[str], incomplete: str) -> list[str]:
        return [item.value for item in completion.get_completions(arguments, incomplete)]

    assert "keyvault-purge-protection" in offered(["rules", "show"], "keyvault-p")
    assert offered(["scan", "--baseline"], "w") == ["well-architected"]
    assert offered(["scan", "--format"], "j") == ["json", "junit"]


def test_importing_does_nothing() -> None:
    code = (
        "import sys, auditor, auditor.cli\n"
        "heavy = {'azure', 'aiohttp', 'yaml', 'jinja2', 'rich', 'asyncio', 'tempfile'}\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & heavy))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
    assert set(auditor.__all__) <= set(dir(auditor))
    assert all(getattr(auditor, name) is not None for name in auditor.__all__)
    with pytest.raises(AttributeError):
        _ = auditor.nothing


def test_a_scan_loads_nothing_it_does_not_use() -> None:
    path = keep(vault(**GOOD), LOCKS)
    code = (
        "import sys, auditor.cli\n"
        f"auditor.cli.run(['--no-config', 'scan', {path!r}, '--format', 'json=r.json', '-q'])\n"
        "unused = ('auditor.comparison', 'auditor.delta', 'auditor.since', 'auditor.derivation', 'auditor.sources.arm', "
        "'auditor.sources.bicep', 'auditor.sources.terraform', 'auditor.sources.azure', 'auditor.recovery.objectives', "
        "'auditor.recovery.what_if', 'auditor.recovery.runbook', 'jinja2', 'rich', 'asyncio')\n"
        "print([name for name in unused if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


@pytest.mark.parametrize("command", [("scan",), ("recovery",), ("drift", "s.jsonl")])
def test_the_terminal_names_the_line_of_what_could_not_be_parsed(command: tuple[str, ...]) -> None:
    keep(vault(**GOOD), LOCKS)
    Path("bad.bicep").write_text("param a string\nresource x 'oops\n", "utf-8")
    done = run(*command, "bad.bicep")
    assert done.code == 3
    assert re.search(r"^ +bad\.bicep:2:\d+$", done.out, re.MULTILINE), done.out


# ── reports ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_reports_go_where_they_are_asked_to() -> None:
    done = run(
        "scan",
        keep(vault(**GOOD), LOCKS),
        "--format",
        "html=out/r.html",
        "--format",
        "json=r.json",
        "--format",
        "csv=-",
    )
    assert done.code == 0
    assert Path("out/r.html").read_text("utf-8").startswith("<!")
    assert json.loads(Path("r.json").read_text("utf-8"))["summary"]["resources"] == 1
    assert done.out.splitlines()[0].startswith("outcome") or "," in done.out.splitlines()[0]
    assert "Wrote r.json" in done.err
    assert "Wrote" not in run("scan", "s.jsonl", "--format", "json=r.json", "--quiet").err


def test_an_earlier_report_stays_whole_when_the_new_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.renderers import json_v1

    Path("r.json").write_text("earlier")

    def broken(_report: Any) -> Any:
        yield "{"
        raise errors.OutputError("no room")

    monkeypatch.setattr(json_v1, "render", broken)
    assert run("scan", keep(vault()), "--format", "json=r.json").code == 2
    assert Path("r.json").read_text() == "earlier"
    assert sorted(entry.name for entry in Path().iterdir()) == [".git", "r.json", "s.jsonl"]


def test_the_summary_tells_what_to_act_on() -> None:
    many = [vault(f"kv{number}") for number in range(7)]
    gaps = [Gap(f"/subscriptions/g{number}", "403", Origin("u")) for number in range(12)]
    closed = Scope("/subscriptions/s", "subscription", "Closed", "Disabled")
    odd = vault("odd", enableSoftDelete=Unknown("403 at the vault"), enablePurgeProtection=True)
    done = run("scan", keep(*many, *gaps, closed, odd, LOCKS))
    text = " ".join(done.out.split())
    assert done.code == 1
    assert "✗ Failing and incomplete 7 findings below the baseline; 12 gaps" in text
    assert "7 high" in text
    assert "Not read (12)" in text
    assert "and 2 more" in text
    assert "kv0, kv1, kv2 and 4 more" in text
    assert "403 at the vault" in text
    assert "Closed (Disabled)" in text
    assert "\x1b" not in done.out


def test_a_clean_summary_and_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    path = keep(vault(**GOOD), LOCKS)
    assert "✓ Clean" in run("scan", path).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("scan", path).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("scan", path).out
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, run("scan", path).out.splitlines())) <= 60


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("fmt", ["", "json", "text", "markdown", "csv", "html"])
def test_hostile_names_are_inert(name: str, fmt: str) -> None:
    path = keep(vault(name), Gap(name, name, Origin(name)), Scope(name, name, name, name), LOCKS)
    done = run("scan", path, *(("--format", fmt) if fmt else ()))
    assert done.code == 1
    assert "\x1b[31m" not in done.out
    assert "\u202e" not in done.out
    assert "<script>alert" not in done.out or fmt in ("", "text", "json", "csv")
    if fmt != "json":
        assert not re.search(r"(?m)^\s*(::|##vso)", done.out)
    if fmt == "csv":
        assert not re.search(r'(?m)(^|,)"?[=+@]', done.out)


def test_errors_are_inert_too() -> None:
    done = run("scan", "\x1b[31m\n::error::x")
    assert done.code == 2
    assert "\x1b" not in done.err
    assert "\n::error" not in done.err


@pytest.mark.parametrize(
    ("formats", "expected"),
    [
        (("html=",), "names no file"),
        (("json=folder",), "it is a folder"),
        (("json=s.jsonl/r.json",), "is no folder"),
        (("json=r", "html=r"), "two reports would be written to one file"),
    ],
)
def test_a_report_that_cannot_be_written_is_said_before_the_work(
    formats: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("folder").mkdir()
    path = keep(vault())
    monkeypatch.setattr(pipeline, "collect", lambda *_, **__: pytest.fail("the work was begun"))
    done = run("scan", path, *(part for text in formats for part in ("--format", text)))
    assert (done.code, expected in done.err) == (2, True), done.err


def test_a_wrong_template_is_said_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine").mkdir()
    Path("mine/text.txt.j2").write_text("{% if %}")
    path = keep(vault())
    monkeypatch.setattr(pipeline, "collect", lambda *_, **__: pytest.fail("the work was begun"))
    assert "text.txt.j2:1" in run("scan", path, "--format", "text", "--template", "mine").err
    assert "does not exist" in run("scan", path, "--format", "text", "--template", "yours").err


def test_one_report_that_fails_keeps_no_other_from_being_written() -> None:
    Path("mine").mkdir()
    Path("mine/text.txt.j2").write_text("{{ report.nothing }}")
    done = run(
        "scan", keep(vault()), "--template", "mine", "--format", "text=r.txt", "--format", "json=r.json",
        "--format", "text=again.txt",
    )  # fmt: skip
    assert (done.code, done.err.count("text.txt.j2:1")) == (2, 2)
    assert json.loads(Path("r.json").read_text())["schema"] == "auditor/report/v1"
    assert not Path("r.txt").exists()


def test_a_link_is_replaced_and_a_pipe_is_written_to() -> None:
    Path("precious").write_text("precious")
    Path("r.json").symlink_to("precious")
    os.mkfifo("pipe")
    reader = subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE)
    assert run("scan", keep(vault()), "--format", "json=r.json", "--format", "csv=pipe").code == 1
    text = reader.communicate(timeout=60)[0]
    assert text.startswith(b"outcome,")
    assert (Path("precious").read_text(), Path("r.json").is_symlink()) == ("precious", False)
    assert Path("pipe").is_fifo()


@pytest.mark.parametrize(("place", "expected"), [(">&-", "stdout"), ("> /dev/full", "No space left")])
def test_stdout_that_cannot_be_written_is_said(place: str, expected: str) -> None:
    command = f"{sys.executable} -m auditor scan {keep(vault())} --format json {place}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, expected in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_the_verdict_is_said_where_reports_go_to_files() -> None:
    path = keep(vault(), LOCKS)
    assert "Failing: 1 finding below the baseline" in run("scan", path, "--format", "json=r.json").err
    assert "Failing" not in run("scan", path, "--format", "json=r.json", "-q").err
    assert run("scan", path, "--format", "json").err == ""


def test_a_failure_below_the_threshold_is_never_called_clean() -> None:
    done = run("scan", keep(vault(), LOCKS), "--fail-on", "critical")
    assert done.code == 0
    assert "✗ Failing" in done.out
    assert "Nothing fails at --fail-on critical or above" in done.out
    assert "Clean" not in done.out


# ── configuration ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_configuration_file_and_what_comes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    path = keep(vault(), LOCKS)
    Path("auditor.toml").write_text('fail_on = "critical"\nformat = ["json=out/r.json"]\n')
    assert run("scan", path).code == 0
    assert Path("out/r.json").is_file()
    assert run("scan", path, "--fail-on", "low").code == 1
    assert run("--no-config", "scan", path).code == 1
    monkeypatch.setenv("AUDITOR_SCAN_FAIL_ON", "medium")
    assert run("scan", path).code == 1
    Path("auditor.toml").unlink()
    Path("pyproject.toml").write_text('[tool.auditor]\nfail-on = "critical"\n')
    monkeypatch.delenv("AUDITOR_SCAN_FAIL_ON")
    Path("below").mkdir()
    monkeypatch.chdir("below")
    assert run("scan", "../s.jsonl").code == 0
    (Path("..") / "pyproject.toml").write_text("[project]\n")
    assert run("scan", "../s.jsonl").code == 1


def test_paths_in_the_configuration_start_at_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(keep(vault(), LOCKS)).resolve()
    Path("w.yaml").write_text("[{rule: '*', resource: '*/vaults/kv', reason: r, owner: o, expires: 2999-01-01}]")
    Path("mine.yaml").write_text("id: mine\ntitle: Mine\nextends: standard-deployment\n")
    (Path("rules") / "keyvault").mkdir(parents=True)
    Path("c.toml").write_text('waivers = "w.yaml"\nbaseline = "mine.yaml"\nrules_dir = "rules"\nquiet = true\n')
    Path("below").mkdir()
    monkeypatch.chdir("below")
    done = run("--config", "../c.toml", "scan", str(path), "--format", "json")
    assert done.code == 0
    assert (json.loads(done.out)["baseline"], json.loads(done.out)["summary"]["waived"]) == ("mine", 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("basline = 'x'", "unknown key 'basline'; did you mean 'baseline'?"),
        ("arm_endpoint = 'https://evil'", "unknown key 'arm_endpoint'"),
        ("access_token_env = 'X'", "unknown key 'access_token_env'"),
        ("record = 'x'", "unknown key 'record'"),
        ("baseline = 7", "'baseline' must be text"),
        ("rule = [7]", "'rule' must be a list of texts"),
        ("concurrency = true", "'concurrency' must be a whole number"),
        ("format = ['json=../r.json']", "outside the folder of the configuration"),
        ("format = ['json=/etc/r.json']", "outside the folder of the configuration"),
        ("= 1", "is not TOML"),
    ],
)
def test_a_bad_configuration_is_exit_code_2(text: str, expected: str) -> None:
    Path("auditor.toml").write_text(text)
    done = run("scan", keep(vault()))
    assert (done.code, expected in done.err) == (2, True), done.err


def test_a_configuration_is_looked_for_in_the_repository_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(keep(vault(), LOCKS)).resolve()
    Path("auditor.toml").write_text("nonsense = 1")
    Path("below/.git").mkdir(parents=True)
    Path("aside").mkdir()
    monkeypatch.chdir("below")
    assert run("scan", str(path)).code == 1
    monkeypatch.chdir("../aside")
    assert "unknown key 'nonsense'" in run("scan", str(path)).err
    Path("../.git").rmdir()
    assert run("scan", str(path)).code == 1
    Path("pyproject.toml").write_text("tool = 1\n")
    assert run("scan", str(path)).code == 1
    assert "has no table [tool.auditor]" in run("--config", "pyproject.toml", "scan", str(path)).err


def test_rules_of_ones_own_in_the_configuration_count_for_every_command() -> None:
    folder = Path("mine/keyvault")
    folder.mkdir(parents=True)
    text = (data_dir("rules") / "keyvault" / "keyvault-purge-protection.yaml").read_text("utf-8")
    (folder / "keyvault-mine.yaml").write_text(text.replace("keyvault-purge-protection", "keyvault-mine"), "utf-8")
    Path("auditor.toml").write_text('rules_dir = "mine"\n')
    assert "keyvault-mine" in run("rules", "list").out
    assert run("rules", "show", "keyvault-mine").out.startswith("## keyvault-mine")
    assert run("rules", "test", "keyvault-mine").code == 0
    assert "keyvault-mine" in run("baselines", "show", "well-architected").out


# ── the other commands ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sample_can_be_scanned_recorded_and_kept(home: Path) -> None:
    sample = str(home / "samples" / "estate" / "live")
    direct = run("scan", "azure:", "--replay", sample, "--format", "json")
    kept = run("snapshot", "azure:", "--replay", sample, "-o", "estate.jsonl")
    assert (kept.code, "13 resources, 1 gap" in kept.err) == (3, True)
    again = run("scan", "estate.jsonl", "--format", "json")
    assert (direct.code, again.code) == (1, 1)
    first, second = json.loads(direct.out), json.loads(again.out)

    def key(finding: dict[str, Any]) -> tuple[str, str]:
        return finding["rule"], finding["resource"]["id"]

    assert first["summary"] == second["summary"]
    assert sorted(first["findings"], key=key) == sorted(second["findings"], key=key)
    verdicts = {row["id"]: row["verdict"] for row in first["statements"]}
    assert (verdicts["C1"], verdicts["S1"], verdicts["A3"], verdicts["K4"]) == (
        "fail",
        "pass",
        "informational",
        "informational",
    )


def test_a_snapshot_keeps_when_it_was_taken_and_says_what_is_wrong_with_it() -> None:
    snapshot.write(Path("old.jsonl"), [vault(**GOOD), LOCKS], ("azure:s",), "2026-01-02T03:04:05Z")
    snapshot.write(Path("new.jsonl"), [], ("azure:s",), "2026-02-02T03:04:05Z")
    report = json.loads(run("scan", "old.jsonl", "new.jsonl", "--format", "json").out)
    assert report["collected_at"] == "2026-01-02T03:04:05Z"
    assert report["scopes"][0]["state"] == "collected 2026-01-02T03:04:05Z"
    Path("cut.jsonl").write_text(Path("old.jsonl").read_text()[:-40])
    (gap,) = json.loads(run("scan", "cut.jsonl", "--format", "json").out)["gaps"]
    assert gap["reason"] == "is cut: it ends after 2 records without an end line. Take the snapshot again."


def test_a_snapshot_of_nothing_is_exit_code_4() -> None:
    assert run("snapshot", keep(), "-o", "t.jsonl", "-q").code == 4
    assert run("snapshot", keep(vault()), "-o", "t.jsonl").code == 0


def test_a_snapshot_can_go_to_stdout_and_tells_its_gaps() -> None:
    gaps = [Gap(f"/subscriptions/g{number}", "403", Origin("u")) for number in range(7)]
    done = run("snapshot", keep(vault(), *gaps), "-o", "-")
    assert done.code == 3
    assert (done.err.count("Not read: /subscriptions/g"), "1 resource, 7 gaps" in done.err) == (5, True)
    Path("copy.jsonl").write_text(done.out, "utf-8")
    assert json.loads(run("scan", "copy.jsonl", "--format", "json").out)["summary"]["gaps"] == 7


def test_rules_can_be_listed_shown_and_tested() -> None:
    assert "keyvault-purge-protection" in run("rules", "list").out
    listed = json.loads(run("rules", "list", "--format", "json").out)
    assert {"id", "title", "severity", "applies_to"} <= listed[0].keys()
    page = run("rules", "show", "storage-point-in-time-restore").out
    assert "Azure CLI" in page
    assert "is more than `blobServices/default:properties.restorePolicy.days`" in page
    assert run("rules", "show", "nope").code == 2
    assert run("rules", "test", "keyvault-soft-delete").code == 0
    assert "ok    keyvault-soft-delete: explicitly off" in run("rules", "test", "-v", "keyvault-soft-delete").out


def test_an_example_that_does_not_hold_is_said() -> None:
    folder = Path("mine/keyvault")
    folder.mkdir(parents=True)
    text = (data_dir("rules") / "keyvault" / "keyvault-purge-protection.yaml").read_text("utf-8")
    (folder / "keyvault-purge-protection.yaml").write_text(text.replace("outcome: pass", "outcome: fail"), "utf-8")
    done = run("rules", "test", "keyvault-purge-protection", "--rules-dir", "mine")
    assert done.code == 5
    assert re.search(
        r"keyvault-purge-protection\.yaml:\d+: keyvault-purge-protection: on\n +expected fail, got pass", done.out
    )
    (folder / "keyvault-purge-protection.yaml").write_text(
        text.replace("resource: {properties: {enablePurgeProtection: true}}", "resource: {children: 7}"), "utf-8"
    )
    assert "the example is no resource" in run("rules", "test", "keyvault-purge-protection", "--rules-dir", "mine").err


def test_schemas_and_baselines_and_the_role_are_printed() -> None:
    for kind in ("rule", "baseline", "waivers"):
        assert json.loads(run("rules", "schema", kind).out)["$schema"].startswith("https://json-schema.org/")
    assert "well-architected" in run("baselines", "list").out
    assert json.loads(run("baselines", "list", "--format", "json").out)[0]["id"] == "standard-deployment"
    shown = run("baselines", "show", "standard-deployment").out
    assert "retention = P30D" in shown
    assert "| S4 |" in shown
    role = json.loads(run("role", "--scope", "/subscriptions/x").out)
    assert role["AssignableScopes"] == ["/subscriptions/x"]


def test_the_generated_docs_are_fresh() -> None:
    from tools import docs

    assert [path.name for path, text in docs.generated().items() if path.read_text("utf-8") != text] == []


# ── a terminal ───────────────────────────────────────────────────────────────────────────────────────────────────────


def on_terminal(*arguments: str, **environment: str) -> str:
    """What a run writes to a terminal of its own, stdout and stderr alike."""
    ours, theirs = pty.openpty()
    kept = {
        name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "--no-config", *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, env={**kept, "TERM": "xterm-256color", **environment},
    )  # fmt: skip
    os.close(theirs)
    text = b""
    while True:
        try:
            text += os.read(ours, 65_536)
        except OSError:
            break
        if process.poll() is not None and not select.select([ours], [], [], 0)[0]:
            break
    os.close(ours)
    process.wait(60)
    return text.decode()


def test_a_terminal_gets_progress_and_colours_unless_it_asks_for_less(home: Path) -> None:
    arguments = ("scan", "azure:", "--replay", str(home / "samples" / "estate" / "live"))
    seen = on_terminal(*arguments)
    assert "Reading subscriptions" in seen
    assert "\x1b[1;31m" in seen
    plain = on_terminal(*arguments, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[1-6]m", plain)
    in_ci = on_terminal(*arguments, CI="true")
    assert "Reading subscriptions" not in in_ci
    assert "Failing and incomplete" in in_ci
    assert "Reading subscriptions" not in on_terminal(*arguments, "--quiet")


def test_a_terminal_gets_pages_laid_out() -> None:
    page = on_terminal("rules", "show", "keyvault-purge-protection")
    assert "Azure CLI" in page
    assert "```" not in page
    assert "##" not in page
    assert "```sh" in on_terminal("rules", "show", "keyvault-purge-protection", TERM="dumb")


# ── endings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_kill_in_mid_scan_leaves_earlier_reports_whole() -> None:
    from tests import arm_server
    from tests.arm_server import ArmServer
    from tools.estate import Estate

    made = Estate()
    made.subscription("11111111-2222-4333-8444-555555555555", "Slow")
    Path("r.json").write_text("earlier")
    Path("s.jsonl").write_text("earlier too")
    environment = {**os.environ, "T": "token"}
    for command in (["scan", "azure:", "--format", "json=r.json"], ["snapshot", "azure:", "-o", "s.jsonl"]):
        with ArmServer(made) as server:
            server.fault("*/vaults", arm_server.hang)
            arguments = [*command, "--arm-endpoint", server.url, "--access-token-env", "T"]
            process = subprocess.Popen(
                [sys.executable, "-m", "auditor", *arguments], env=environment, stderr=subprocess.PIPE
            )
            end = time.monotonic() + 60
            while not server.count("*/vaults") and time.monotonic() < end:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 143
        assert b"Traceback" not in err
    assert (Path("r.json").read_text(), Path("s.jsonl").read_text()) == ("earlier", "earlier too")
    assert not [entry.name for entry in Path().iterdir() if entry.name.endswith(".part")]


def test_a_reader_that_leaves_is_no_error() -> None:
    path = keep(*(vault(f"kv{number}") for number in range(300)))
    command = f"{sys.executable} -m auditor scan {path} --format json | head -c 10 > /dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("141", "")


def test_an_interrupt_is_exit_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "load_policy", interrupted)
    assert run("scan", keep(vault())).code == 130
