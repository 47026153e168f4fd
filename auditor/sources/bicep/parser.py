"""Bicep's files: a template → `ir.Template`, a parameter file → `ir.ParameterFile`."""

from __future__ import annotations

from typing import Final, TypeVar

from auditor.sources.arm import ir
from auditor.sources.bicep import inline
from auditor.sources.bicep.declarations import ParametersParser, StatementParser, TemplateParser
from auditor.sources.bicep.expressions import ParseError
from auditor.sources.bicep.lexer import Tokens, tokenize

MAX_SIZE: Final = 4 * 1024 * 1024
"""Characters of a file."""

P = TypeVar("P", bound=StatementParser)


def parse_template(source: ir.Source, files: ir.Files) -> ir.Template:
    """A `.bicep` file. Never raises for what the text holds: what could not be understood is among `problems`."""
    if len(source.text) > MAX_SIZE:
        return ir.Template(source, problems=_too_large(source), bicep=True)
    tokens = tokenize(source.text)
    parser = _parsed(TemplateParser, source, files, tokens)
    template = parser.template()
    inline.find(source, tokens, template.declarations, parser.metadata.get("auditor"))
    return template


def parse_parameters(source: ir.Source, files: ir.Files) -> ir.ParameterFile:
    """A `.bicepparam` file. Never raises for what the text holds: what could not be understood is among `problems`."""
    if len(source.text) > MAX_SIZE:
        return ir.ParameterFile(source, {}, ir.Template(source, bicep=True), problems=_too_large(source))
    tokens = tokenize(source.text)
    inline.find(source, tokens)
    return _parsed(ParametersParser, source, files, tokens).parameter_file()


def _too_large(source: ir.Source) -> tuple[ir.Problem, ...]:
    return (
        ir.Problem(ir.Span(source, 0, 0), f"the file has more than {MAX_SIZE // 1024 // 1024} MiB and was not read"),
    )


def _parsed(kind: type[P], source: ir.Source, files: ir.Files, tokens: Tokens) -> P:
    """The parser after its work; a text with something wrong in it is parsed again from the start, mending."""
    parser = kind(source, files, tokens, mending=False)
    try:
        parser.parse()
    except ParseError:
        parser = kind(source, files, tokens, mending=True)
        parser.parse()
    return parser
