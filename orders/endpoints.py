"""The systems that are told: operators configure them, and nobody else."""

import datetime as dt

from django.db import transaction

from common import wake
from orders.deliveries.addresses import RefusedUrl, check_url
from orders.models import Endpoint
from orders.notifications import NOTIFY_DUE
from orders.signing import SecretUnreadable, new_secret, seal, unseal

__all__ = ["RefusedUrl", "add_endpoint", "check_url", "rotate_secret", "set_active"]

OVERLAP = dt.timedelta(hours=24)  # for which a former secret signs as well


def add_endpoint(*, name: str, url: str, now: dt.datetime) -> tuple[Endpoint, str]:
    """Have a system told of everything from now on; returns it and its signing secret.

    The secret is shown this once. Raises `RefusedUrl`, which says what would be right.
    """
    check_url(url)
    secret = new_secret()
    endpoint = Endpoint.objects.create(name=name, url=url, secret=seal(secret), created_at=now)
    return endpoint, secret


@transaction.atomic
def rotate_secret(*, endpoint_id: int, now: dt.datetime) -> str:
    """Give an endpoint a new secret, and return it; the old one signs as well for 24 hours.

    An old one that can't be decrypted any more is dropped. Raises `Endpoint.DoesNotExist`.
    """
    endpoint = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)
    readable = _is_readable(endpoint.secret)
    endpoint.former_secret = endpoint.secret if readable else ""
    endpoint.former_secret_until = now + OVERLAP if readable else None
    secret = new_secret()
    endpoint.secret = seal(secret)
    endpoint.save(update_fields=["secret", "former_secret", "former_secret_until"])
    return secret


@transaction.atomic
def set_active(*, endpoint_id: int, active: bool, now: dt.datetime) -> None:
    """Pause an endpoint, or go on with it: then it is told what it missed, in order.

    While it pauses nothing is sent to it, and all that becomes true is kept for it.
    """
    Endpoint.objects.filter(pk=endpoint_id).update(active=active)
    if active:
        wake.wake_on_commit(task=NOTIFY_DUE)


def _is_readable(sealed: str) -> bool:
    try:
        unseal(sealed)
    except SecretUnreadable:
        return False
    return True
