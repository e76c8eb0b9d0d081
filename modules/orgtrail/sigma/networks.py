"""Networks as regular expressions over the text of an address, which both engines understand."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from orgtrail.sigma.fields import InexpressibleError

_OCTETS, _GROUPS = 4, 8


def pattern(network: IPv4Network | IPv6Network) -> str:
    """Return what the addresses of a network look like, from first to last character.

    Raises:
        InexpressibleError: they are written in too many ways.

    """
    return f"^{_four(network) if isinstance(network, IPv4Network) else _six(network)}$"


def _four(network: IPv4Network) -> str:
    whole, bits = divmod(network.prefixlen, 8)
    octets = [str(each) for each in network.network_address.packed]
    parts = octets[:whole]
    if bits:
        first = network.network_address.packed[whole]
        parts.append(f"(?:{'|'.join(map(str, range(first, first + 2 ** (8 - bits))))})")
    return "[.]".join(parts + ["[0-9]{1,3}"] * (_OCTETS - len(parts)))


def _six(network: IPv6Network) -> str:
    """Addresses leave out zeros (RFC 5952), so the fixed part must have none that may go."""
    if network.prefixlen == network.max_prefixlen:
        return str(network)[: -len("/128")]
    whole, bits = divmod(network.prefixlen, 16)
    groups = network.network_address.exploded.split(":")
    fixed = [each.lstrip("0") for each in groups[:whole]]
    rest = "[0-9a-f:.]*"
    if not bits:
        if not all(fixed):
            raise _too_many(network)
        return ":".join(fixed) + f":{rest}" if fixed else f"[0-9a-f]*:{rest}"
    digits, odd = divmod(bits, 4)
    begun = groups[whole][:digits]
    if odd:
        first = int(groups[whole][digits], 16)
        begun += "[" + "".join(f"{each:x}" for each in range(first, first + 2 ** (4 - odd))) + "]"
    if begun.startswith("0") or "[0" in begun[:2] or not all(fixed):
        raise _too_many(network)
    free = _OCTETS - digits - bool(odd)
    tail = f"[0-9a-f]{{{free}}}" if free else ""
    end = f":{rest}" if whole < _GROUPS - 1 else ""
    return ":".join([*fixed, begun + tail]) + end


def _too_many(network: IPv6Network) -> InexpressibleError:
    return InexpressibleError(
        f"{network}: an IPv6 network with zeros at the start of a group is not supported"
    )
