"""The Terraform tables as text for people: the generated part of docs/terraform.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from auditor.catalog import ByMajor, ResourceMap, Row, Service

MARK = "<!-- what follows is generated from auditor/services by `make docs` -->"


def with_tables(text: str, services: Iterable[Service]) -> str:
    """The document with what follows its mark replaced by the tables as they are now."""
    head, mark, _ = text.partition(MARK)
    if not mark:
        raise ValueError(f"docs/terraform.md has no line {MARK}")
    return "\n".join((head + mark, "", *_tables(services))).rstrip("\n") + "\n"


def _tables(services: Iterable[Service]) -> Iterator[str]:
    for service in services:
        if not service.terraform:
            continue
        yield from (f"### {service.title}", "")
        sources = dict.fromkeys(table.source for table in service.terraform if table.source is not None)
        yield from (f"Source: {'; '.join(f'{where}, {date}' for where, date in sources)}.", "")
        for table in service.terraform:
            yield from _table(table)


def _table(table: ResourceMap) -> Iterator[str]:
    yield from (f"#### {table.type}", "", f"ARM: `{table.arm}`, as `{table.id}`.", "")
    if table.owner:
        names = " or ".join(f"`{name}`" for name in table.owner.split())
        yield from (f"A part of what {names} names.", "")
    if table.rows:
        yield from ("| attribute | ARM | how | left unset, azurerm sends |", "|---|---|---|---|")
        for row in table.rows:
            yield f"| {_names(row)} | `{row.arm}` | {row.conversion.text} | {_default(row)} |"
        yield ""
    if table.ignored:
        yield from (f"Not read: {', '.join(f'`{name}`' for name in table.ignored)}.", "")


def _names(row: Row) -> str:
    names = " + ".join(f"`{name}`" for name in row.names) or "–"
    before = "; ".join(f"`{name}` ({conversion.text})" for name, conversion in row.formerly)
    return f"{names}, before {before}" if before else names


def _default(row: Row) -> str:
    if isinstance(row.default, ByMajor):
        return ", ".join(f"{major}: {_shown(value)}" for major, value in row.default.values.items())
    if row.conversion.unset and row.default is None:
        sent = row.conversion.forward(None if len(row.names) < 2 else (None,) * len(row.names))
        return "–" if sent is None else f"ARM's {_shown(sent)}"
    return _shown(row.default)


def _shown(value: Any) -> str:
    return "–" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"
