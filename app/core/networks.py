"""Addresses: which of them are counted as one caller."""

from ipaddress import IPv6Address, ip_address, ip_network

_BITS_OF_4, _BITS_OF_6 = 24, 56
_VERSION_4 = 4


def network_of(address: str) -> str:
    """Return the network that is counted as one caller: a /24, or a /56 of IPv6."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    bits = _BITS_OF_4 if ip.version == _VERSION_4 else _BITS_OF_6
    return str(ip_network(f"{ip}/{bits}", strict=False))


def is_loopback(address: str) -> bool:
    """Say whether an address is this machine itself."""
    return ip_address(address).is_loopback
