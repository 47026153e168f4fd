"""A user's own templates: found first, escaped by default, sandboxed, bounded; wrong ones named by file and line."""

from __future__ import annotations

import pytest

from auditor.errors import OutputError, UsageError
from auditor.renderers import render, template
from tests.renderers.sample_report import hostile_sample, sample


def made(tmp_path, text, name="text.txt.j2", fmt="text", report=None):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return "".join(render(report or sample(), fmt, template_dir=tmp_path))


def test_a_template_of_ones_own_comes_first(tmp_path):
    assert made(tmp_path, "{{ report.baseline }} {{ overview.counts.fail }}") == "standard-deployment 3"


def test_a_block_can_be_changed_and_the_rest_kept(tmp_path):
    text = made(tmp_path, '{% extends "shipped/text.txt.j2" %}{% block head %}Contoso{{ "\\n" }}{% endblock %}')
    assert text.startswith("Contoso")
    assert "NOT ASSESSED" in text


def test_a_style_sheet_of_ones_own_reaches_the_page(tmp_path):
    text = made(tmp_path, "body { background: papayawhip }", name="html.css", fmt="html")
    assert "papayawhip" in text
    assert "light-dark(" not in text


def test_a_template_escapes_without_asking(tmp_path):
    text = made(tmp_path, "{% for t in report.targets %}{{ t }}{% endfor %}", report=hostile_sample())
    assert "\x1b" not in text
    assert "::" not in text
    page = made(tmp_path, "{% for t in report.targets %}{{ t }}{% endfor %}", "html.html.j2", "html", hostile_sample())
    assert "<" not in page


@pytest.mark.parametrize("fmt", ["json", "csv"])
def test_formats_without_a_template_ignore_the_folder(tmp_path, fmt):
    assert "".join(render(sample(), fmt, template_dir=tmp_path / "none"))


def test_a_folder_without_templates_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        render(sample(), "text", template_dir=tmp_path / "none")
    (tmp_path / "report.j2").write_text("x")
    with pytest.raises(UsageError, match="no template") as caught:
        render(sample(), "text", template_dir=tmp_path)
    assert "text.txt.j2" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ok\n{% if %}", r"text\.txt\.j2:2: Expected an expression"),
        ("ok\n\n{{ nothing_known }}", r"text\.txt\.j2:3: 'nothing_known' is undefined"),
        ("{{ report.no_such }}", r"text\.txt\.j2:1: .*no_such"),
        ("\n{{ 1 // 0 }}", r"text\.txt\.j2:2: .*zero"),
        ("\n{{ [1] + 'a' }}", r"text\.txt\.j2:2: "),
        ('{% include "no.j2" %}', r"text\.txt\.j2: it includes 'no\.j2'"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", r"text\.txt\.j2:1: "),
    ],
)
def test_a_wrong_template_is_named_with_its_line(tmp_path, text, said):
    with pytest.raises(OutputError, match=said):
        made(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ report.__class__ }}",
        "{{ report.rules.clear() }}",
        "{{ range.__call__.__globals__ }}",
        "{{ report.summary.__globals__ }}",
        "{{ '{0.__class__}'.format(report) }}",
        '{% include "/etc/hostname" %}',
        '{% include "../conftest.py" %}',
    ],
)
def test_the_sandbox_holds(tmp_path, text):
    with pytest.raises(OutputError):
        made(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{{ range(10 ** 12) }}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ [0] * 1000000 }}",
        "{{ 9 ** 99999 }}",
        "{{ ((9 ** 16) ** 16) ** 16 }}",
        "{% set s = 'a' * 1000 %}{% set t = s + s + s %}{% set u = t.replace('a', t) %}{{ u.replace('a', t) }}",
        "{% set s = ('a' * 1000).replace('a', 'b' * 1000) %}{{ range(100000)|join(s) }}",
        "{{ '%099999999d' % 1 }}",
        "{{ '{:099999999d}'.format(1) }}",
        "{{ 'a'.center(999999999) }}",
        "{{ 'a'|center(999999999) }}",
        "{{ 'a'.ljust(999999999) }}",
        "{% set n = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
    ],
)
def test_a_template_that_never_ends_or_grows_is_stopped(tmp_path, text):
    with pytest.raises(OutputError):
        made(tmp_path, text)


def test_the_size_of_the_output_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(template, "MAX_OUTPUT", 10_000)
    with pytest.raises(OutputError, match="more text"):
        made(tmp_path, "{% for i in range(3000) %}some text{{ i }}{% endfor %}")


def test_a_fault_that_is_not_the_templates_is_not_blamed_on_it(tmp_path, monkeypatch):
    def broken(*_):
        raise ValueError("our own bug")

    monkeypatch.setattr(template._Environment, "get_template", broken)
    with pytest.raises(ValueError, match="our own bug"):
        made(tmp_path, "x")
