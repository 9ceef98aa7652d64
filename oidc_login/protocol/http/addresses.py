"""The IP addresses of the public Internet. The list is our own, because Python's list changes with its version."""

from __future__ import annotations

import ipaddress

# Source: the IANA special-purpose address registries (RFC 6890), without the few globally reachable blocks.
SPECIAL_IPV4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # "this network" (RFC 791)
            "10.0.0.0/8",  # private use (RFC 1918)
            "100.64.0.0/10",  # shared address space of carriers (RFC 6598); contains Alibaba Cloud's metadata service
            "127.0.0.0/8",  # loopback (RFC 1122)
            "168.63.129.16/32",  # Azure's services for virtual machines, although registered as public
            "169.254.0.0/16",  # link local (RFC 3927); contains the metadata services of most clouds
            "172.16.0.0/12",  # private use (RFC 1918)
            "192.0.0.0/24",  # protocol assignments (RFC 6890); contains Oracle Cloud's metadata service
            "192.0.2.0/24",  # documentation (RFC 5737)
            "192.88.99.0/24",  # the former 6to4 relays (RFC 7526)
            "192.168.0.0/16",  # private use (RFC 1918)
            "198.18.0.0/15",  # benchmarks (RFC 2544)
            "198.51.100.0/24",  # documentation (RFC 5737)
            "203.0.113.0/24",  # documentation (RFC 5737)
            "224.0.0.0/4",  # multicast (RFC 5771)
            "240.0.0.0/4",  # reserved (RFC 1112), including the limited broadcast address
        ),
    )
)

# All other addresses, such as fc00::/7, fe80::/10 and NAT64's 64:ff9b::/96, are not global unicast (RFC 4291 2.4).
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
SPECIAL_IPV6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments (RFC 2928): Teredo, benchmarks, ORCHID
            "2001:db8::/32",  # documentation (RFC 3849)
            "2002::/16",  # 6to4 (RFC 3056), which can contain any IPv4 address
            "3fff::/20",  # documentation (RFC 9637)
        ),
    )
)


def is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_public_address(text: str) -> bool:
    """Whether the address means the same host everywhere on the Internet (RFC 6890)."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in SPECIAL_IPV4)
    if address.ipv4_mapped is not None:
        return is_public_address(str(address.ipv4_mapped))
    return address in GLOBAL_UNICAST and not any(address in network for network in SPECIAL_IPV6)
