"""Text from strangers, made harmless for a terminal and a CI log."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"(?m)^([ \t]*)(::|##)")


def harmless(text: str) -> str:
    r"""Text that neither a terminal nor a CI runner obeys.

    Control, bidirectional and other unprintable characters are shown as `\x1b` or `\u202e`; newlines and tabs stay. A
    line that begins with `::` or `##`, a command to a CI runner, gets a visible mark before it.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c in "\n\t" else _escape(c) for c in text)
    return _COMMAND.sub(r"\1·\2", text)


def harmless_line(text: str) -> str:
    """The same on one line: newlines and tabs are shown too."""
    return harmless(text.replace("\n", "\\n").replace("\t", "\\t"))


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
