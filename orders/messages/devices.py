"""Devices that shoppers register: apps by their provider's token, browsers by a subscription."""

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from orders.deliveries.addresses import RefusedUrl, check_url
from orders.errors import UnknownOrder
from orders.models import Device, Order
from orders.states import Via

MOST = 20  # devices of one user, or of one order: the oldest make room
MOST_OF_A_TOKEN = 4096  # characters
_APNS_TOKEN = re.compile(r"[0-9a-fA-F]{32,200}")


class BadDevice(ValueError):
    """This can't be registered; the message says what would be right."""


@transaction.atomic
def register_device(
    *,
    via: str,
    token: str,
    keys: Mapping[str, str] | None = None,
    language: str = "",
    owner_id: int | None = None,
    order_no: str = "",
    now: dt.datetime,
) -> Device:
    """Have a device told of a user's orders, or of one order. The same token is the same device.

    A token that other users had registered is taken from them: the phone has changed hands, or its
    user has. Raises `BadDevice`, or `UnknownOrder`.
    """
    keys = dict(keys or {})
    _check(via, token, keys)
    fingerprint = hashlib.sha256(f"{via} {token}".encode()).hexdigest()
    same = Device.objects.filter(fingerprint=fingerprint, gone_at=None)
    if owner_id is None:
        order = _order(order_no)
        theirs = Device.objects.filter(order=order, gone_at=None)
        holder: dict[str, object] = {"order": order}
    else:
        _forget(same.exclude(owner=None).exclude(owner=owner_id), "another user's now", now)
        theirs = Device.objects.filter(owner=owner_id, gone_at=None)
        holder = {"owner_id": owner_id}
    device, is_new = theirs.get_or_create(
        fingerprint=fingerprint,
        gone_at=None,
        defaults={
            **holder,
            "via": via,
            "token": token,
            "keys": keys,
            "language": language,
            "created_at": now,
        },
    )
    if not is_new:
        theirs.filter(pk=device.pk).update(keys=keys, language=language)
    too_old = theirs.order_by("-pk").values_list("pk", flat=True)[MOST:]
    _forget(Device.objects.filter(pk__in=list(too_old)), "too many", now)
    return device


def forget_device(
    *, device_no: str, owner_id: int | None = None, order_no: str = "", now: dt.datetime
) -> bool:
    """The app wants no more messages. False where there is no such device of this holder."""
    devices = Device.objects.filter(device_no=device_no, gone_at=None)
    theirs = devices.filter(order__order_no=order_no)
    if owner_id is not None:
        theirs = devices.filter(owner=owner_id)
    return bool(_forget(theirs, "unregistered", now))


def device_is_gone(*, device_id: int, token: str, now: dt.datetime) -> None:
    """The provider knows this token no more; one that was registered since then stays."""
    _forget(Device.objects.filter(pk=device_id, token=token), "unknown to the provider", now)


def _order(order_no: str) -> Order:
    try:
        return Order.objects.get(order_no=order_no)
    except Order.DoesNotExist:
        raise UnknownOrder(f"There is no order {order_no}.") from None


def _forget(devices: QuerySet[Device], why: str, now: dt.datetime) -> int:
    return devices.filter(gone_at=None).update(token="", keys={}, gone_at=now, gone_why=why)


def _check(via: str, token: str, keys: Mapping[str, str]) -> None:
    if via not in settings.NOTIFIERS or via == Via.EMAIL:
        raise BadDevice(f"This shop tells no devices by {via}: GET /api/v1/push says which ones.")
    if not 1 <= len(token) <= MOST_OF_A_TOKEN or not token.isascii() or not token.isprintable():
        raise BadDevice(f"A token has 1 to {MOST_OF_A_TOKEN} ASCII characters.")
    if via == Via.APNS and not _APNS_TOKEN.fullmatch(token):
        raise BadDevice("A token of APNs is written in hexadecimal digits.")
    if via == Via.WEB:
        _check_subscription(token, keys)


def _check_subscription(endpoint: str, keys: Mapping[str, str]) -> None:
    try:
        check_url(endpoint)
    except RefusedUrl as error:
        raise BadDevice(str(error)) from None
    try:
        point, secret = _decoded(keys["p256dh"]), _decoded(keys["auth"])
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except (KeyError, ValueError):
        point, secret = b"", b""
    if len(point) != 65 or len(secret) != 16:
        raise BadDevice(
            "A subscription has `keys` with `p256dh` and `auth`, as browsers make them."
        )


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
