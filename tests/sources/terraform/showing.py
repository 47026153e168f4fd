"""Shows expressions as s-expressions, so that a table of tests can say what a text means."""

from __future__ import annotations

import json

from auditor.sources.terraform import syntax
from auditor.sources.terraform.syntax import Expression


def shown(node: Expression) -> str:
    """`a + b * 2` is `(+ a (* b 2))`."""
    match node:
        case syntax.Literal(value=value):
            return json.dumps(value, ensure_ascii=False)
        case syntax.Name(name=name):
            return name
        case syntax.Element():
            return "@"
        case syntax.Broken():
            return "BROKEN"
        case syntax.Template(parts=parts):
            return _list("text", *parts)
        case syntax.TupleNode(items=items):
            return _list("list", *items)
        case syntax.ObjectNode(entries=entries):
            return f"(map{''.join(f' {shown(e.key)}={shown(e.value)}' for e in entries)})"
        case syntax.Member(base=base, key=key):
            return f"{shown(base)}.{key}"
        case syntax.Index(base=base, key=key):
            return f"{shown(base)}[{shown(key)}]"
        case syntax.Splat(base=base, each=each):
            return f"(splat {shown(base)} {shown(each)})"
        case syntax.Call(name=name, arguments=arguments, expand=expand):
            return _list(name + "()", *arguments) + ("..." if expand else "")
        case syntax.Unary(operator=operator, operand=operand):
            return _list(operator, operand)
        case syntax.Binary(operator=operator, left=left, right=right):
            return _list(operator, left, right)
        case syntax.Conditional(condition=condition, yes=yes, no=no):
            return _list("?", condition, yes, no)
        case syntax.For():
            names = f"{node.key},{node.value}" if node.key else node.value
            result = shown(node.result)
            if node.result_key is not None:
                result = f"{shown(node.result_key)}=>{result}"
            end = (f" if {shown(node.condition)}" if node.condition else "") + (" grouped" if node.grouped else "")
            return f"({'text-for' if node.text else 'for'} {names} {shown(node.items)} {result}{end})"


def _list(head: str, *parts: Expression) -> str:
    return f"({' '.join([head, *map(shown, parts)])})"
