"""Bicep's statements, those of templates and those of parameter files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from itertools import pairwise
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from auditor.sources.arm import ir
from auditor.sources.bicep.expressions import CLOSING, DECLARATIONS, OPENING, ParseError
from auditor.sources.bicep.lexer import END, NAME, NEWLINE, OPEN, TEXT
from auditor.sources.bicep.nesting import ResourceSyntax, declarations_of
from auditor.sources.bicep.secrecy import Secrets
from auditor.sources.bicep.types import Declared, Decorator, Reference, TypeParser, Types, is_secure

MAX_RESOURCES: Final = 10_000
"""Resources of one file; Azure takes 800."""
MAX_NESTED: Final = 10
"""Resources inside one another."""
MAX_TYPE: Final = 500
"""Characters of a resource's type."""

SCOPES: Final = frozenset({"resourceGroup", "subscription", "managementGroup", "tenant"})
DEPLOYMENT: Final = "microsoft.resources/deployments"
ELSEWHERE: Final = frozenset({"local", "desiredStateConfiguration", "orchestrator"})
"""Experimental target scopes that are none of Azure's."""
_AFTER_KEYWORD: Final = frozenset({NAME, TEXT, OPEN, "=", "{", "*"})

T = TypeVar("T")


class _Parameter(NamedTuple):
    """A parameter whose type may be declared further below."""

    span: ir.Span
    declared: Declared
    default: ir.Expression | None
    allowed: tuple[Any, ...]


class _Output(NamedTuple):
    span: ir.Span
    declared: Declared
    value: ir.Expression


class StatementParser(TypeParser):
    """What both kinds of file have: variables, types, functions, imports; and how statements follow each other."""

    statements: ClassVar[Mapping[str, str]] = {}
    """The method that takes a statement, by the keyword it begins with."""

    def __init__(self, source: ir.Source, files: ir.Files, tokens: Any, *, mending: bool) -> None:
        """Stand before the first token."""
        super().__init__(source, tokens, mending=mending)
        self._files = files
        self._types: dict[str, Declared] = {}
        self._variables: dict[str, ir.Variable] = {}
        self._functions: dict[str, ir.Function] = {}
        self._imports: list[ir.Import] = []

    # ── one statement after the other ────────────────────────────────────────────────────────────────────────────────

    def parse(self) -> None:
        """Take the whole file. Raises ParseError at the first problem, unless mending."""
        if not self._mending:
            self._statements()
            return
        kinds = self._kinds
        for start, end in pairwise([0, *self._beginnings(), len(kinds) - 1]):
            # Nothing that goes wrong in here can go beyond where the next declaration begins.
            kinds[end], kept = END, kinds[end]
            self._at, self._depth = start, 0
            try:
                self._statements()
            except ParseError as failure:
                self._report(failure.problem)
            kinds[end] = kept

    def _statements(self) -> None:
        while True:
            self._skip_lines()
            if self._kinds[self._at] == END:
                return
            decorators = self._decorators()
            at = self._at
            method = self.statements.get(self._values[at]) if self._kinds[at] == NAME else None
            if method is None:
                raise self._unexpected("a declaration")
            self._at = at + 1
            getattr(self, method)(self._starts[at], decorators)

    def _beginnings(self) -> list[int]:
        """The tokens that begin a declaration: at the start of a line, and outside of brackets or not indented."""
        found: list[int] = []
        depth = 0
        decorated = False
        fresh = True
        for at, kind in enumerate(self._kinds):
            if fresh and (depth == 0 or self._starts[at] == 0 or self._source.text[self._starts[at] - 1] in "\r\n"):
                declares = kind == NAME and self._values[at] in DECLARATIONS and self._kinds[at + 1] in _AFTER_KEYWORD
                if declares or kind == "@":
                    if not decorated:
                        found.append(at)
                    depth = 0
                    decorated = not declares
                elif depth == 0:
                    decorated = False
            if kind in OPENING:
                depth += 1
            elif kind in CLOSING and depth:
                depth -= 1
            fresh = kind == NEWLINE
        return found

    def _finish(self, start: int) -> ir.Span:
        """Take the end of a statement; its span."""
        span = self._span(start)
        kind = self._kinds[self._at]
        if kind == NEWLINE:
            self._at += 1
        elif kind != END:
            raise self._unexpected("a new line")
        return span

    def _declare(self, names: MutableMapping[str, T], name: str, span: ir.Span, value: T) -> None:
        if name in names:
            self._note(span, f"'{name}' is declared already; only the first declaration counts")
        else:
            names[name] = value

    # ── statements of both kinds of file ─────────────────────────────────────────────────────────────────────────────

    def _variable(self, start: int, _decorators: list[Decorator]) -> None:
        name = self._name("a variable's name")
        if self._kinds[self._at] != "=":
            self._type()
        self._expect("=")
        value = self._expression()
        span = self._finish(start)
        self._declare(self._variables, name, span, ir.Variable(span, name, value))

    def _type_declaration(self, start: int, decorators: list[Decorator]) -> None:
        name = self._name("a type's name")
        self._expect("=")
        declared = Declared(self._type(), is_secure(decorators))
        span = self._finish(start)
        self._declare(self._types, name, span, declared)

    def _function(self, start: int, _decorators: list[Decorator]) -> None:
        name = self._name("a function's name")
        parameters: list[str] = []
        self._expect("(")
        self._skip_lines()
        while self._kinds[self._at] != ")":
            parameters.append(self._name("a parameter's name, or ')'"))
            self._type()
            self._skip_lines()
            if self._kinds[self._at] == ",":
                self._at += 1
                self._skip_lines()
            elif self._kinds[self._at] != ")":
                raise self._unexpected("',' or ')'")
        self._at += 1
        self._type()
        body = self._lambda(start, tuple(parameters)).body
        span = self._finish(start)
        # Calls are in lower case, because those of ARM's functions compare so.
        function = ir.Function(span, name.lower(), tuple(parameters), body)
        self._declare(self._functions, name.lower(), span, function)

    def _import(self, start: int, _decorators: list[Decorator]) -> None:
        kinds = self._kinds
        names: dict[str, str] = {}
        alias = ""
        if kinds[self._at] in (TEXT, OPEN):  # how extensions were written at first
            self._extension(start, [])
            return
        if kinds[self._at] == "*":
            self._at += 1
            alias = self._alias(required=True)
        elif kinds[self._at] == "{":
            self._at += 1
            self._skip_lines()
            while kinds[self._at] != "}":
                quoted = kinds[self._at] == TEXT
                name = self._text("") if quoted else self._name("the name of an export, or '}'")
                names[self._alias(required=quoted) or name] = name
                if not self._separated("}"):
                    break
            self._expect("}")
        else:
            raise self._unexpected("'{' or '*'")
        self._expect_word("from")
        reference = self._reference()
        span = self._finish(start)
        self._imports.append(ir.Import(span, self._loader(reference), names, alias))

    def _alias(self, *, required: bool) -> str:
        if not required and not self._is_word("as"):
            return ""
        self._expect_word("as")
        return self._name("a name behind 'as'")

    def _extension(self, start: int, _decorators: list[Decorator]) -> None:
        """What it is configured with does not matter to Azure's own resources."""
        kinds = self._kinds
        if kinds[self._at] in (TEXT, OPEN):
            self._operand()
        else:
            self._name("the name of an extension, or a text")
        if self._is_word("with"):
            self._with()
        if self._is_word("as"):
            self._alias(required=True)
        self._finish(start)

    def _with(self) -> None:
        self._expect_word("with")
        if self._kinds[self._at] != "{":
            raise self._unexpected("'{'")
        self._object()

    def _expect_word(self, word: str) -> None:
        if not self._is_word(word):
            raise self._unexpected(f"'{word}'")
        self._at += 1

    def _reference(self) -> str:
        """The path or the registry's name of another file."""
        return self._text("the path of a file, as a text without holes")

    def _loader(self, reference: str) -> Callable[[], ir.Template | ir.Unresolved]:
        files, source = self._files, self._source
        return lambda: files.template(source, reference)


class TemplateParser(StatementParser):
    """A `.bicep` file."""

    statements: ClassVar[Mapping[str, str]] = {
        "targetScope": "_target_scope",
        "metadata": "_description",
        "param": "_parameter",
        "var": "_variable",
        "resource": "_resource",
        "module": "_module",
        "output": "_output",
        "type": "_type_declaration",
        "func": "_function",
        "import": "_import",
        "extension": "_extension",
        "provider": "_extension",
        "assert": "_assertion",
        "test": "_test",
    }

    def __init__(self, source: ir.Source, files: ir.Files, tokens: Any, *, mending: bool) -> None:
        """Stand before the first token."""
        super().__init__(source, files, tokens, mending=mending)
        self.metadata: dict[str, ir.Expression] = {}
        self._scope = "resourceGroup"
        self._parameters: dict[str, _Parameter] = {}
        self._outputs: dict[str, _Output] = {}
        self._symbols: dict[str, ResourceSyntax | ir.ModuleDeclaration] = {}
        self._resources = 0

    def template(self) -> ir.Template:
        """What was parsed."""
        types = Types(self._types)
        secrets = Secrets(self._types, self._imports)
        declarations: list[ir.Declaration] = []
        for found in self._symbols.values():
            if not isinstance(found, ResourceSyntax):
                declarations.append(found)
            elif found.type.lower() == DEPLOYMENT and not found.existing:
                from auditor.sources.bicep.deployments import deployment_of

                declarations.append(deployment_of(found, self._variables, self._files))
            else:
                declarations.extend(declarations_of(found))
        return ir.Template(
            self._source,
            self._scope,
            {name: _parameter_of(name, found, types, secrets) for name, found in self._parameters.items()},
            self._variables,
            self._functions,
            tuple(declarations),
            {
                name: ir.Output(
                    found.span, name, found.value, types.known(found.declared).secure, secrets.of(found.declared)
                )
                for name, found in self._outputs.items()
            },
            tuple(self._imports),
            tuple(self.problems),
            bicep=True,
            types={name: said for name in self._types if (said := secrets.of(Declared(Reference(name))))},
        )

    def _target_scope(self, start: int, _decorators: list[Decorator]) -> None:
        self._expect("=")
        at = self._at
        scope = self._text("the name of a scope")
        if scope in SCOPES:
            self._scope = scope
        elif scope not in ELSEWHERE:
            self._note(
                ir.Span(self._source, self._starts[at], self._ends[at]),
                f"expected one of {', '.join(sorted(SCOPES))}; taken for resourceGroup",
            )
        self._finish(start)

    def _description(self, start: int, _decorators: list[Decorator]) -> None:
        """`metadata` says something about the template, and deploys nothing."""
        name = self._name("a name")
        self._expect("=")
        value = self._expression()
        self._finish(start)
        self.metadata.setdefault(name, value)

    def _assertion(self, start: int, _decorators: list[Decorator]) -> None:
        self._name("a name")
        self._expect("=")
        self._expression()
        self._finish(start)

    def _test(self, start: int, _decorators: list[Decorator]) -> None:
        self._name("a test's name")
        self._reference()
        self._expect("=")
        self._expression()
        self._finish(start)

    def _parameter(self, start: int, decorators: list[Decorator]) -> None:
        name = self._name("a parameter's name")
        declared = Declared(self._type(), is_secure(decorators))
        default = None
        if self._kinds[self._at] == "=":
            self._at += 1
            default = self._expression()
        span = self._finish(start)
        parameter = _Parameter(span, declared, default, _allowed(decorators))
        self._declare(self._parameters, name, span, parameter)

    def _output(self, start: int, decorators: list[Decorator]) -> None:
        name = self._name("an output's name")
        declared = Declared(self._type(), is_secure(decorators))
        self._expect("=")
        value = self._expression()
        span = self._finish(start)
        self._declare(self._outputs, name, span, _Output(span, declared, value))

    # ── resources and modules ────────────────────────────────────────────────────────────────────────────────────────

    def _resource(self, start: int, _decorators: list[Decorator]) -> None:
        syntax = self._resource_syntax(start, 0)
        self._finish(start)
        self._declare(self._symbols, syntax.symbol, syntax.span, syntax)

    def _resource_syntax(self, start: int, level: int) -> ResourceSyntax:
        self._resources += 1
        if self._resources > MAX_RESOURCES:
            raise self._failed(f"the file declares more than {MAX_RESOURCES:,} resources")
        symbol = self._name("a resource's name")
        kind, version = self._resource_type(level)
        existing = self._is_word("existing")
        if existing:
            self._at += 1
        self._expect("=")
        nested: dict[str, ResourceSyntax] = {}
        body, condition, loop = self._body(lambda: self._nested(nested, level + 1))
        span = self._span(start)
        taken, rest = _split(body, {"name", "scope", "parent", "dependsOn"})
        name = taken.get("name") or self._unreadable(span, "the resource has no name")
        return ResourceSyntax(
            span,
            symbol,
            kind,
            version,
            name,
            rest,
            condition,
            loop,
            existing,
            taken.get("parent"),
            taken.get("scope"),
            nested,
        )

    def _resource_type(self, level: int) -> tuple[str, str]:
        """A resource's type and its api-version, which a nested one may leave out."""
        at = self._at
        kind, _, version = self._text("a resource's type, as a text without holes").partition("@")
        if len(kind) + len(version) > MAX_TYPE:
            self._at = at
            raise self._failed(f"the type is longer than {MAX_TYPE} characters")
        if not kind or (not version and not level and "/" in kind):  # those of an extension may be a plain word
            span = ir.Span(self._source, self._starts[at], self._ends[at])
            self._note(span, "expected a type and its version, as in 'Microsoft.Storage/storageAccounts@2023-05-01'")
        return kind.removeprefix("az:"), version

    def _nested(self, found: dict[str, ResourceSyntax], level: int) -> bool:
        """Take a resource that is declared inside another one, where there is one."""
        kinds = self._kinds
        if kinds[self._at] != "@" and not (self._is_word("resource") and kinds[self._at + 1] == NAME):
            return False
        if level > MAX_NESTED:
            raise self._failed(f"resources nest deeper than {MAX_NESTED} levels")
        self._decorators()
        start = self._starts[self._at]
        self._expect_word("resource")
        syntax = self._resource_syntax(start, level)
        self._declare(found, syntax.symbol, syntax.span, syntax)
        return True

    def _body(
        self, declaration: Callable[[], bool] | None = None
    ) -> tuple[ir.ObjectNode, ir.Expression | None, ir.Loop | None]:
        """An object, `if (…) {…}`, or a loop over one of them."""
        if self._kinds[self._at] == NEWLINE and self._values[self._at + 1] == "if":
            self._at += 1
        loop = None
        if self._kinds[self._at] == "[":
            self._at += 1
            self._skip_lines()
            if not self._is_word("for"):
                raise self._unexpected("'for'")
            loop = self._loop()
        condition = None
        if self._is_word("if"):
            self._at += 1
            if self._kinds[self._at] != "(":
                raise self._unexpected("'('")
            condition = self._parenthesized()
        if self._kinds[self._at] != "{":
            raise self._unexpected("'{'" if condition or loop else "'{', 'if' or '['")
        body = self._object(declaration)
        if loop is not None:
            self._end_loop()
        return body, condition, loop

    def _module(self, start: int, _decorators: list[Decorator]) -> None:
        symbol = self._name("a module's name")
        reference = self._reference()
        self._expect("=")
        body, condition, loop = self._body()
        span = self._finish(start)
        taken, _ = _split(body, {"name", "params", "scope"})
        module = ir.ModuleDeclaration(
            span,
            symbol,
            taken.get("name"),
            reference,
            self._loader(reference),
            taken.get("params"),
            condition,
            loop,
            taken.get("scope"),
        )
        self._declare(self._symbols, symbol, span, module)


class ParametersParser(StatementParser):
    """A `.bicepparam` file."""

    statements: ClassVar[Mapping[str, str]] = {
        "using": "_using",
        "extends": "_extends",
        "param": "_value",
        "var": "_variable",
        "import": "_import",
        "type": "_type_declaration",
        "func": "_function",
        "extension": "_extension",
        "extensionConfig": "_extension_config",
    }

    def __init__(self, source: ir.Source, files: ir.Files, tokens: Any, *, mending: bool) -> None:
        """Stand before the first token."""
        super().__init__(source, files, tokens, mending=mending)
        self._values_given: dict[str, ir.Expression] = {}
        self._used = ""
        self._extended = ""

    def parameter_file(self) -> ir.ParameterFile:
        """What was parsed."""
        given = self._values_given.items()
        context = ir.Template(
            self._source,
            # Values may be made of other values of the file.
            variables={**{name: ir.Variable(value.span, name, value) for name, value in given}, **self._variables},
            functions=self._functions,
            imports=tuple(self._imports),
            bicep=True,
        )
        return ir.ParameterFile(
            self._source, self._values_given, context, self._used, self._extended, tuple(self.problems)
        )

    def _using(self, start: int, _decorators: list[Decorator]) -> None:
        if self._is_word("none"):
            self._at += 1
        else:
            self._used = self._text("the path of a template, or 'none'")
        if self._is_word("with"):
            self._with()
        self._finish(start)

    def _extends(self, start: int, _decorators: list[Decorator]) -> None:
        self._extended = self._reference()
        self._finish(start)

    def _value(self, start: int, _decorators: list[Decorator]) -> None:
        name = self._name("a parameter's name")
        self._expect("=")
        value = self._expression()
        span = self._finish(start)
        self._declare(self._values_given, name, span, value)

    def _extension_config(self, start: int, _decorators: list[Decorator]) -> None:
        self._name("the name of an extension")
        self._with()
        self._finish(start)


def _split(body: ir.ObjectNode, names: set[str]) -> tuple[dict[str, ir.Expression], ir.ObjectNode]:
    """The properties of these names, and the object without them."""
    taken: dict[str, ir.Expression] = {}
    rest: list[ir.Entry | ir.Spread] = []
    for entry in body.entries:
        if isinstance(entry, ir.Entry) and isinstance(entry.key, ir.Literal) and entry.key.value in names:
            taken[str(entry.key.value)] = entry.value
        else:
            rest.append(entry)
    return taken, ir.ObjectNode(body.span, tuple(rest))


def _allowed(decorators: list[Decorator]) -> tuple[Any, ...]:
    """The values `@allowed([…])` lists, if all of them are literals."""
    for decorator in decorators:
        if decorator.name == "allowed" and len(decorator.arguments) == 1:
            listed = decorator.arguments[0]
            if isinstance(listed, ir.ArrayNode):
                values = tuple(item.value for item in listed.items if isinstance(item, ir.Literal))
                return values if len(values) == len(listed.items) else ()
    return ()


def _parameter_of(name: str, found: _Parameter, types: Types, secrets: Secrets) -> ir.Parameter:
    known = types.known(found.declared)
    # `@allowed` on an array lists what its items can be, not what it can be.
    allowed = () if known.kind in ("array", "object") else found.allowed or known.allowed
    secrecy = secrets.of(found.declared)
    return ir.Parameter(found.span, name, known.kind, found.default, known.secure, known.nullable, allowed, secrecy)
