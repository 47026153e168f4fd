"""How Terraform's resources become ARM's: the conversions that the tables of the services are made of.

A row names an attribute and the ARM path it is written to; `Service.terraform` holds the tables. A rule never sees any
of this: it reads ARM's shape.
"""

from __future__ import annotations

from typing import Any, Final

from auditor.catalog import Conversion, Row, SourceNote

AZURERM: Final = SourceNote("hashicorp/terraform-provider-azurerm v3.117.1, v4.81.0, v5.2.0", "2026-11-22")
"""Where the tables were read: the schemas and the expand functions of the last releases of three majors."""
MAJORS: Final = (3, 4, 5)
"""The majors whose defaults are known."""

_FLAGS: Final = {True: True, False: False, "true": True, "false": False}


def _flag(value: Any) -> bool:
    """A truth value; Terraform takes one that is written as text. Raises KeyError for anything else."""
    return _FLAGS[value]


SAME: Final = Conversion("the same", lambda value: value)
NEGATED: Final = Conversion("true ↔ false", lambda value: not _flag(value))
ENABLED: Final = Conversion("true ↔ Enabled, false ↔ Disabled", lambda value: "Enabled" if _flag(value) else "Disabled")
NOT_ZERO: Final = Conversion(
    "the same; 0 and false are not sent", lambda value: None if value in (0, "0", "false") else value
)
DAYS: Final = Conversion("the same; -1 is not sent", lambda days: None if days in (-1, "-1") else days)
PRESENT: Final = Conversion("block there ↔ true, not there ↔ false", bool, unset=True)
"""For a block: its presence. A block that is not written inside a parent that is gives False."""
WHERE_PRESENT: Final = Conversion("block there ↔ true; nothing is sent without it", lambda block: bool(block) or None)
COMMAS: Final = Conversion("a list ↔ one text, joined by commas", ", ".join)


def either(true: str, false: str | None) -> Conversion:
    """A flag that ARM says in words; `false` is None where nothing is sent."""
    other = f"false ↔ {false}" if false else "false is not sent"
    return Conversion(f"true ↔ {true}, {other}", lambda value: true if _flag(value) else false)


def always(value: Any) -> Conversion:
    """What the provider sends whatever is written."""
    return Conversion(f"always {str(value).lower() if isinstance(value, bool) else value}", lambda _: value, unset=True)


def each(key: str) -> Conversion:
    """A list of texts that ARM has as objects with one property."""
    return Conversion(f"each x ↔ {{{key}: x}}", lambda texts: [{key: text} for text in texts])


def row(
    names: str,
    arm: str,
    conversion: Conversion = SAME,
    default: Any = None,
    formerly: tuple[tuple[str, Conversion], ...] = (),
) -> Row:
    """A row; `names` separates several attributes by blanks."""
    return Row(tuple(names.split()), arm, conversion, default, formerly)


def sent(arm: str, value: Any) -> Row:
    """A row without an attribute: what the provider always sends (at the top; in a block it hangs on an attribute)."""
    return Row((), arm, always(value))


def under(block: str, arm: str, *rows: Row) -> tuple[Row, ...]:
    """Rows of a block (`rule[*]` for one that may stand many times), written without its name and its ARM path.

    An attribute `.` is the block itself; an empty block puts nothing before the attributes.
    """

    def inside(name: str) -> str:
        return block if name == "." else f"{block}.{name}" if block else name

    return tuple(
        Row(
            tuple(map(inside, one.names)),
            f"{arm}.{one.arm}" if not arm.endswith(":") else arm + one.arm,
            one.conversion,
            one.default,
            tuple((inside(name), conversion) for name, conversion in one.formerly),
        )
        for one in rows
    )
