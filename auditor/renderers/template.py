"""Reports made by Jinja templates: the shipped ones, or a user's own folder before them.

A template's output is escaped for its format without the template asking for it. A user's template runs in a sandbox
(no attribute of Python's own, no change to the report) and within a budget of steps and of text, because a folder of
templates may come from elsewhere too.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import jinja2
import jinja2.filters
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from auditor.errors import OutputError, UsageError
from auditor.model import Renderer, Report
from auditor.paths import data_dir
from auditor.renderers import escaping
from auditor.renderers.overview import about, cause, counted, moment, overview, places, state_of, waived_by, where
from auditor.renderers.recovery import view as recovery_view
from auditor.renderers.values import because, spoken

MAX_STEPS: Final = 5_000_000
STEPS_A_FINDING: Final = 500
MAX_OUTPUT: Final = 256 * 1024 * 1024
MAX_TEXT: Final = 1_000_000
MAX_PADDING: Final = 1_000

_CHUNK: Final = 256
_ESCAPES: Final[Mapping[str, Callable[[str], str]]] = {
    "html": escaping.web,
    "md": escaping.markdown,
    "txt": escaping.terminal,
}
_WIDE_FORMAT: Final = re.compile(r"[:.][^{}]*(\d{4}|\{)")
_PADDING: Final = ("center", "ljust", "rjust", "zfill", "expandtabs")
_GROWING: Final = ("replace", "center", "indent", "format", "wordwrap", "xmlattr", "filesizeformat", "pprint")

Context = Callable[[Report], Mapping[str, Any]]
_Shown = TypeVar("_Shown")


class _TooMuchError(SecurityError):
    """A template does more work, or makes more text, than a report can need."""


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with a budget of steps: calls, attributes and items of a range."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})
    steps = 0

    def spend(self, steps: int = 1) -> None:
        """Take steps out of the budget. Raises _TooMuchError when there are none left."""
        self.steps -= steps
        if self.steps < 0:
            raise _TooMuchError("the template does more than a report can need")

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call an object from a template, unless it is a method of text that would make a text far too long."""
        self.spend()
        method = args[1]
        text = getattr(method, "__self__", None)
        if isinstance(text, str):
            if method.__name__ in _PADDING and any(isinstance(v, int) and v > MAX_PADDING for v in args[2:]):
                raise _TooMuchError("the template pads a text too far for a report")
            _check_sizes(text, *args[2:], *kwargs.values())
        return super().call(*args, **kwargs)

    def wrap_str_format(self, value: Any) -> Any:
        """`str.format` without widths that make a text far too long."""
        wrapped = super().wrap_str_format(value)
        if wrapped is not None and _WIDE_FORMAT.search(str(value.__self__)):
            raise _TooMuchError("the template pads a text too far for a report")
        return wrapped

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look an attribute up for a template."""
        self.spend()
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look an item up for a template."""
        self.spend()
        return super().getitem(obj, argument)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Calculate, unless the result could be a text, a list or a number out of all proportion."""
        self.spend()
        sized = [value for value in (left, right) if isinstance(value, str | list | tuple | bytes)]
        if operator == "%" and isinstance(left, str | bytes):
            raise _TooMuchError("the template formats text with %; write the values where they belong")
        if operator == "+" and sum(map(len, sized)) > MAX_TEXT:
            raise _TooMuchError("the template makes a text too long for a report")
        if operator == "*" and sized and any(isinstance(v, int) and v > MAX_PADDING for v in (left, right)):
            raise _TooMuchError("the template repeats a text too often for a report")
        if operator == "**" and not (isinstance(right, int) and isinstance(left, int) and _bits(left) * right < 4_096):
            raise _TooMuchError("the template raises to too high a power")
        return super().call_binop(context, operator, left, right)


def _bits(number: int) -> int:
    return number.bit_length()


def _check_sizes(*values: Any) -> None:
    """Refuse a call whose two longest arguments could multiply to a text far too long. Raises _TooMuchError."""
    sizes = sorted((len(value) for value in values if isinstance(value, str | list | tuple | range)), reverse=True)
    if len(sizes) > 1 and sizes[0] * max(sizes[1], 1) > 100 * MAX_TEXT:
        raise _TooMuchError("the template makes a text too long for a report")


@jinja2.pass_eval_context
def _join(context: Any, value: Any, separator: str = "", attribute: str | None = None) -> Any:
    """Jinja's own `join`, for lists and separators of sensible sizes."""
    items = list(value)
    _check_sizes(items, separator)
    return jinja2.filters.do_join(context, items, separator, attribute)


def renderer(name: str, template_dir: Path | None, context: Context | None = None) -> Renderer:
    """The renderer of the template called `name`, from the user's folder when it has one, or the shipped one.

    `context` adds to what the template sees: `report`, `overview`, and the filters of docs/report-formats.md.
    Raises UsageError when the folder is missing or holds no file that any shipped template is called, OutputError when
    the user's template is no template.
    """

    def seen(report: Report) -> Mapping[str, Any]:
        extra = context(report) if context is not None else {}
        shown = {"report": report, "overview": overview(report), "recovery": recovery_view.matrix(report.recovery)}
        return {**shown, **extra}

    return page(name, template_dir, seen, _entries)


def _entries(report: Report) -> int:
    return len(report.findings) + len(report.gaps) + len(recovery_view.SCENARIOS) * len(report.recovery)


def page(
    name: str,
    template_dir: Path | None,
    context: Callable[[_Shown], Mapping[str, Any]],
    entries: Callable[[_Shown], int],
) -> Callable[[_Shown], Iterator[str]]:
    """The same for anything a template can show: `context` is all it sees, `entries` what its budget grows with."""
    shipped = data_dir("templates")
    if template_dir is not None:
        _check_folder(template_dir, shipped)
        with _blamed(name):
            _environment(name, template_dir, shipped).get_template(name)

    def render(shown: _Shown) -> Iterator[str]:
        environment = _environment(name, template_dir, shipped)
        environment.steps = MAX_STEPS + STEPS_A_FINDING * entries(shown)
        return _bounded(environment, name, context(shown))

    return render


def _check_folder(folder: Path, shipped: Path) -> None:
    names = sorted(path.name for path in shipped.iterdir() if path.is_file())
    if not folder.is_dir():
        raise UsageError(f"{folder}: the template folder does not exist")
    if not any((folder / name).is_file() for name in names):
        raise UsageError(
            f"{folder}: no template in this folder has a name that is looked for",
            hint=f"Names looked for: {', '.join(names)}.",
        )


def _environment(name: str, template_dir: Path | None, shipped: Path) -> _Environment:
    own = [] if template_dir is None else [jinja2.FileSystemLoader(template_dir)]
    stock = jinja2.FileSystemLoader(shipped)
    escape = _ESCAPES[name.split(".")[-2]]

    def finalize(value: Any) -> Any:
        # Escaped already: what a macro, a block or one of our filters made.
        if isinstance(value, Markup):
            return value
        text = escape(spoken(value))
        return text if escape is escaping.web else Markup(text)  # noqa: S704

    environment = _Environment(
        loader=jinja2.ChoiceLoader([*own, stock, jinja2.PrefixLoader({"shipped": stock})]),
        autoescape=True,
        finalize=finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=0,
    )
    for growing in _GROWING:
        environment.filters.pop(growing, None)
    environment.globals.pop("lipsum", None)
    environment.globals["range"] = _Ranges(environment)
    environment.filters |= {
        "join": _join,
        "spoken": spoken,
        "because": because,
        "where": where,
        "about": about,
        "cause": cause,
        "moment": moment,
        "places": places,
        "visible": escaping.web,
        "counted": counted,
        "state": state_of,
        "waived_by": waived_by,
        "https": escaping.https_url,
        "script_json": lambda value: Markup(escaping.script_json(value)),  # noqa: S704
        "sha256": lambda text: base64.b64encode(hashlib.sha256(str(text).encode()).digest()).decode(),
    }
    return environment


class _Ranges:
    """`range` for templates; its items come out of the budget."""

    def __init__(self, environment: _Environment) -> None:
        self._environment = environment

    def __call__(self, *args: int) -> range:
        numbers = range(*args)
        if len(numbers) > MAX_TEXT:
            raise _TooMuchError("the template counts further than a report can need")
        self._environment.spend(len(numbers))
        return numbers


def _bounded(environment: _Environment, name: str, context: Mapping[str, Any]) -> Iterator[str]:
    with _blamed(name):
        size = 0
        chunk: list[str] = []
        for piece in environment.get_template(name).generate(context):
            environment.spend()
            size += len(piece)
            if size > MAX_OUTPUT:
                raise _TooMuchError("the template makes more text than a report can need")
            chunk.append(piece)
            if len(chunk) >= _CHUNK:
                yield "".join(chunk)
                chunk = []
        yield "".join(chunk)


@contextlib.contextmanager
def _blamed(name: str) -> Iterator[None]:
    """Turn what a template does wrong into an OutputError with its file and line."""
    try:
        yield
    except jinja2.TemplateSyntaxError as error:
        raise OutputError(f"{error.filename or error.name or name}:{error.lineno}: {error.message}") from error
    except jinja2.TemplateNotFound as error:
        raise OutputError(f"{name}: it includes {str(error)[:200]!r}, which does not exist") from error
    except (
        jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError
    ) as error:  # fmt: skip
        place = _place(error, name)
        if place is None:
            raise
        said = str(error) or type(error).__name__
        raise OutputError(
            f"{place}: {said[:300]}", hint="See docs/report-formats.md for what a template can use."
        ) from error


def _place(error: BaseException, name: str) -> str | None:
    """`file:line` of the innermost template in a traceback; None when no template is part of it."""
    place = None
    step = error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if file.endswith((".j2", ".css", ".js")):
            place = f"{file}:{step.tb_lineno}"
        step = step.tb_next
    return place or (name if isinstance(error, jinja2.TemplateError) else None)
