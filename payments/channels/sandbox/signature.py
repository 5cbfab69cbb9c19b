"""Who signed a callback: the Standard Webhooks scheme, checked against a given `now`.

The string signed is `{webhook-id}.{webhook-timestamp}.{body}`; `webhook-signature` holds one or
more signatures `v1,<base64>` with spaces between them, and any one that fits is enough.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import datetime as dt
import hmac
import re
from collections.abc import Iterable, Mapping

from standardwebhooks import Webhook

from payments.channels.base import BadSignature

TOLERANCE = dt.timedelta(minutes=5)  # as the reference libraries have it
MAX_BODY = 64 * 1024  # bytes; the wallet's callbacks have a few hundred


def verified_event_id(
    *, secrets: Iterable[Webhook], headers: Mapping[str, str], body: bytes, now: dt.datetime
) -> str:
    """The event's id if one of the secrets signed exactly these bytes lately; else `BadSignature`.

    A signature made with any of the secrets counts, so that a secret can be exchanged.
    """
    event_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split(" ")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", event_id) or not re.fullmatch(
        r"[0-9]{1,11}", stamp
    ):
        raise BadSignature("the webhook headers are missing, or can't be read")
    if len(body) > MAX_BODY:
        raise BadSignature("longer than any callback of this channel")
    signed_at = dt.datetime.fromtimestamp(int(stamp), dt.UTC)
    if abs(now - signed_at) > TOLERANCE:
        raise BadSignature("signed too long ago, or in the future")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadSignature("not the UTF-8 text that this channel signs") from None
    wanted = [secret.sign(event_id, signed_at, text).encode() for secret in secrets]
    offered = [signature.encode("utf-8", "replace") for signature in given]
    if not any(hmac.compare_digest(want, offer) for want in wanted for offer in offered):
        raise BadSignature
    return event_id
