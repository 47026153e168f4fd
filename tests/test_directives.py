"""Inline waivers: what a comment or metadata asks for, and which declaration it is for, in every language."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.directives import MAX_DIRECTIVES, NOWHERE, Comment, Declared, bound, from_metadata, hinted, read
from auditor.model import Origin, Waiver, WaiverState
from tests.scans import Scan, scan

HERE = Origin("main.bicep", 3)
GOOD = ' auditor:waive storage-redundancy until=2999-06-30 reason="rebuilt nightly" owner=me@x.example ticket=OPS-1'


def asked(comment: str) -> Waiver:
    found = read(comment, HERE)
    assert found is not None
    assert (found.origin, found.inline) == (HERE, True)
    return found


# ── what a comment says ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_directive_is_a_waiver() -> None:
    found = asked(GOOD)
    assert found == Waiver(
        "storage-redundancy",
        "",
        "rebuilt nightly",
        "me@x.example",
        "2999-06-30",
        ticket="OPS-1",
        origin=HERE,
        inline=True,
    )
    assert hinted(GOOD)


@pytest.mark.parametrize(
    "comment",
    [
        "auditor:waive a-b until=2999-01-01 reason=x",
        "  AUDITOR:WAIVE   a-b   reason=x\tuntil=2999-01-01  ",
        "/ auditor:waive a-b until='2999-01-01' reason='x'",
        "* auditor:waive a-b\n * until=2999-01-01 reason=x".replace("\n * ", "\n "),
        '# auditor:waive a-b until="2999-01-01" reason="x" created=2998-01-01',
    ],
)
def test_marks_case_and_space_do_not_matter(comment: str) -> None:
    found = asked(comment)
    assert (found.rule, found.expires, found.reason, found.state) == ("a-b", "2999-01-01", "x", "active"), found.note


def test_a_quoted_value_holds_anything() -> None:
    found = asked(r"""auditor:waive a-b until=2999-01-01 reason="he said \"no\" \\ it's until=never" owner='a "b"'""")
    assert (found.reason, found.owner) == ("""he said "no" \\ it's until=never""", 'a "b"')


BAD = {
    "auditor:waive": "the rule is missing; expected auditor:waive <rule-id> until=",
    "auditor:waive until=2999-01-01 reason=x": "the rule is missing",
    "auditor:waive a-b": "'until' is missing",
    "auditor:waive a-b until=2999-01-01": "'reason' is missing",
    'auditor:waive a-b until=2999-01-01 reason=""': "'reason' is missing",
    'auditor:waive a-b until=2999-01-01 reason="  "': "'reason' is missing",
    "auditor:waive a-b until=soon reason=x": "'until' must be a date such as 2027-06-30, found 'soon'",
    "auditor:waive a-b until=29990101 reason=x": "'until' must be a date",
    "auditor:waive a-b until=2999-02-30 reason=x": "'until' must be a date",
    "auditor:waive a-b until=2999-01-01T00:00 reason=x": "'until' must be a date",
    "auditor:waive a-b until=2999-01-01 created=x reason=x": "'created' must be a date",
    "auditor:waive a-b until=2998-01-01 created=2999-01-01 reason=x": "after its last day",
    "auditor:waive a-b untill=2999-01-01 reason=x": "unknown key 'untill'; did you mean 'until'?",
    "auditor:waive a-b expires=2999-01-01 reason=x": "unknown key 'expires'; expected one of until, reason, owner",
    "auditor:waive a-b resource=x until=2999-01-01 reason=x": "unknown key 'resource'",
    "auditor:waive a-b until=2999-01-01 until=2999-01-02 reason=x": "'until' is given twice",
    'auditor:waive a-b until=2999-01-01 reason="x': "expected key=value",
    "auditor:waive a-b until=2999-01-01 reason=two words": "expected key=value or key=\"…\" with until, reason, owner, ticket, created, found 'words'",
    "auditor:waive a-b c-d until=2999-01-01 reason=x": "found 'c-d until=2999-01-01 reason=x'",
    "auditor:waive A_B until=2999-01-01 reason=x": "'A_B' is no id of a rule",
    "auditor:waive <script> until=2999-01-01 reason=x": "'<script>' is no id of a rule",
    "auditor:waived a-b until=2999-01-01 reason=x": "unknown directive 'auditor:waived'",
    "auditor:ignore a-b": "unknown directive 'auditor:ignore'; expected auditor:waive",
    "auditor: waive a-b until=2999-01-01 reason=x": "unknown directive 'auditor: waive'",
    "auditor : waive a-b": "unknown directive 'auditor : waive'",
    "cheap. auditor:waive a-b until=2999-01-01 reason=x": "a directive begins its comment",
    "auditor:waive a-b until=2999-01-01 reason=" + "x" * 4_000: "longer than 4,000 characters",
}


@pytest.mark.parametrize("comment", BAD)
def test_a_directive_that_cannot_be_understood_is_malformed_and_says_why(comment: str) -> None:
    found = asked(comment)
    assert found.state is WaiverState.MALFORMED
    assert BAD[comment] in found.note
    assert re.fullmatch(r"|\*|[a-z0-9-]+", found.rule)


@pytest.mark.parametrize(
    "comment",
    ["", "the auditor", "auditor: see the wiki", "our auditor:waive directives", "no-auditor:waive a-b", "auditor"],
)
def test_prose_is_no_directive(comment: str) -> None:
    assert read(comment, HERE) is None


def test_no_comment_takes_long() -> None:
    # Each would take minutes if any part of a pattern were tried twice.
    for text in ("auditor:waive a-b " + '"' * 3_900, " " * 100_000 + "auditor", "auditor:waive a-b k=\"" + "\\" * 3_900,
                 "auditor:waive " * 10_000, "*/#" * 30_000 + "auditor:"):  # fmt: skip
        read(text, HERE)


@pytest.mark.parametrize(
    ("value", "note"),
    [
        (None, "expected an object of texts"),
        ({"rule": "a-b", "until": "2999-01-01", "reason": None}, "expected an object of texts"),
        ({"until": "2999-01-01", "reason": "x"}, "the rule is missing; expected rule, resource, until"),
        ({"rule": "a-b", "reason": "x"}, "'until' is missing"),
        ({"rule": "a-b", "until": "2999-01-01", "reason": "x", "expires": "x"}, "unknown key 'expires'"),
    ],
)
def test_metadata_that_cannot_be_understood_is_malformed(value: Any, note: str) -> None:
    found = from_metadata(value, HERE)
    assert found.state is WaiverState.MALFORMED
    assert note in found.note


# ── what it is for ───────────────────────────────────────────────────────────────────────────────────────────────────


def bindings(text: str) -> dict[int, list[str]]:
    """The rules by the line of the declaration they are for; `<a … >` are declarations, `<m … >` module calls."""
    comments = [
        Comment(m.start(), m.end(), m[0].strip("/*")) for m in re.finditer(r"//[^\n]*|/\*.*?\*/", text, re.DOTALL)
    ]
    declared, opened = [], []
    for match in re.finditer(r"<[am]|>", text):
        if match[0] == ">":
            start, module = opened.pop()
            declared.append(Declared(start, match.end(), module))
        else:
            opened.append((match.start(), match[0] == "<m"))
    text = text.replace("\r\n", "\n") if "\r\n" not in text else text
    found = bound(text, comments, declared, lambda at: Origin("x", text.count("\n", 0, at) + 1))
    return {
        text.count("\n", 0, at) + 1 if at >= 0 else at: [
            one.rule if one.state is WaiverState.ACTIVE else f"{one.rule}: {one.state.value}" for one in waivers
        ]
        for at, waivers in found.items()
    }


def waive(rule: str, marks: str = "// {}") -> str:
    return marks.format(f"auditor:waive {rule} until=2999-01-01 reason=x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"x\n{waive('r')}\n<a\n>", {3: ["r"]}),
        (f"{waive('r')}\n<a\n>", {2: ["r"]}),
        (f"\ufeff{waive('r')}\r\n<a\r\n>", {2: ["r"]}),
        (f"x\n<a {waive('r')}\n>", {2: ["r"]}),
        (f"x\n<a\n  p: 1 {waive('r')}\n>", {2: ["r"]}),
        (f"x\n<a\n  {waive('r')}\n  p: 1\n>", {2: ["r"]}),
        (f"x\n<a\n>, {waive('r')}\n<a\n>", {2: ["r"]}),
        (f"x\n{waive('r')}\n{waive('s')}\n// why\n{waive('t')}\n<a\n>", {6: ["r", "s", "t"]}),
        (f"x\n{waive('r', '/* {} */')} <a\n>", {2: ["r"]}),
        (f"x\n<a {waive('r', '/* {} */')} {waive('s')}\n>", {2: ["r", "s"]}),
        (f"x\n<a\n  {waive('r')}\n  <a\n  >\n>", {4: ["r"]}),
        (f"x\n<a\n  <a\n  >\n  {waive('r')}\n>", {2: ["r"]}),
        (f"x\n{waive('r')}\n<m\n>", {3: ["r"]}),
        (f"x\n{waive('*')}\n<a\n>", {3: ["*"]}),
        (f"x\n{waive('*')}\n<m\n>", {3: ["*: too-broad"]}),
        (f"x\n{waive('r')}\n\n<a\n>", {NOWHERE: ["r: malformed"]}),
        (f"x\n<a\n>\n{waive('r')}", {NOWHERE: ["r: malformed"]}),
        (f"x\n{waive('r')}\ny\n<a\n>", {NOWHERE: ["r: malformed"]}),
        (f"x {waive('r')}\n<a\n>", {NOWHERE: ["r: malformed"]}),
        (f"{waive('r')}\n\n<a\n>", {NOWHERE: ["r: too-broad"]}),
        (f"\n// licence\n{waive('r')}\nx\n<a\n>", {NOWHERE: ["r: too-broad"]}),
        (waive("r"), {NOWHERE: ["r: too-broad"]}),
        ("<a // waive\n>", {}),
    ],
)  # fmt: skip
def test_a_directive_is_for_the_code_beside_or_below_it(text: str, expected: dict[int, list[str]]) -> None:
    assert bindings(text) == expected


def test_very_many_directives_are_cut_and_said_to_be() -> None:
    text = "x\n" + f"{waive('r')}\n" * 3_000 + "<a\n>"
    found = bindings(text)
    assert len(found[3_002]) == MAX_DIRECTIVES
    assert found[NOWHERE] == [": malformed"]


PIECES = (
    "\n",
    "\r\n",
    " ",
    "x",
    "<a",
    "<m",
    ">",
    ",",
    waive("r"),
    waive("s", "/* {} */"),
    "// auditor:waive",
    "// prose",
    "",
)


@given(st.lists(st.sampled_from(PIECES), max_size=30))
@settings(max_examples=300, deadline=None)
def test_no_directive_is_lost_or_told_twice(pieces: list[str]) -> None:
    text = "".join(piece + "\n" * piece.startswith("//") for piece in pieces)
    comments = [
        Comment(m.start(), m.end(), m[0].strip("/*")) for m in re.finditer(r"//[^\r\n]*|/\*.*?\*/", text, re.DOTALL)
    ]
    spans = [m.start() for m in re.finditer("<", text)]
    declared = [Declared(start, text.find(">", start) + 1 or len(text), text[start + 1] == "m") for start in spans]
    found = bound(text, comments, declared, lambda at: Origin("x", at))
    told = sorted(one.origin.line for waivers in found.values() for one in waivers if one.origin)
    assert told == [comment.start for comment in comments if read(comment.text, HERE) is not None]


# ── in templates ─────────────────────────────────────────────────────────────────────────────────────────────────────

VAULT = "resource {0} 'Microsoft.KeyVault/vaults@2023-07-01' = {{\n  name: '{0}'\n  location: 'westeurope'\n  properties: {{\n    enableSoftDelete: true\n  }}\n}}\n"
PURGE = "keyvault-purge-protection"
LINE = waive(PURGE)


def told(found: Scan) -> list[tuple[str, str]]:
    return sorted(
        (f"{Path(w['origin']['uri']).name}:{w['origin']['line']}", w["state"]) for w in found.report["stale_waivers"]
    )


def waived(found: Scan) -> list[str]:
    """The stores on which the failure of purge protection is waived."""
    return sorted(
        one["resource"]["name"]
        for one in found.report["findings"]
        if one["rule"] == PURGE and one["waiver"] and one["waiver"]["state"] == "active"
    )


def look(tmp_path: Path, name: str = "main.bicep", *options: str, **files: str) -> Scan:
    for file, text in files.items():
        (tmp_path / file.replace("_", ".")).write_text(text, "utf-8")
    return scan(tmp_path, str(tmp_path / name), "--rule", PURGE, *options)


def test_a_comment_in_bicep_covers_its_resource(tmp_path: Path) -> None:
    found = look(tmp_path, main_bicep=f"param p string = 'x'\n{LINE}\n{VAULT.format('a')}{VAULT.format('b')}")
    assert (waived(found), told(found), found.code) == (["a"], [], 1)
    assert {one["outcome"] for one in found.report["findings"]} == {"fail"}


def test_decorators_and_compiler_directives_may_stand_between(tmp_path: Path) -> None:
    between = "#disable-next-line BCP081\n@description('''\n})\n''')\n@batchSize(1)\n"
    found = look(tmp_path, main_bicep=f"param p string = 'x'\n{LINE}\n{between}{VAULT.format('a')}")
    assert (waived(found), told(found), found.code) == (["a"], [], 0)


def test_what_stands_in_a_text_is_no_directive(tmp_path: Path) -> None:
    texts = f"var a = '{LINE.replace(chr(34), '')}'\nvar b = '''\n{LINE}\n'''\nvar c = '${{a}} {LINE}'\n"
    found = look(tmp_path, main_bicep=texts + VAULT.format("a"))
    assert (waived(found), told(found)) == ([], [])


def test_a_comment_on_a_module_call_covers_what_the_call_deploys(tmp_path: Path) -> None:
    calls = f"module m 'v.bicep' = {{ name: 'm', params: {{ n: 'a' }} }} {LINE}\nmodule n 'v.bicep' = {{ name: 'n', params: {{ n: 'b' }} }}\n"
    inner = "param n string\n" + VAULT.format("v").replace("'v'", "n")
    found = look(tmp_path, main_bicep="param p string = ''\n" + calls, v_bicep=inner)
    assert (waived(found), told(found), found.code) == (["a"], [], 1)
    inside = look(
        tmp_path,
        main_bicep="param p string = ''\n" + calls.replace(LINE, ""),
        v_bicep=inner.replace("resource", f"{LINE}\nresource"),
    )
    assert (waived(inside), told(inside), inside.code) == (["a", "b"], [], 0)


def test_every_directive_that_does_not_count_is_told_with_its_place(tmp_path: Path) -> None:
    text = (
        f"{LINE}\nparam p string = 'x'\n\n"  # 1: the whole file
        f"{LINE}\nvar v = 1\n"  # 4: a variable
        f"// auditor:waive {PURGE}\n{VAULT.format('a')}"  # 6: no date
        f"// auditor:waive {PURGE} until=2020-01-01 reason=old\n{VAULT.format('b')}"  # 14: over
        f"// auditor:waive keyvault-purge until=2999-01-01 reason=x\n{VAULT.format('c')}"  # 22: no such rule
        f"{LINE}\nresource n 'Microsoft.Network/virtualNetworks@2023-01-01' = {{ name: 'n' }}\n"  # 30: no store
        f"{LINE}\n{VAULT.format('d').replace('= {', '= if (false) {', 1)}"  # 32: not deployed
    )
    found = look(tmp_path, main_bicep=text)
    assert told(found) == [
        ("main.bicep:1", "too-broad"),
        ("main.bicep:14", "expired"),
        ("main.bicep:22", "malformed"),
        ("main.bicep:30", "unused"),
        ("main.bicep:32", "unused"),
        ("main.bicep:4", "malformed"),
        ("main.bicep:6", "malformed"),
    ]
    assert (waived(found), found.code, found.gaps) == ([], 1, [])


def test_directives_of_files_that_deploy_nothing_are_told(tmp_path: Path) -> None:
    (tmp_path / "types.bicep").write_text(f"@export()\nvar v = 1 {LINE}\n")
    (tmp_path / "main.bicepparam").write_text(f"using 'main.bicep'\nparam p = 'x' {LINE}\n")
    (tmp_path / "main.bicep").write_text("param p string\n" + VAULT.format("a"))
    found = scan(tmp_path, str(tmp_path), "--rule", PURGE)
    assert told(found) == [("main.bicepparam:2", "malformed"), ("types.bicep:2", "malformed")]


def test_a_waiver_in_one_template_does_not_cover_the_same_id_in_another(tmp_path: Path) -> None:
    (tmp_path / "a.bicep").write_text(f"param p string = ''\n{LINE}\n{VAULT.format('kv')}")
    (tmp_path / "b.bicep").write_text(VAULT.format("kv"))
    found = scan(tmp_path, str(tmp_path), "--rule", PURGE)
    assert sorted(bool(one["waiver"]) for one in found.report["findings"]) == [False, True]
    assert found.code == 1


def test_inline_waivers_can_be_kept_from_counting(tmp_path: Path) -> None:
    text = f"param p string = ''\n{LINE}\n{VAULT.format('a')}"
    found = look(tmp_path, "main.bicep", "--no-inline-waivers", main_bicep=text)
    assert (waived(found), told(found), found.code) == ([], [("main.bicep:2", "switched-off")], 1)
    limited = look(tmp_path, "main.bicep", "--longest-waiver", "P90D", main_bicep=text)
    assert (told(limited), limited.code) == ([("main.bicep:2", "too-long")], 1)


def test_waivers_of_a_template_stay_in_a_snapshot(tmp_path: Path) -> None:
    from auditor import cli

    (tmp_path / "main.bicep").write_text(f"{LINE}\nparam p string = ''\n{LINE}\n{VAULT.format('a')}")
    assert (
        cli.run(["--no-config", "snapshot", "-q", str(tmp_path / "main.bicep"), "-o", str(tmp_path / "s.jsonl")]) == 0
    )
    found = scan(tmp_path, str(tmp_path / "s.jsonl"), "--rule", PURGE)
    assert (waived(found), told(found), found.code) == (["a"], [("main.bicep:1", "too-broad")], 0)


# ── in ARM JSON ──────────────────────────────────────────────────────────────────────────────────────────────────────


def arm(name: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-07-01", "name": name, "location": "westeurope",
        "properties": {"enableSoftDelete": True}, **more,
    }  # fmt: skip


def template(*resources: dict[str, Any], **more: Any) -> str:
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    return json.dumps({"$schema": schema, "contentVersion": "1.0.0.0", **more, "resources": list(resources)}, indent=1)


ASKED = {"rule": PURGE, "until": "2999-01-01", "reason": "x"}


def metadata(*waive: Any) -> dict[str, Any]:
    return {"auditor": {"waive": list(waive)}}


def test_a_comment_in_json_covers_its_resource(tmp_path: Path) -> None:
    text = template(arm("a"), arm("b"), arm("c", comments=LINE))
    above = text.replace('{\n   "type"', f'{LINE}\n  {{\n   "type"', 1)
    found = look(tmp_path, "main.json", main_json=above)
    assert (waived(found), told(found), found.code) == (["a"], [], 1)
    beside = text.replace('"name": "b",', f'"name": "b", {LINE}')
    assert waived(look(tmp_path, "main.json", main_json=beside)) == ["b"]
    first = look(tmp_path, "main.json", main_json=f"{LINE}\n{text}")
    assert (waived(first), told(first)) == ([], [("main.json:1", "too-broad")])


def test_metadata_of_a_resource_waives_it(tmp_path: Path) -> None:
    text = template(arm("a", metadata=metadata(ASKED)), arm("b", metadata={"auditor": {"waive": ASKED}}), arm("c"))
    found = look(tmp_path, "main.json", main_json=text)
    assert (waived(found), told(found), found.code) == (["a", "b"], [], 1)
    text = template(
        arm("a", metadata=metadata({**ASKED, "until": "soon"}, 3)), arm("b", metadata={"auditor": {"wave": 1}})
    )
    states = [state for _, state in told(look(tmp_path, "main.json", main_json=text))]
    assert states == ["malformed"] * 3


def test_metadata_of_a_template_has_to_name_resources(tmp_path: Path) -> None:
    whole = metadata({**ASKED, "resource": "a*"}, {**ASKED, "reason": "too much"}, {**ASKED, "resource": "zz"})
    found = look(tmp_path, "main.json", main_json=template(arm("a1"), arm("b"), metadata=whole))
    assert waived(found) == ["a1"]
    assert sorted(state for _, state in told(found)) == ["too-broad", "unused"]
    assert found.code == 1
    text = f"metadata auditor = {{\n  waive: [\n    {{ rule: '{PURGE}', until: '2999-01-01', reason: 'x', resource: 'a*' }}\n    {{ rule: '{PURGE}' }}\n  ]\n}}\n"
    same = look(tmp_path, "main.bicep", main_bicep=text + VAULT.format("a1") + VAULT.format("b"))
    assert (waived(same), told(same)) == (["a1"], [("main.bicep:4", "malformed")])


def test_metadata_and_comments_inside_a_nested_deployment(tmp_path: Path) -> None:
    def nested(name: str, inner: str) -> dict[str, Any]:
        properties = {
            "mode": "Incremental",
            "template": json.loads(inner),
            "expressionEvaluationOptions": {"scope": "inner"},
        }
        return {
            "type": "Microsoft.Resources/deployments",
            "apiVersion": "2022-09-01",
            "name": name,
            "properties": properties,
        }

    called = template(nested("m", template(arm("a"), metadata=metadata(ASKED))), nested("n", template(arm("b"))))
    assert waived(look(tmp_path, "main.json", main_json=called)) == ["a"]
    one = template(nested("m", template(arm("a"), arm("b", metadata=metadata(ASKED)))))
    assert waived(look(tmp_path, "main.json", main_json=one)) == ["b"]
    beside = one.replace('"name": "a",', f'"name": "a", {LINE}')
    assert waived(look(tmp_path, "main.json", main_json=beside)) == ["a", "b"]
    broad = template(nested("m", template(arm("a"), metadata=metadata({**ASKED, "rule": "*"}))))
    found = look(tmp_path, "main.json", main_json=broad)
    assert (waived(found), [state for _, state in told(found)]) == ([], ["too-broad"])


HOSTILE = ("<script>alert(1)</script>", "\x1b[31mred", "::error::boo", "a|b", "\u202egnp.exe", "##vso[task]", "=1+1")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_of_a_directive_stay_words(tmp_path: Path, text: str) -> None:
    from auditor import cli

    said = "\n".join(f'// auditor:waive {PURGE} until=2999-01-01 {key}="{text}" {text}' for key in ("reason", "owner"))
    (tmp_path / "main.bicep").write_text(
        f"param p string = ''\n{said}\n{waive(PURGE).replace('=x', f'={chr(34)}{text}{chr(34)}')}\n{VAULT.format('a')}"
    )
    outputs = {name: tmp_path / f"r.{name}" for name in ("text", "markdown", "csv", "json", "html")}
    formats = [part for name, path in outputs.items() for part in ("--format", f"{name}={path}")]
    assert cli.run(["--no-config", "scan", str(tmp_path / "main.bicep"), "--rule", PURGE, "-q", *formats]) == 0
    for name, path in outputs.items():
        report = path.read_text("utf-8")
        assert "\x1b" not in report, name
        assert "\u202e" not in report, name
        assert "<script>alert" not in report or name in ("text", "csv", "json"), name
        if name != "html":
            assert not any(
                line.lstrip().startswith("::") or re.search(r"##(vso)?\[", line) for line in report.splitlines()
            )
