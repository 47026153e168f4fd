"""Holds our reading of Terraform files to python-hcl2's: the same blocks, arguments and values at the same places.

python-hcl2 builds its grammar when it is first asked to parse, and keeps it beside its own code.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from auditor.sources.files.jail import text_of
from auditor.sources.terraform import syntax
from auditor.sources.terraform.parser import parse
from auditor.sources.terraform.syntax import Body, Expression, Source

ENDINGS = (".tf", ".tofu", ".tfvars")
NO_LITERAL = "…"
"""Stands for a value that is no plain text, number, truth value or null."""


class Statement(NamedTuple):
    """A block or an argument: its path (types and labels, then the name), the place it begins, and that of its value.

    `value` is what is written, where that is a literal; `at` is the offset it begins at, -1 for a block.
    """

    path: tuple[str, ...]
    line: int
    column: int
    at: int = -1
    value: Any = None


class Refused(Exception):  # noqa: N818 - it is an answer
    """A file that a parser does not take whole; the message is its first complaint."""


def ours(text: str) -> list[Statement]:
    """What we read of a text. Raises Refused."""
    document = parse(Source("", text))
    if document.problems:
        raise Refused(document.problems[0].message)
    return list(_of_body(document.body, ()))


def _of_body(body: Body, path: tuple[str, ...]) -> Iterator[Statement]:
    for argument in body.arguments.values():
        place = argument.span.source.position(argument.span.start)
        yield Statement((*path, argument.name), *place, argument.value.span.start, _literal(argument.value))
    for block in body.blocks:
        inner = (*path, block.type, *block.labels)
        yield Statement(inner, *block.span.source.position(block.span.start))
        yield from _of_body(block.body, inner)


def _literal(node: Expression) -> Any:
    match node:
        case syntax.Literal(value=value):
            return value
        case syntax.Unary(operator="-", operand=syntax.Literal(value=int() | float() as number)):
            return -number
    return NO_LITERAL


def theirs(text: str) -> list[Statement]:
    """What python-hcl2 reads of it. Raises Refused."""
    import hcl2
    from lark.exceptions import LarkError

    try:
        tree = hcl2.parses_to_tree(text if text.endswith("\n") else text + "\n")
    except LarkError as error:
        raise Refused(str(error).splitlines()[0]) from error
    (body,) = tree.children
    return list(_of_tree(body, ()))


def _of_tree(body: Any, path: tuple[str, ...]) -> Iterator[Statement]:
    for node in body.children:
        kind = getattr(node, "data", "")
        if kind == "attribute":
            name, value = node.children[0].children[0], node.children[-1]
            yield Statement(
                (*path, str(name)), node.meta.line, node.meta.column, value.meta.start_pos, _written(value, text=True)
            )
        elif kind == "block":
            names = [one for one in node.children if getattr(one, "data", "") in ("identifier", "string")]
            inner = (*path, *(str(_written(one, text=True)) for one in names))
            yield Statement(inner, node.meta.line, node.meta.column)
            yield from _of_tree(next(one for one in node.children if getattr(one, "data", "") == "body"), inner)


def _written(node: Any, *, text: bool) -> Any:
    """A literal of the tree as a value; NO_LITERAL for anything else, and for texts with escapes."""
    children = node.children
    match str(node.data):
        case "expr_term" if len(children) == 1:
            return _written(children[0], text=False)
        case "identifier" if text:
            return str(children[0])
        case "literal_value":
            return {"true": True, "false": False, "null": None}.get(str(children[0]), NO_LITERAL)
        case "int_lit":
            return int(children[0])
        case "float_lit":
            number = float(children[0])
            return int(number) if number.is_integer() else number
        case "string":
            parts = [one for one in children if getattr(one, "data", "") == "string_part"]
            pieces = [str(one) for part in parts for one in part.children]
            plain = all(not hasattr(one, "data") for part in parts for one in part.children)
            whole = "".join(pieces)
            return NO_LITERAL if not plain or "\\" in whole or "{" in whole else whole
    return NO_LITERAL


def differences(text: str) -> list[str]:
    """Where the two readings of a text differ. Raises Refused where either of them refuses it."""
    mine, other = sorted(ours(text), key=_place), sorted(theirs(text), key=_place)
    found: list[str] = []
    for one, two in itertools.zip_longest(mine, other):
        if one is None or two is None or one[:3] != two[:3]:
            # What follows is shifted, and would be told once for each statement.
            return [*found, f"{_shown(one)} here, {_shown(two)} there"]
        # Ours begins inside of brackets around the whole of a value.
        if one.at != two.at and text[two.at : one.at].strip("( \t\r\n"):
            found.append(f"the value of {_shown(one)} begins at {one.at} here, at {two.at} there")
        if NO_LITERAL not in (one.value, two.value) and repr(one.value) != repr(two.value):
            found.append(f"the value of {_shown(one)} is {one.value!r} here, {two.value!r} there")
    return found


def _place(statement: Statement) -> tuple[int, int]:
    return statement.line, statement.column


def _shown(statement: Statement | None) -> str:
    return "nothing" if statement is None else f"{'.'.join(statement.path)} ({statement.line}:{statement.column})"


@dataclass
class Tally:
    """What came of the files of one repository. Times are those of the processor."""

    files: int = 0
    both: int = 0
    same: int = 0
    statements: int = 0
    literals: int = 0
    refused: dict[str, int] = field(default_factory=lambda: {"ours": 0, "theirs": 0, "both": 0})
    seconds: dict[str, float] = field(default_factory=lambda: {"ours": 0.0, "theirs": 0.0})
    told: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        """A line of the table."""
        rates = [f"{self.files / self.seconds[who]:,.0f}" if self.seconds[who] else "-" for who in ("ours", "theirs")]
        alone = (self.refused["ours"], self.refused["theirs"], self.refused["both"])
        numbers = (self.files, *alone, self.both, self.same, self.statements, self.literals)
        return f"| {name} | {' | '.join(f'{number:,}' for number in numbers)} | {' | '.join(rates)} |"


def measure(paths: list[Path]) -> dict[str, Tally]:
    """Read all files below each path, which is one repository, both ways."""
    theirs("a = 1\n")  # builds the grammar
    tallies: dict[str, Tally] = {}
    for path in paths:
        tally = tallies.setdefault(path.resolve().name, Tally())
        for file in sorted(path.resolve().rglob("*")):
            if file.name.endswith(ENDINGS) and file.is_file():
                _compare(file, tally)
    return tallies


def _compare(file: Path, tally: Tally) -> None:
    text = text_of(file.read_bytes())
    tally.files += 1
    complaints: dict[str, str] = {}
    for who, read in (("ours", ours), ("theirs", theirs)):
        start = time.process_time()
        try:
            statements = read(text)
        except Refused as refused:
            complaints[who] = str(refused)
        tally.seconds[who] += time.process_time() - start
    if complaints:
        tally.refused["both" if len(complaints) == 2 else next(iter(complaints))] += 1
        if len(complaints) == 1:
            ((who, complaint),) = complaints.items()
            tally.told.append(f"{file}: refused {'here' if who == 'ours' else 'there'} alone: {complaint}")
        return
    found = differences(text)
    tally.both += 1
    tally.same += not found
    tally.statements += len(statements)
    tally.literals += sum(one.value != NO_LITERAL for one in statements if one.at >= 0)
    tally.told += (f"{file}: {one}" for one in found[:3])


def report(tallies: dict[str, Tally]) -> Iterator[str]:
    """The table, then every file that one of them refuses alone, or that they read differently."""
    total = Tally()
    for tally in tallies.values():
        for name in ("files", "both", "same", "statements", "literals", "told"):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
        for who in total.refused:
            total.refused[who] += tally.refused[who]
        for who in total.seconds:
            total.seconds[who] += tally.seconds[who]
    refused = "refused by us alone | by it alone | by both"
    yield f"| repository | files | {refused} | read by both | alike | statements | literals | files/s | its files/s |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    yield from (tally.row(name) for name, tally in [*tallies.items(), ("**all**", total)])
    yield ""
    yield from total.told
