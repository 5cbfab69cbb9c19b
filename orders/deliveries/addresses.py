"""Where notifications may go: no plain HTTP and nothing inside our own network, unless allowed.

A URL is looked at when it is configured, and the addresses of its host at each connection: a name
may lead elsewhere by then.
"""

import socket
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from requests import RequestException
from requests_hardened.ip_filter import InvalidIPAddress, filter_host


class RefusedUrl(ValueError):
    """Notifications can't be sent to this URL."""


class PrivateAddress(RequestException):
    """The host has an address in a private network."""


def check_url(url: str) -> None:
    """Raises `RefusedUrl`, with a message that says what would be right."""
    parts = _split(url)
    schemes = ["https", "http"] if settings.NOTIFY_HTTP else ["https"]
    if parts.scheme not in schemes:
        raise RefusedUrl("The URL must begin with https:// (http:// needs NODROP_NOTIFY_HTTP=1).")
    if "@" in parts.netloc:
        raise RefusedUrl("Leave user and password out of the URL: what we send is signed instead.")
    if parts.fragment:
        raise RefusedUrl("Leave out the part behind '#': it is never sent.")
    if not settings.NOTIFY_PRIVATE and _is_private_literal(parts.hostname or ""):
        raise RefusedUrl(
            f"{parts.hostname} is a private address: give one that the whole Internet can reach "
            "(or allow private ones, to try things out, with NODROP_NOTIFY_PRIVATE=1)."
        )


def refuse_private(host: str, port: int) -> None:
    """Raises `PrivateAddress` if any address of the host is not a public one."""
    for address in _addresses(host, port):
        try:
            filter_host(address, port, allow_loopback=False)
        except InvalidIPAddress:
            raise PrivateAddress(f"{host} leads to the private address {address}") from None


def _split(url: str) -> SplitResult:
    usable = url.isascii() and url.isprintable() and " " not in url
    try:
        parts = urlsplit(url)
        if usable and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # a port that is none, or half an IPv6 address
        pass
    raise RefusedUrl("Write the URL like https://host.example/path, in ASCII.")


def _is_private_literal(host: str) -> bool:
    """Whether the host is written as an address (in any notation) or a name of this machine."""
    if f".{host.rstrip('.')}".endswith(".localhost"):
        return True
    try:
        [address, *_] = _addresses(host, 443, flags=socket.AI_NUMERICHOST)
        filter_host(address, 443, allow_loopback=False)
    except socket.gaierror:
        return False
    except InvalidIPAddress:
        return True
    return False


def _addresses(host: str, port: int, flags: int = 0) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [str(place[0]) for *_, place in found]
