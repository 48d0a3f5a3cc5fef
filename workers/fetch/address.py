"""Globally routable addresses.

From the IANA special-purpose address registries (RFC 6890). Written out, because `is_global` of the
standard library differs between patch releases and calls multicast, 6to4 and site-local addresses global.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_IPV4_SPECIAL = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT, also Alibaba's metadata
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's host agent, an internal service at a public address
            "169.254.0.0/16",  # link-local: the clouds' metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments, also Oracle's metadata
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_IPV6_UNICAST = IPv6Network("2000::/3")  # everything outside is special or unassigned
_IPV6_SPECIAL = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",  # documentation
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


def embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a mapped, NAT64, 6to4 or ISATAP address leads to (RFC 4291, 6052, 3056, 5214)."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    value = int(address)
    if address in _NAT64 or (value >> 32) & 0xFFFF_FFFF in _ISATAP:
        return IPv4Address(value & 0xFFFF_FFFF)
    return None


def is_public(address: Address) -> bool:
    """Whether the address is globally routable."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _IPV4_SPECIAL)
    inner = embedded_ipv4(address)
    if inner is not None:
        return is_public(inner)
    return address in _IPV6_UNICAST and not any(address in network for network in _IPV6_SPECIAL)


def is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether the address, or the IPv4 address inside it, lies in one of the networks."""
    inner = embedded_ipv4(address) if isinstance(address, IPv6Address) else None
    return any(address in network or (inner is not None and inner in network) for network in networks)


def parse_address(text: str) -> Address | None:
    """The address of a canonical literal, else None."""
    try:
        return ip_address(text)
    except ValueError:
        return None
