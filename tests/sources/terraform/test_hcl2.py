"""Holds our reading of Terraform files to python-hcl2's, on the sample files and on files that are easily read wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import conformance
from tools.conformance_hcl2 import Refused, differences, measure, ours, theirs

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
FILES = [
    path.relative_to(SAMPLES).as_posix()
    for path in sorted(SAMPLES.rglob("*.tf*"))
    if path.suffix in (".tf", ".tfvars") and "broken" not in path.parts
]


@pytest.mark.parametrize("name", FILES)
def test_the_sample_files(name: str) -> None:
    text = (SAMPLES / name).read_text("utf-8")
    assert ours(text)
    assert differences(text) == []


TRICKY = {
    "nothing": "\n",
    "only comments": "# a\n// b\n/* c\n d */\n",
    "no last line end": "a = 1",
    "line ends of Windows": 'a = 1\r\nb "c" {\r\n  d = "e"\r\n}\r\n',
    "tabs": 'a\t=\t1\nb {\n\tc = 2\n\td {\n\t\te = "f"\n\t}\n}\n',
    "blocks on one line": 'a {}\nb "c" "d" { e = 1 }\n',
    "labels without quotes": 'resource azurerm_key_vault "a" {\n  name = "x"\n}\n',
    "names with dashes": 'a-b = 1\nc-d "e-f" {\n  g-h = i-j\n}\n',
    "names that are words": 'for = 1\nif = 2\nin = 3\nnull = true\n',
    "comments in between": 'a = [ # one\n  1, // two\n  /* three */ 2,\n]\nb = 3 /* four */\n',
    "comment marks in texts": 'a = "# no // comment /* at */ all"\nb = "http://x/y#z"\n',
    "brackets over lines": "a = (\n  1 +\n  2\n)\nb = foo(\n  1,\n  2,\n)\nc = [\n\n  1\n\n]\n",
    "numbers": "a = 0\nb = -1\nc = 1.5\nd = 12345678901234567890\ne = 1e3\nf = -0.25\n",
    "texts": 'a = ""\nb = " x "\nc = "ä ß 漢 😀"\nd = "{}[]()"\ne = "=>"\n',
    "escapes": 'a = "\\"q\\" \\\\ \\n \\t \\u00e4"\nb = "$${no} %%{hole}"\nc = "$ % $x"\n',
    "holes": 'a = "${b}"\nc = "x${"y${"z"}"}w"\nd = "${{ e = "}" }}"\nf = "%{ if g }h%{ else }i%{ endif }"\n',
    "quotes in a hole": 'a = "${lookup(b, "c", "d")}-${e["f"]}"\n',
    "objects": 'a = { b = 1, c : 2, "d" = 3, (e) = 4 }\nf = {\n  g = 1\n  h = { i = 2 }\n}\nj = {}\n',
    "loops": 'a = [for b in c : b]\nd = { for e, f in g : e => f... if f != null }\nh = [for i in j : { k = i }]\n',
    "chains": 'a = b.c[0].d["e"].f\ng = h[*].i\nj = k.*.l\nm = n.0.o\n',
    "operators": "a = 1 + 2 * 3\nb = !c && d || e == f\ng = h ? i : j ? k : l\nm = n >= 1 && o < 2\np = q % 2\n",
    "conditions over lines": 'a = (\n  b\n  ? "c"\n  : "d"\n)\n',
    "functions": 'a = b()\nc = d(1, [2], { e = 3 })\nf = g(h...)\ni = provider::j::k(1)\n',
    "heredocs": "a = <<EOT\n  b = 1\n  c {\n  }\nEOT\nd = 2\n",
    "indented heredocs": 'a {\n  b = <<-EOT\n    c "d" {\n      e\n    }\n  EOT\n  f = 3\n}\n',
    "heredocs with holes": "a = <<EOT\n${b} and %{ if c }d%{ endif }\nEOT\n",
    "heredocs in a call": "a = jsonencode(<<EOT\nx\nEOT\n)\nb = 1\n",
    "two heredocs": "a = <<A\nB\nA\nb = <<B\nA\nB\n",
    "deep blocks": "a {\n  b {\n    c {\n      d {\n        e = 1\n      }\n    }\n    c {\n    }\n  }\n}\n",
    "dynamic blocks": 'a "b" "c" {\n  dynamic "d" {\n    for_each = e\n    content {\n      f = d.value\n    }\n  }\n}\n',
    "a byte order mark's worth of nothing": "\n\n\n  a = 1\n\n\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TRICKY)
def test_files_that_are_easily_read_wrongly(name: str) -> None:
    assert differences(TRICKY[name]) == []


@pytest.mark.parametrize(
    "text",
    ["a = n -12\n", "a = !!x\n", "π = 3\n", "a = <<EOT\nx\nEOT  \nb = 1\n", "a /* b */ = 3\n", "a = /* b */ 3\n"],
)
def test_valid_files_that_it_does_not_read(text: str) -> None:
    """Why it is not what we read with: `terraform` takes each of these."""
    assert ours(text)
    with pytest.raises(Refused):
        theirs(text)


@pytest.mark.parametrize(
    "text", ['a = 1\na = 2\n', 'a "${b}" {\n}\n', 'a = "\\q"\n', "a = 1 b = 2\n", "a {\n", 'a = "\n', "a = [1, 2\n", "= 1\n"]
)  # fmt: skip
def test_what_is_no_file_of_terraforms_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        ours(text)


def test_a_difference_is_told_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It misses the end of a heredoc with blanks behind its word, and takes what follows for text."""
    text = "a = <<E\nx\nE  \nb {\n}\nc = <<E\ny\nE\n"
    assert differences(text) == ["b (4:1) here, nothing there"]
    (tmp_path / "main.tf").write_text(text)
    (tmp_path / "good.tf").write_text('a "b" {\n  c = 1\n}\n')
    (tmp_path / "refused.tf").write_text("a = !!x\n")
    (tmp_path / "wrong.tf").write_text("a = {\n")
    tally = measure([tmp_path])[tmp_path.name]
    assert (tally.files, tally.both, tally.same) == (4, 2, 1)
    assert tally.refused == {"ours": 0, "theirs": 1, "both": 1}
    assert conformance.main(["hcl2", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert f"{tmp_path / 'main.tf'}: b (4:1) here, nothing there" in out
    assert f"{tmp_path / 'refused.tf'}: refused there alone" in out
