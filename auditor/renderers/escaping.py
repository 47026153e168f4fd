r"""Makes text from an estate inert: on a terminal and in a CI log, in Markdown, in a web page and inside a script tag.

Nothing is dropped: what could act is shown instead (`\x1b`, `U+202E`), so that a reader sees that a name is odd.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from auditor.renderers.values import clean

# C0 and C1 controls, line and paragraph separators, characters without width or that turn the direction of writing.
CLASS: Final = (
    "\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_ODD: Final = re.compile(f"[{CLASS}]")
_ODD_IN_PAGE: Final = re.compile(f"(?![\n\t])[{CLASS}]")

# Workflow commands: GitHub takes `::name::` at a line's start and `##[name]` anywhere, Azure Pipelines `##vso[`.
_COMMAND: Final = re.compile(r"::|##(?=\[|vso\[)", re.IGNORECASE)
_MARKDOWN: Final = re.compile(r"[\\`*_\[\]<>#|~&@$]|(?<=:)[/:]|(?<=www)\.", re.IGNORECASE)
# GitHub looks for mentions and references in what Markdown has become, where an escape or an entity is gone already
# (github.com/github/markup/issues/1168, 2026-11-26); an empty comment stays between the sign and the name.
_ENTITY: Final = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "@": "@<!-- -->",
    "#": "\\#<!-- -->",
    "$": "&#36;",
    "/": "&#47;",
    ":": "&#58;",
    ".": "&#46;",
}
_HTTPS: Final = re.compile(r"https://[A-Za-z0-9][A-Za-z0-9.-]*(:\d+)?([/?#][A-Za-z0-9:/?#!$&'*+,;=%._~-]*)?")
_LEADING: Final = ("-", "+", "=")
_encode: Final = json.JSONEncoder(separators=(", ", ": "), allow_nan=False).encode
_SCRIPT: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"U+{code:04X}"


def terminal(text: str) -> str:
    """One line that no terminal and no CI log acts on."""
    text = _ODD.sub(_shown, clean(text))
    return _COMMAND.sub(lambda m: ":\\x3a" if m.group() == "::" else "#\\x23", text)


def markdown(text: str) -> str:
    """One line of GitHub-flavoured Markdown that stays text: no cell, link, mention, markup or HTML comes of it."""
    text = _MARKDOWN.sub(_escaped, _ODD.sub(_shown, clean(text)))
    return "\\" + text if text.startswith(_LEADING) else text


def _escaped(match: re.Match[str]) -> str:
    char = match.group()
    return _ENTITY.get(char) or "\\" + char


def web(text: str) -> str:
    """Text for a web page, before HTML escaping: control and direction characters are shown, line ends stay."""
    return _ODD_IN_PAGE.sub(_shown, clean(text))


def json_text(value: Any) -> str:
    """JSON in ASCII, without the `##[` that Azure Pipelines obeys anywhere in a line of a log."""
    return _encode(value).replace("##", "#\\u0023")


def script_json(value: Any) -> str:
    """JSON that may stand inside a `<script>` element: no character that could end it or start markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda match: _SCRIPT[match.group()], text)


def https_url(url: str) -> str:
    """The address when it is a plain https one with a host and nothing that needs quoting; otherwise empty."""
    return url if len(url) <= 2_000 and _HTTPS.fullmatch(url) else ""
