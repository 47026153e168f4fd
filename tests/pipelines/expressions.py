"""The expressions of GitHub Actions and Azure Pipelines that our pipelines use, evaluated."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

WHOLE = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_TOKEN = re.compile(r"'([^']*)'|(&&|\|\||==|!=|!|\(|\)|,)|([A-Za-z_][\w-]*(?:\.[\w-]+)*)(\()?|\s+")
_OPERATORS = {"&&": " and ", "||": " or ", "!": " not ", "==": "==", "!=": "!=", "(": "(", ")": ")", ",": ","}


class Expressions:
    """Evaluates `${{ … }}`. `names` are the values of names such as `inputs.targets`; a name that is not there is empty.

    `functions` are those that may be called.
    """

    def __init__(self, names: Mapping[str, Any], **functions: Any) -> None:
        """Take what expressions see."""
        self.names = names
        self.functions = functions

    def value(self, expression: str) -> Any:
        """What an expression gives; one that is not understood raises ValueError."""
        parts: list[str] = []
        given: dict[str, Any] = dict(self.functions)
        at = 0
        while at < len(expression):
            match = _TOKEN.match(expression, at)
            if match is None:
                raise ValueError(f"{expression!r} at {expression[at:]!r}")
            at = match.end()
            text, operator, name, call = match.groups()
            if text is not None:
                parts.append(repr(text))
            elif operator:
                parts.append(_OPERATORS[operator])
            elif call:
                if name not in self.functions:
                    raise ValueError(f"{name}() is not known")
                parts.append(f"{name}(")
            elif name:
                given[f"v{len(given)}"] = self.names.get(name, "")
                parts.append(f"v{len(given) - 1}")
        return eval("".join(parts).strip(), {"__builtins__": {}}, given)

    def text(self, template: str) -> str:
        """A text with its expressions filled in."""
        return WHOLE.sub(lambda match: _said(self.value(match[1])), template)

    def all(self, value: Any) -> Any:
        """A value of YAML with the expressions in all its texts filled in; a text that is one alone keeps its type."""
        match value:
            case str() if (whole := WHOLE.fullmatch(value)) is not None and "${{" not in whole[1]:
                return self.value(whole[1])
            case str():
                return self.text(value)
            case dict():
                return {key: self.all(item) for key, item in value.items()}
            case list():
                return [self.all(item) for item in value]
        return value


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def expanded(steps: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
    """The steps of an Azure Pipelines template, as they are with these parameters."""
    names = {f"parameters.{name}": value for name, value in parameters.items()}
    expressions = Expressions(names, eq=lambda a, b: a == b, convertToJson=lambda value: json.dumps(value, indent=2))
    result: list[Any] = []
    taken = False
    for step in steps:
        match [*step.items()]:
            case [(str(key), list(inner))] if key.startswith("${{ if "):
                taken = bool(expressions.value(WHOLE.fullmatch(key)[1].removeprefix("if ")))  # type: ignore[index]
                result += expressions.all(inner) if taken else []
            case [("${{ else }}", list(inner))]:
                result += [] if taken else expressions.all(inner)
            case _:
                result.append(expressions.all(step))
    return result
