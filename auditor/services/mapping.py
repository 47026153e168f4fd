"""How Terraform's resources become ARM's: the conversions that the tables of the services are made of.

A row names an attribute and the ARM path it is written to; `Service.terraform` holds the tables. A rule never sees any
of this: it reads ARM's shape.
"""

from __future__ import annotations

from typing import Any, Final

from auditor.model import Conversion, Row

SAME: Final = Conversion("the same", lambda value: value)
NEGATED: Final = Conversion("true ↔ false", lambda value: not value)
ENABLED: Final = Conversion("true ↔ Enabled, false ↔ Disabled", lambda value: "Enabled" if value else "Disabled")
PRESENT: Final = Conversion("block there ↔ true, not there ↔ false", bool)
"""For a block: its presence. A block that is not written inside a parent that is gives False."""
JOINED: Final = Conversion("joined by _", "_".join)


def row(
    names: str,
    arm: str,
    conversion: Conversion = SAME,
    default: Any = None,
    formerly: tuple[tuple[str, Conversion], ...] = (),
) -> Row:
    """A row; `names` separates several attributes by blanks."""
    return Row(tuple(names.split()), arm, conversion, default, formerly)
