"""Address ranges in CIDR notation: `parseCidr`, `cidrSubnet` and `cidrHost`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from auditor.sources.arm.structure import Builtin, a_text, an_integer, short
from auditor.sources.arm.values import EvaluationError, Obj

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network(value: Any) -> Network:
    """The range a CIDR text names; bits behind the prefix do not count. Raises EvaluationError."""
    text = a_text(value, "the network")
    address, slash, prefix = text.partition("/")
    if not slash or not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 3) or "%" in address:
        raise EvaluationError(f"{short(text)} is no range in CIDR notation")
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise EvaluationError(f"{short(text)} is no range in CIDR notation") from error


def _usable(found: Network) -> tuple[int, int]:
    """The first and the last address a host can have. IPv6 has no broadcast address, and all its addresses count."""
    first, last = int(found.network_address), int(found.broadcast_address)
    if found.version == 6:
        return first, last
    return (first + 1, last - 1) if found.prefixlen <= 30 else (first, first)


def _address(found: Network, number: int) -> str:
    return str(type(found.network_address)(number))


def _parse(value: Any) -> Obj:
    found = network(value)
    first, last = _usable(found)
    result = Obj({"network": str(found.network_address), "netmask": str(found.netmask)})
    if found.version == 4:
        result["broadcast"] = str(found.broadcast_address)
    result["firstUsable"] = _address(found, first)
    result["lastUsable"] = _address(found, last)
    result["cidr"] = found.prefixlen
    return result


def _subnet(value: Any, prefix: Any, index: Any) -> str:
    found = network(value)
    wanted, number = an_integer(prefix, "the new prefix"), an_integer(index, "the index")
    if not found.prefixlen <= wanted <= found.max_prefixlen:
        raise EvaluationError(f"{found} cannot be split into ranges of /{str(wanted)[:20]}")
    if not 0 <= number < 1 << wanted - found.prefixlen:
        raise EvaluationError(f"{found} has no range of /{wanted} with that index")
    start = int(found.network_address) + (number << found.max_prefixlen - wanted)
    return f"{_address(found, start)}/{wanted}"


def _host(value: Any, index: Any) -> str:
    found = network(value)
    number = int(found.network_address) + 1 + an_integer(index, "the index")
    if not int(found.network_address) < number <= _usable(found)[1]:
        raise EvaluationError(f"{found} has no host with that index")
    return _address(found, number)


BUILTINS: Final[Mapping[str, Builtin]] = {
    "parsecidr": Builtin(_parse, 1, 1),
    "cidrsubnet": Builtin(_subnet, 3, 3),
    "cidrhost": Builtin(_host, 2, 2),
}
