"""Throws damaged and made-up texts at the template front end; anything but our own answer is a crash.

    python -m tools.fuzz --seconds 600 [--seed 1]     # or --inputs 1000
    python -m tools.fuzz --seconds 600 --atheris      # where atheris is installed, which is no dependency

Targets: the JSON reader and lowering, the expression parser, the Bicep parser, the evaluator (one file of a sample
estate damaged, the estate evaluated), and the reader of Terraform plans, values of a plan overwritten. One in eight of
the latter two is judged by all rules as well, which takes far longer than all the rest. Prints how often each ran, its
slowest input in seconds, and every crash with the text that made it, kept in a temporary folder.

With `--atheris` the inputs of the readers grow by what code they reach, from the sample estates on; the first crash, or
input that takes longer than ten seconds, ends the run and is kept.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from auditor import pipeline, services, snapshot
from auditor.model import Gap, Snapshot
from auditor.sources import arm, bicep
from auditor.sources.arm import expressions, functions, ir, records
from auditor.sources.arm.expressions import ExpressionError
from auditor.sources.terraform import estate
from auditor.sources.terraform.document import Document, DocumentError
from auditor.sources.terraform.instances import Instance
from auditor.sources.terraform.plan import Plan, Surroundings
from tests.sources.arm.template_files import KNOWN, Texts

ESTATES = Path(__file__).resolve().parent.parent / "samples" / "estate"
PIECES = [
    *"'\"{}[]():,\n?!=", "${", "}'", "'''", "..", "...", "??", ".?", "[?", "==", "=>", "[for x in y: ", "if (",
    "resource ", "param ", "module ", "existing", "null", "true", "-1", "9" * 30, "\\u{", "//", "/*", "copyIndex()",
    "@secure()\n", "type t = { a: t }\n", "import * as t from 'main.bicep'\n", "Microsoft.Resources/deployments",
    "template: ", "reference(", "parameters('", "variables('", "[[", "]]", "\x00", "\ud800", "é", "union(", "map(",
    "x => ",
]  # fmt: skip

VALUE = re.compile(r'(?<=: )(?:"(?:[^"\\]|\\.)*"|true|false|null|-?[0-9.]+|\[\]|\{\})')
ODD = ["null", "[]", "{}", '"x"', "1e999", "true", "-1", "[[]]", '[{"a": true}]', '"azurerm_key_vault"', '["create"]']
"""What any value of a plan is overwritten with."""


def texts_of(folder: Path) -> dict[str, str]:
    """The files of a sample estate by their path in it."""
    files = (path for path in folder.rglob("*") if path.suffix in (".bicep", ".json", ".bicepparam", ".jsonc"))
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in files}


def damaged(text: str, dice: random.Random) -> str:
    """A text with a few places cut, doubled, swapped or overwritten."""
    for _ in range(dice.randint(1, 4)):
        at, size = dice.randrange(len(text) + 1), dice.choice((1, 1, 2, 8, 40))
        match dice.randrange(4):
            case 0:
                text = text[:at] + text[at + size :]
            case 1:
                text = text[:at] + text[at : at + size] * dice.choice((2, 3, 50)) + text[at + size :]
            case 2:
                text = text[:at] + dice.choice(PIECES) + text[at:]
            case 3:
                other = dice.randrange(len(text) + 1)
                text = text[:at] + text[other : other + size] + text[at + size :]
    return text


def made_up(dice: random.Random, depth: int = 0) -> str:
    """An ARM expression of real functions with odd arguments."""
    if depth > 4 or dice.random() < 0.3:
        return dice.choice(
            ("'a'", "''", "0", "-1", "2147483648", "null()", "true()", "createArray()", "createObject('a', 1)")
        )
    name = dice.choice(sorted(functions.FUNCTIONS))
    return f"{name}({', '.join(made_up(dice, depth + 1) for _ in range(dice.randrange(4)))})"


@functools.cache
def policy(baseline: str) -> pipeline.Policy:
    """A baseline with its rules, read once."""
    return pipeline.load_policy(baseline)


def judge(found: list[Any]) -> None:
    """Judge records by all rules under both baselines."""
    held = Snapshot(("fuzz",), snapshot.now(), lambda **_: iter(found))
    for baseline in ("standard-deployment", "well-architected"):
        pipeline.evaluate(held, policy(baseline))


def made_of(texts: Mapping[str, str], entry: str) -> list[Any]:
    """What an estate from memory declares."""
    files = Texts({})
    files.texts = dict(texts)
    root = records.deploy(files.open(entry), [], {}, KNOWN, files, {})
    return list(records.records(root, services.catalog()))


def evaluated(texts: Mapping[str, str], entry: str) -> None:
    """Evaluate an estate from memory and judge it."""
    judge(made_of(texts, entry))


class Fuzz:
    """One run."""

    def __init__(self, seed: int) -> None:
        """Begin with a seed."""
        self.dice = random.Random(seed)
        self.bicep = texts_of(ESTATES / "bicep")
        self.json = texts_of(ESTATES / "arm")
        self.plan = json.dumps(json.loads((ESTATES / "terraform" / "plan.json").read_text("utf-8")))
        self.entries = {"bicep": "main.bicep", "json": next(p for p in self.json if p.startswith("azuredeploy.j"))}

    def one(self) -> tuple[str, str, Callable[[], object]]:
        """(target, input, what runs it)."""
        dice = self.dice
        judged = dice.randrange(8) == 0
        run = evaluated if judged else made_of
        match dice.randrange(7):
            case 6:
                text = overwritten(self.plan, dice)
                return "plan", text, lambda: planned(text, judged=judged)
            case 0:
                text = damaged(dice.choice(list(self.json.values())), dice)
                return "json", text, lambda: arm.parse_template(ir.Source("f.json", text), Texts({}))
            case 1:
                text = damaged(f"[{made_up(dice)}]", dice)
                return "expression", text, lambda: expression(text)
            case 2:
                text = damaged(dice.choice(list(self.bicep.values())), dice)
                return "bicep", text, lambda: bicep.parse_template(ir.Source("f.bicep", text), Texts({}))
            case 3:
                text = template_with(made_up(dice))
                return "functions", text, lambda: run({"main.json": text}, "main.json")
        kind = dice.choice(("bicep", "json"))
        texts = dict(self.bicep if kind == "bicep" else self.json)
        path = dice.choice(list(texts))
        texts[path] = damaged(texts[path], dice)
        return f"estate {kind}", f"{path}\n{texts[path]}", lambda: run(texts, self.entries[kind])


def overwritten(text: str, dice: random.Random) -> str:
    """A JSON text with a few of its values overwritten, which stays JSON unless a number is none."""
    places = dice.sample(list(VALUE.finditer(text)), dice.randint(1, 4))
    for place in sorted(places, key=lambda place: -place.start()):
        text = text[: place.start()] + dice.choice(ODD) + text[place.end() :]
    return text


def planned(text: str, *, judged: bool) -> None:
    """Read a plan from memory, and judge it if that is asked for.

    What is no plan's JSON is said by the one error there is for it.
    """
    try:
        found = list(Plan(Document(text), "plan.json", Surroundings()).instances())
    except DocumentError:
        return
    gaps = [one for one in found if isinstance(one, Gap)]
    instances = (one for one in found if isinstance(one, Instance))
    made = list(estate.records(instances, gaps, services.catalog()))
    if judged:
        judge(made)


def expression(text: str) -> None:
    """Parse an expression; what cannot be read is said by the one error there is for it."""
    if not expressions.is_expression(text):
        return
    try:
        expressions.parse(text, ir.Source("e", text), range(len(text) + 1))
    except ExpressionError:
        return


def template_with(text: str) -> str:
    """A template whose one store has an expression for a setting, a name and a condition."""
    store = {
        "type": "Microsoft.Storage/storageAccounts",
        "apiVersion": "2023-05-01",
        "name": f"[concat('st', string({text}))]",
        "condition": f"[equals({text}, true())]",
        "sku": {"name": f"[{text}]"},
        "properties": {"a": f"[{text}]"},
    }
    return json.dumps({"resources": [store]})


READERS: list[tuple[str, Callable[[str], object]]] = [
    ("json", lambda text: arm.parse_template(ir.Source("f.json", text), Texts({}))),
    ("bicep", lambda text: bicep.parse_template(ir.Source("f.bicep", text), Texts({}))),
    ("bicepparam", lambda text: bicep.parse_parameters(ir.Source("f.bicepparam", text), Texts({}))),
    ("expression", lambda text: expression(f"[{text}]")),
    ("functions", lambda text: made_of({"main.json": template_with(text)}, "main.json")),
    ("evaluated json", lambda text: made_of({"main.json": text}, "main.json")),
    ("evaluated bicep", lambda text: made_of({"main.bicep": text}, "main.bicep")),
]
"""What reads a text of atheris, by the text's first character."""


def guided(seconds: float, seed: int) -> None:
    """Let atheris look for inputs that reach new code, for a while; it ends the process itself."""
    try:
        import atheris
    except ImportError as error:
        raise SystemExit("atheris is not installed: pip install atheris") from error

    def one(data: bytes) -> None:
        READERS[data[0] % len(READERS) if data else 0][1](data[1:].decode("utf-8", "replace"))

    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    seeds = [*texts_of(ESTATES / "arm").values(), *texts_of(ESTATES / "bicep").values(), "concat('a', 1)"]
    for number, (reader, text) in enumerate((reader, text) for reader in range(len(READERS)) for text in seeds):
        (folder / f"seed-{number}").write_bytes(bytes([reader]) + text.encode())
    print(f"inputs in {folder}, crashes in the current folder", flush=True)
    for _, read in READERS:
        read("{}")  # loads what is loaded late
    atheris.instrument_all()
    options = [
        f"-max_total_time={int(seconds)}",
        f"-seed={seed}",
        "-timeout=10",
        "-max_len=24000",
        "-rss_limit_mb=2048",
    ]
    atheris.Setup([sys.argv[0], *options, str(folder)], one)
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Fuzz for a while; 1 when something crashed or took longer than two seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--inputs", type=int, default=0, help="end after this many inputs instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", action="store_true", help="let atheris choose the inputs")
    options = parser.parse_args(arguments)
    if options.atheris:
        guided(options.seconds, options.seed)
    fuzz = Fuzz(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    counts: dict[str, int] = {}
    slowest: dict[str, float] = {}
    crashes = 0
    end = time.monotonic() + options.seconds
    while sum(counts.values()) < options.inputs if options.inputs else time.monotonic() < end:
        target, text, run = fuzz.one()
        begin = time.process_time()
        try:
            run()
        except Exception:  # noqa: BLE001 - finding these is what it is for
            crashes += 1
            path = folder / f"crash-{crashes}.txt"
            path.write_text(f"{target}\n{text}\n\n{traceback.format_exc()}", "utf-8", "backslashreplace")
            print(f"{target}: {traceback.format_exc().splitlines()[-1][:160]} ({path})", flush=True)
        spent = time.process_time() - begin
        counts[target] = counts.get(target, 0) + 1
        if spent > slowest.get(target, 0.0):
            slowest[target] = spent
            (folder / f"slowest-{target.replace(' ', '-')}.txt").write_text(text, "utf-8", "backslashreplace")
    for target in sorted(counts):
        print(f"{target:>14}: {counts[target]:>8,} inputs, slowest {slowest[target]:.2f} s")
    print(f"{crashes} crashes in {sum(counts.values()):,} inputs; seed {options.seed}")
    return 1 if crashes or max(slowest.values()) > 2 else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
