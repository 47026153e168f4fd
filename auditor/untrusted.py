"""Text from strangers, made harmless for a terminal and a CI log."""

from __future__ import annotations

import re

# A runner of GitHub obeys `::name::` at a line's start; `##[name]` and Azure Pipelines' `##vso[` count anywhere.
_COMMAND = re.compile(r"(?im)^([ \t]*)(?=::)|(#)(?=#(?:\[|vso\[))")


def harmless(text: str) -> str:
    r"""Text that neither a terminal nor a CI runner obeys.

    Control, bidirectional and other unprintable characters are shown as `\x1b` or `\u202e`; newlines and tabs stay. A
    command to a CI runner (`::error::` at a line's start, `##vso[` or `##[` anywhere) gets a visible mark into it.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c in "\n\t" else _escape(c) for c in text)
    return _COMMAND.sub(lambda match: (match[1] or match[2] or "") + "·", text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
