"""Takes out of a value what its type says is secret."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.arm.ir import Secrecy
from auditor.sources.arm.values import Arr, Mark, Obj

MAX_DEPTH: Final = 60
"""Objects and arrays inside one another; what is deeper in a value with secrets counts as one."""
MAX_STEPS: Final = 200_000
"""Types looked at for one value; what is left then counts as secret."""


def concealed(value: Any, said: Secrecy, reason: str) -> Any:
    """The value, with an Unknown in the place of each secret; null is none."""
    return _Concealing(reason).value(value, (said,), 0)


class _Concealing:
    """One walk through a value, beside its types."""

    def __init__(self, reason: str) -> None:
        self._reason = reason
        self._left = MAX_STEPS

    def value(self, value: Any, said: Iterable[Secrecy], depth: int) -> Any:
        """The value without its secrets, of which all types say something."""
        hiding = [one for one in said if one.hides]
        self._left -= len(hiding)
        if value is None or not hiding:
            return value
        if depth > MAX_DEPTH or self._left < 0 or any(one.secure for one in hiding):
            return Unknown(self._reason)
        if isinstance(value, Unknown):
            possible = tuple(self.value(one, hiding, depth) for one in value.possible)
            return Unknown(value.reason, possible, value.permission, value.unseen)
        if isinstance(value, dict):
            made = Obj()
            for key, item in value.items():
                part = self._part(key, item, hiding, depth)
                made.put(key, part, _mark(value, key, quiet=part is not item))
            return made
        if isinstance(value, list):
            items = Arr()
            for index, item in enumerate(value):
                part = self._part(index, item, hiding, depth)
                items.add(part, _mark(value, index, quiet=part is not item))
            return items
        return value

    def _part(self, key: str | int, item: Any, hiding: list[Secrecy], depth: int) -> Any:
        # A type that several of them lead to is looked at once.
        said = dict.fromkeys(part for one in hiding for part in one.inside(key))
        return self.value(item, said, depth + 1)


def _mark(holder: Any, key: Any, *, quiet: bool) -> Mark | None:
    """Where an entry is written; of a secret without the expression, which may hold it."""
    mark: Mark | None = holder.marks.get(key) if isinstance(holder, Obj | Arr) else None
    return mark._replace(computed=None) if quiet and mark is not None else mark
