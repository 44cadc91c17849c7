"""Which addresses lead inward: all of them, in whatever form they are written."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.networks import is_inward

PUBLIC = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "168.63.129.15",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "223.255.255.255",
    "2400:3200::1",
    "2606:4700::1111",
    "2a00:1450:4001::71",
]
INWARD = [
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.19.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:1.1.1.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::1.1.1.1",
    "64:ff9b:1::10.0.0.1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "2606:4700::5efe:10.0.0.1",
    "2606:4700::200:5efe:127.0.0.1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_not_inward(address: str) -> None:
    assert not is_inward(address)


@pytest.mark.parametrize("address", INWARD)
def test_what_is_not_public_is_inward(address: str) -> None:
    assert is_inward(address)


@given(st.ip_addresses())
def test_nothing_passes_that_the_library_knows_as_special(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """The list here may be stricter than Python's, never laxer."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert is_inward(str(address))


@given(st.ip_addresses(v=4))
def test_no_form_of_ipv6_that_carries_one_of_ipv4_passes(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for network, shift in (
        ("::", 0),
        ("::ffff:0:0", 0),
        ("64:ff9b::", 0),
        ("2002::", 80),
        ("2001::", 64),
        ("2606:4700::5efe:0:0", 0),
    ):
        carried = int(ipaddress.IPv6Address(network)) | number << shift
        assert is_inward(str(ipaddress.IPv6Address(carried)))
