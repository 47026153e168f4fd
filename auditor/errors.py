"""One tree of errors. Each class knows how the process ends and what to do next.

    AuditorError                    70   our own bug, when raised as such
    ├── UsageError                   2   the command line asks for something that cannot be
    │   ├── TargetError              2   a target that does not exist or is of no known kind
    │   └── ConfigError              2   auditor.toml / [tool.auditor] is bad
    ├── PolicyError                  5   a rule, baseline, waiver or objectives file is bad (file, line)
    ├── SourceError                  3   a source could not start (no credential, unreachable endpoint)
    │   └── SnapshotError            3   a snapshot that is cut, changed, or of an unknown version
    └── OutputError                  2   a report could not be written where it was asked for

Exit codes 0, 1, 3 and 4 are verdicts and come from the report (`auditor.model.Report.exit_code`), not from an
exception. Whatever a *part* of the input does wrong is no error at all but a `Gap`: data, not control flow.
"""

from __future__ import annotations


class AuditorError(Exception):
    """Base of every error this package raises on purpose.

    `exit_code` is what the process ends with; `hint` is one sentence on what to do next, or empty.
    """

    exit_code = 70
    hint = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Take the sentence a person reads and, where there is one, the next step."""
        super().__init__(message)
        if hint:
            self.hint = hint


class UsageError(AuditorError):
    """The command line, or a call of the Python API, asks for something that cannot be."""

    exit_code = 2


class TargetError(UsageError):
    """A target does not exist, or is nothing this tool can read."""


class ConfigError(UsageError):
    """The configuration file cannot be read or holds an unknown or mistyped key."""


class PolicyError(AuditorError):
    """A rule, baseline, waiver or objectives file is bad.

    The message begins with `file:line:`; it says what was expected and, for a name, the nearest valid one.
    """

    exit_code = 5

    def __init__(self, message: str, *, file: str = "", line: int | None = None, hint: str = "") -> None:
        """Put `file:line:` before the message where they are known."""
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(where + message, hint=hint)
        self.file = file
        self.line = line


class SourceError(AuditorError):
    """A source could not start at all, so that nothing was read and nothing can be judged."""

    exit_code = 3


class SnapshotError(SourceError):
    """A snapshot file is cut, was changed after it was written, or has an unknown version."""


class OutputError(AuditorError):
    """A report could not be written to the place it was asked for."""

    exit_code = 2
