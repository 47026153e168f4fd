"""Where the shipped rules and report templates are: in a checkout, an editable install and a wheel alike."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = {"rules": "rules", "templates": "reports/templates"}


def data_dir(name: str) -> Path:
    """The folder of shipped data called `rules` or `templates`.

    A wheel carries both inside the package (`_data`); a checkout has them at its top level.
    """
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / _CHECKOUT[name]
