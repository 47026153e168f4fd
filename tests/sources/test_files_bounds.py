"""The bounds of what is read: size and shape of folders, hostile files, and the jail that references stay in."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from auditor.errors import TargetError
from auditor.model import Gap
from auditor.sources import CollectOptions
from auditor.sources.arm import ir
from auditor.sources.arm.values import EvaluationError
from auditor.sources.files import Entry, Survey, kinds, walk
from tests.sources.test_files import STORE, found, gaps, labels, parameters, states, template, write


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder that is the working directory, and a home that is elsewhere."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(folder)
    return folder


def opened(path: str) -> Entry:
    (one,) = [one for one in found(path) if isinstance(one, Entry)]
    return one


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("bound", "value", "reason"),
    [
        ("MAX_SEEN", 30, "there are more than 30 files; the rest of the folder was not looked at"),
        ("MAX_FILES", 20, "there are more than 20 files of our kinds; the rest of the folder was not looked at"),
        ("MAX_BYTES", 100, "there is more than 0 MiB of JSON; the rest of the folder was not looked at"),
    ],
)
def test_a_huge_folder_is_looked_at_in_part_and_says_so(
    bound: str, value: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, bound, value)
    write({"a/main.bicep": STORE} | {f"many/{index:03}.json": template() for index in range(50)})
    assert [gap.reason for gap in gaps()] == [reason]
    assert labels()[0] == "a/main.bicep"
    assert len(labels()) < 40


def test_folders_nest_only_so_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_DEPTH", 3)
    write({"a/b/c/main.bicep": STORE, "a/b/c/d/deep.bicep": STORE})
    assert [(gap.subject, gap.reason) for gap in gaps()] == [
        ("a/b/c", "folders nest deeper than 3 levels; what is below was not looked at")
    ]
    assert labels() == ["a/b/c/main.bicep"]


def test_a_file_that_is_too_large_is_a_gap_if_it_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "read", lambda path: _too_large(path))
    write({"main.json": template(), "data.json": '{"a": 1}'})
    assert [(gap.subject, gap.reason) for gap in gaps()] == [("main.json", "it is larger than 0 MiB")]


def _too_large(path: Path) -> bytes:
    from auditor.sources.files.jail import read

    return read(path, 4)


def test_large_files_are_refused() -> None:
    write(
        {
            "main.bicep": b" " * (16 * 2**20 + 1),
            "big.json": b"[" + b" " * 16 * 2**20,
            "main.json": template().encode() + b" " * 16 * 2**20,
        }
    )
    assert {(gap.subject, gap.reason) for gap in gaps()} == {
        ("main.bicep", "it is larger than 16 MiB"),
        ("main.json", "it is larger than 16 MiB"),
    }
    assert [gap.subject for gap in gaps("main.json")] == ["main.json"]
    with pytest.raises(TargetError, match="larger than 16 MiB"):
        found("big.json")


def test_links_that_go_in_circles_or_out_are_not_followed(work: Path) -> None:
    outside = work.parent / "outside"
    outside.mkdir()
    (outside / "secret.bicep").write_text(STORE)
    (outside / "secret.json").write_text(template())
    write({"a/main.bicep": STORE})
    Path("a/loop").symlink_to(work)
    Path("self").symlink_to("self")
    Path("self.bicep").symlink_to("self.bicep")
    Path("out").symlink_to(outside)
    Path("out.bicep").symlink_to(outside / "secret.bicep")
    Path("out.json").symlink_to(outside / "secret.json")
    Path("again.bicep").symlink_to("a/main.bicep")
    assert labels() == ["a/main.bicep"]
    assert [(gap.subject, gap.reason) for gap in gaps()] == [
        ("out.bicep", "it is a link that leads out of the folder, and was not followed")
    ]
    assert states() == {"out": "a link that leads out of the folder; not followed"}
    with pytest.raises(TargetError, match="cannot be read"):
        found("self.bicep")


def test_a_folder_that_cannot_be_listed_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    write({"a/main.bicep": STORE, "b/main.bicep": STORE})
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert labels() == ["a/main.bicep"]
    assert [(gap.subject, gap.reason) for gap in gaps()] == [("b", "the folder cannot be read: Permission denied")]


def test_a_template_that_went_away_is_a_gap() -> None:
    write({"main.bicep": STORE})
    survey = Survey([Path()], CollectOptions())
    (point,) = survey.points
    Path("main.bicep").write_bytes(b" " * (16 * 2**20 + 1))
    other = Survey([Path()], CollectOptions())
    gap = other.open(point)
    assert isinstance(gap, Gap)
    assert gap.reason == "it was not audited: it is larger than 16 MiB"


def test_there_are_only_so_many_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.sources.files.survey.MAX_ENTRIES", 3)
    write({f"{index}.json": template() for index in range(5)})
    assert len(labels()) == 3
    assert [gap.reason for gap in gaps()] == ["there are more than 3 templates; the rest was not audited"]


def test_bicep_parameter_files_that_cannot_be_read_are_gaps() -> None:
    large = b" " * (16 * 2**20 + 1)
    write(
        {
            "main.bicep": STORE,
            "large.bicepparam": large,
            "a.bicepparam": "using 'main.bicep'\nextends 'none.bicepparam'\n",
        }
    )
    assert [(gap.subject, gap.reason) for gap in gaps()] == [("large.bicepparam", "it is larger than 16 MiB")]
    assert labels() == ["main.bicep with a.bicepparam"]


@settings(max_examples=80, deadline=None)
@given(strategies.text(alphabet='{}[]:,"\\/*\n aé$schemcontentVersionresources', max_size=200))
def test_whatever_a_file_holds_it_is_something(text: str) -> None:
    assert isinstance(kinds.kind_of(Path("x.json"), text.encode()), kinds.Kind)
    with contextlib.suppress(ValueError):
        kinds.lenient_json(text)


@settings(max_examples=80, deadline=None)
@given(
    strategies.dictionaries(
        strategies.text(max_size=5),
        strategies.recursive(
            strategies.none() | strategies.booleans() | strategies.text(max_size=5),
            lambda inner: (
                strategies.lists(inner, max_size=3)
                | strategies.dictionaries(strategies.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=5,
    )
)
def test_the_keys_of_json_are_those_a_parser_finds(value: dict[str, Any]) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    if "\\" not in text:
        assert kinds.top_level(text).keys() == {key.casefold() for key in value}
    commented = text.replace("\n", ' // a comment, "\n') + "/* the end"
    assert kinds.lenient_json(commented) == value
    if "\\" not in text:
        assert kinds.top_level(commented).keys() == kinds.top_level(text).keys()


@pytest.mark.parametrize(
    "text",
    [
        '"' * 400_000,
        '{"a' + '\\"' * 300_000,
        "/*" * 300_000,
        "{" * 500_000,
        '{"a":' * 200_000,
        "[" * 500_000,
        " " * 900_000 + "x",
    ],
)
def test_hostile_json_costs_no_more_than_its_length(text: str) -> None:
    data = text.encode() + b"contentVersion"
    assert kinds.kind_of(Path("x.json"), data) is kinds.Kind.OTHER
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the message
        kinds.lenient_json(text)
    write({"x.json": data})
    assert gaps("x.json")[0].reason.startswith("it is no JSON")


# ── the jail ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def reached(reference: str, target: str = "infra/main.bicep") -> str:
    """The uri of the template a reference leads to, or why it leads nowhere."""
    entry = opened(target)
    one = entry.files.template(entry.template.source, reference)
    assert entry.files.template(entry.template.source, reference) is one or isinstance(one, ir.Unresolved)
    return one.reason if isinstance(one, ir.Unresolved) else one.source.uri


def test_references_start_at_the_file_they_stand_in() -> None:
    write({"infra/main.bicep": STORE, "infra/a.bicep": STORE, "infra/m/b.bicep": STORE, "infra/c.json": template()})
    assert reached("a.bicep") == "infra/a.bicep"
    assert reached("./m/../m/b.bicep") == "infra/m/b.bicep"
    assert reached("nowhere/../a.bicep") == "infra/a.bicep"
    assert reached("m\\b.bicep") == "infra/m/b.bicep"
    assert reached("./c.json") == "infra/c.json"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("../../outside/x.bicep", "it lies outside of infra"),
        ("../shared/x.bicep", "it lies outside of infra; name a folder that holds both"),
        ("/etc/passwd", "absolute paths are not followed"),
        ("C:\\x.bicep", "absolute paths are not followed"),
        ("~/x.bicep", "absolute paths are not followed"),
        ("\\\\host\\share\\x.bicep", "absolute paths are not followed"),
        ("https://example.com/x.json", "what an address leads to is not read"),
        ("file:///etc/passwd", "what an address leads to is not read"),
        ("", "that is no path of a file"),
        ("a\0b", "that is no path of a file"),
        ("a" * 2_000, "that is no path of a file"),
        ("a" * 900, "it cannot be read"),
        ("missing.bicep", "there is no such file"),
        ("main.bicep/x.bicep", "there is no such file"),
        ("loop.bicep", "it cannot be read"),
        ("out.bicep", "it lies outside of infra"),
        ("way/x.bicep", "it lies outside of infra"),
        (".hidden/x.bicep", "it lies in a hidden folder"),
        (".x.bicep", "it lies in a hidden folder"),
        ("m", "Is a directory"),
        ("notes.txt", "it is no template"),
        ("main.bicepparam", "it is no template"),
        ("p.json", "it is no template"),
    ],
)
def test_a_reference_leads_nowhere_else(reference: str, reason: str, work: Path) -> None:
    outside = work.parent / "outside"
    outside.mkdir()
    (outside / "x.bicep").write_text(STORE)
    write(
        {
            "infra/main.bicep": STORE,
            "shared/x.bicep": STORE,
            "infra/.hidden/x.bicep": STORE,
            "infra/.x.bicep": STORE,
            "infra/m/x.bicep": STORE,
            "infra/notes.txt": "x",
            "infra/p.json": parameters(),
            "infra/main.bicepparam": "using 'main.bicep'\n",
        }
    )
    Path("infra/loop.bicep").symlink_to("loop.bicep")
    Path("infra/out.bicep").symlink_to(outside / "x.bicep")
    Path("infra/way").symlink_to(outside)
    assert reason in reached(reference)


def test_a_repository_is_read_as_a_whole_and_no_further() -> None:
    write({".git/HEAD": "", "infra/main.bicep": STORE, "shared/x.bicep": STORE, ".git/x.bicep": STORE})
    for target in ("infra", "infra/main.bicep"):
        assert reached("../shared/x.bicep", target) == "shared/x.bicep"
        assert "hidden" in reached("../.git/x.bicep", target)
        assert "outside of ." in reached("../../other/x.bicep", target)


def test_an_azd_project_is_read_as_a_whole() -> None:
    write({"app/azure.yaml": "name: x\n", "app/infra/main.bicep": STORE, "app/shared/x.bicep": STORE, "x.bicep": STORE})
    assert reached("../shared/x.bicep", "app/infra/main.bicep") == "app/shared/x.bicep"
    assert "outside of app" in reached("../../x.bicep", "app/infra/main.bicep")


def test_a_home_folder_is_no_project(work: Path) -> None:
    home = work.parent / "home"
    (home / ".git").mkdir()
    (home / "x.bicep").write_text(STORE)
    (home / "downloads").mkdir()
    (home / "downloads" / "main.bicep").write_text(STORE)
    assert "outside of" in reached("../x.bicep", str(home / "downloads" / "main.bicep"))


def test_folders_that_are_named_together_may_read_each_other() -> None:
    write({"infra/main.bicep": STORE, "shared/x.bicep": STORE})
    (entry, _) = [one for one in found("infra", "shared") if isinstance(one, Entry)]
    one = entry.files.template(entry.template.source, "../shared/x.bicep")
    assert isinstance(one, ir.Template)
    assert one.source.uri == "shared/x.bicep"


def test_a_hidden_folder_that_was_named_is_read() -> None:
    write({".git/HEAD": "", ".infra/main.bicep": STORE, ".infra/x.bicep": STORE})
    assert reached("x.bicep", ".infra/main.bicep") == ".infra/x.bicep"


def test_contents_are_read_within_the_same_bounds() -> None:
    write(
        {
            "infra/main.bicep": STORE,
            "infra/data.json": '{"a": 1}',
            "secret.txt": "x",
            "infra/big": b" " * (4 * 2**20 + 1),
        }
    )
    entry = opened("infra")
    source = entry.template.source
    assert entry.files.content(source, "data.json") == b'{"a": 1}'
    for path, reason in (("../secret.txt", "outside of infra"), ("big", "larger than 4 MiB"), ("none", "no such file")):
        with pytest.raises(EvaluationError, match=reason):
            entry.files.content(source, path)
    with pytest.raises(EvaluationError, match="is no file"):
        entry.files.content(ir.Source("memory", ""), "data.json")


def test_parameter_files_extend_each_other_within_the_same_bounds() -> None:
    write({"infra/main.bicep": STORE, "infra/base.bicepparam": "using none\nparam a = 1\n"})
    entry = opened("infra/main.bicep")
    base = entry.files.parameters(entry.template.source, "base.bicepparam")
    assert isinstance(base, ir.ParameterFile)
    assert list(base.values) == ["a"]
    missing = entry.files.parameters(entry.template.source, "../x.bicepparam")
    assert isinstance(missing, ir.Unresolved)
    assert "outside of infra" in missing.reason


def test_a_file_that_is_no_longer_used_is_parsed_again_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.sources.files import loading

    monkeypatch.setattr(loading, "MAX_KEPT", 100)
    write({"main.bicep": STORE, "a.bicep": STORE, "b.bicep": STORE})
    entry = opened("main.bicep")
    first = entry.files.template(entry.template.source, "a.bicep")
    assert entry.files.template(entry.template.source, "a.bicep") is first
    entry.files.template(entry.template.source, "b.bicep")
    again = entry.files.template(entry.template.source, "a.bicep")
    assert again is not first
    assert isinstance(again, ir.Template)
