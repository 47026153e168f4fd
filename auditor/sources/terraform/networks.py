"""Terraform's functions on ranges of addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Final

from auditor.sources.terraform.values import EvaluationError, shown, to_number, to_text

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(prefix: Any) -> Network:
    try:
        if "/" not in to_text(prefix):
            raise ValueError
        return ipaddress.ip_network(to_text(prefix), strict=False)
    except ValueError as error:
        raise EvaluationError(f"{shown(prefix)} is no range of addresses") from error


def _whole(value: Any) -> int:
    number = to_number(value)
    if not isinstance(number, int):
        raise EvaluationError(f"a whole number is needed, and this is {shown(number)}")
    return number


def _host(prefix: Any, number: Any) -> str:
    network, at = _network(prefix), _whole(number)
    if not -network.num_addresses <= at < network.num_addresses:
        raise EvaluationError("the range has no such address")
    return str(network[at])


def _netmask(prefix: Any) -> str:
    network = _network(prefix)
    if network.version != 4:
        raise EvaluationError("IPv6 has no masks")
    return str(network.netmask)


def _subnet(prefix: Any, new_bits: Any, number: Any) -> str:
    network, bits, at = _network(prefix), _whole(new_bits), _whole(number)
    length = network.prefixlen + bits
    if bits < 0 or length > network.max_prefixlen or not 0 <= at < 2**bits:
        raise EvaluationError("the range has no such part")
    start = int(network.network_address) + (at << (network.max_prefixlen - length))
    return str(type(network)((start, length)))


def _subnets(prefix: Any, *new_bits: Any) -> list[str]:
    network = _network(prefix)
    result: list[str] = []
    start = int(network.network_address)
    for bits in map(_whole, new_bits):
        length = network.prefixlen + bits
        if bits < 1 or length > network.max_prefixlen:
            raise EvaluationError("the range has no such part")
        size = 1 << (network.max_prefixlen - length)
        start = -(-start // size) * size
        if start + size > int(network.network_address) + network.num_addresses:
            raise EvaluationError("the range has no room for all of them")
        result.append(str(type(network)((start, length))))
        start += size
    return result


FUNCTIONS: Final[Mapping[str, tuple[Callable[..., Any], int, int | None]]] = {
    "cidrhost": (_host, 2, 2),
    "cidrnetmask": (_netmask, 1, 1),
    "cidrsubnet": (_subnet, 3, 3),
    "cidrsubnets": (_subnets, 1, None),
}
