"""No fetching from inside: addresses of this machine and its private networks are refused (SEC-05).

For HTTP the address that is really connected to is checked, at every connection: so neither a redirect, nor a name
whose address changes after the check, nor an address in decimal or octal form gets through. The clients of S3 and
Azure open their own connections; there the endpoint's name is looked up and checked when the file system is opened.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

from zaffre.base.errors import Forbidden, InvalidRequest, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
HINT = "`zaffre up --allow-private-addresses` lets data come from there, `--url-rewrite PREFIX=TARGET` one place only"


class RefusedAddress(OSError):
    """Raised inside a client while it connects; `refusal` makes it an error of ours."""


class Guard:
    """`allow` lists networks (`10.0.0.0/8`, `127.0.0.1`) that may be fetched from although they are private."""

    def __init__(self, allow: Sequence[str] = ()) -> None:
        try:
            self.allow: list[Network] = [ipaddress.ip_network(network, strict=False) for network in allow]
        except ValueError as error:
            raise InvalidRequest(f"allow_networks: {error}") from error

    def allows(self, address: str) -> bool:
        """Whether an IP address may be connected to; what is no IP address may not."""
        try:
            found = plain(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        if found.is_global and not found.is_multicast:
            return True
        return any(found.version == network.version and found in network for network in self.allow)

    def socket_factory(self, info: tuple[Any, ...]) -> socket.socket:
        """For aiohttp's connector: `info` is one answer of getaddrinfo, the one that is connected to now."""
        family, kind, protocol, _, sockaddr = info
        if not self.allows(str(sockaddr[0])):
            raise RefusedAddress(f"the address {sockaddr[0]} is not public")
        return socket.socket(family=family, type=kind, proto=protocol)

    def check_host(self, host: str, port: int = 443) -> None:
        """Look a name up. Raises `Forbidden` if one of its addresses is refused, `Unavailable` if it has none."""
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Unavailable(f"the host {host!r} is not found: {error}", code="HostNotFound") from error
        for answer in answers:
            if not self.allows(str(answer[4][0])):
                raise refusal(host)


class OpenGuard(Guard):
    """Lets everything through: for places that a rewrite of the server's own settings leads to."""

    def allows(self, address: str) -> bool:  # noqa: ARG002
        return True


def plain(address: Address) -> Address:
    """An IPv4 address dressed as IPv6 is judged as what it is."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):  # NAT64
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address


def refusal(host: str) -> Forbidden:
    return Forbidden(
        f"{host!r} leads to this machine or a private network, from which nothing is fetched",
        code="PrivateAddress",
        hint=HINT,
    )


def caused_by_guard(error: BaseException | None) -> bool:
    """Whether a refused address is at the root of what a client raised."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, RefusedAddress) or "is not public" in str(error):
            return True
        if isinstance(error, BaseExceptionGroup) and any(caused_by_guard(inner) for inner in error.exceptions):
            return True
        error = error.__cause__ or getattr(error, "os_error", None) or error.__context__
    return False
