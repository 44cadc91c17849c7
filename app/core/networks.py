"""Addresses: which of them are counted as one caller, and which lead inward."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_BITS_OF_4, _BITS_OF_6 = 24, 56
_VERSION_4 = 4

# What is not the public internet (IANA's registries of special-purpose addresses, RFC 6890).
_INWARD_4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers; some clouds keep their metadata here
        "127.0.0.0/8",
        "168.63.129.16/32",  # a public address that a cloud answers inward
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# All that was ever given out to the public; so nothing mapped, translated, local or multicast.
_PUBLIC_6 = ip_network("2000::/3")
_INWARD_6 = tuple(
    ip_network(network)
    for network in (
        "2001::/23",  # Teredo, which carries an address of IPv4, and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4, which carries one, too
        "3fff::/20",
    )
)
_ISATAP = 0x5EFE


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


def is_inward(address: str) -> bool:
    """Say whether an address may lead anywhere but to the public internet.

    Inward is, among others: private, loopback, link-local, shared by a carrier, multicast,
    unspecified, reserved, and every form of IPv6 that carries an address of IPv4.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return any(ip in network for network in _INWARD_4)
    carries_4 = int(ip) >> 32 & 0xFDFF_FFFF == _ISATAP
    return ip not in _PUBLIC_6 or carries_4 or any(ip in network for network in _INWARD_6)
