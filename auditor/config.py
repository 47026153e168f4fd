"""The configuration file: auditor.toml, or [tool.auditor] in pyproject.toml; found, read and checked.

A repository under review may bring its own file along, so nothing here can send a token elsewhere: endpoints,
credentials and recordings are the command line's and the environment's alone, and reports go below the file's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from auditor.errors import ConfigError

NAMES: Final = ("auditor.toml", "pyproject.toml")

KEYS: Final[Mapping[str, type[Any]]] = {
    "baseline": str,
    "waivers": str,
    "objectives": str,
    "longest_waiver": str,
    "inline_waivers": bool,
    "rules_dir": list,
    "rule": list,
    "format": list,
    "fail_on": str,
    "parameters": list,
    "resource_group": str,
    "location": str,
    "subscription": str,
    "azd_env": str,
    "module_path": str,
    "concurrency": int,
    "quiet": bool,
}
_PATHS: Final = ("waivers", "objectives", "module_path")


def find(start: Path) -> Path | None:
    """The configuration that holds in a folder: its own, or the nearest above it up to the root of its repository.

    Outside a repository only the folder's own counts: what lies above may be anybody's. Raises ConfigError for a file
    that cannot be read.
    """
    above = [start, *start.parents]
    root = next((number for number, folder in enumerate(above) if (folder / ".git").exists()), 0)
    for folder in above[: root + 1]:
        for name in NAMES:
            path = folder / name
            if path.is_file() and _table(path) is not None:
                return path
    return None


def _table(path: Path) -> Mapping[str, Any] | None:
    """What a file sets; None for a pyproject.toml without a table of ours."""
    import tomllib

    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    if path.name != "pyproject.toml":
        return data
    tools = data.get("tool")
    table = tools.get("auditor") if isinstance(tools, dict) else None
    return table if isinstance(table, dict) else None


def load(path: Path) -> dict[str, Any]:
    """Read and check a configuration file; paths in it start at its own folder.

    Raises ConfigError for an unknown key, a wrong type, or a report that would be written outside that folder.
    """
    import difflib

    table = _table(path)
    if table is None:
        raise ConfigError(f"{path}: has no table [tool.auditor]")
    result: dict[str, Any] = {}
    for raw, value in table.items():
        key = raw.replace("-", "_")
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"{path}: unknown key {raw!r}{guess}", hint=f"Keys: {', '.join(KEYS)}.")
        wanted = KEYS[key]
        if wanted is list and isinstance(value, str):
            value = [value]
        fits = isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))
        if not fits or (wanted is list and not all(isinstance(item, str) for item in value)):
            names = {str: "text", list: "a list of texts", int: "a whole number", bool: "true or false"}
            raise ConfigError(f"{path}: {raw!r} must be {names[wanted]}")
        result[key] = _from_folder(key, value, path)
    return result


def _from_folder(key: str, value: Any, path: Path) -> Any:
    folder = path.parent
    if key in _PATHS:
        return str(folder / value)
    if key in ("rules_dir", "parameters"):
        return [str(folder / item) for item in value]
    if key == "baseline" and (folder / value).is_file():
        return str(folder / value)
    if key == "format":
        return [_format_from(item, path) for item in value]
    return value


def _format_from(item: str, path: Path) -> str:
    name, equals, target = item.partition("=")
    if not equals or target == "-":
        return item
    place = (path.parent / target).resolve()
    if not place.is_relative_to(path.parent.resolve()):
        raise ConfigError(f"{path}: the report {target!r} would be written outside the folder of the configuration")
    return f"{name}={place}"
