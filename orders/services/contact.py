"""Where a shopper may be told what she didn't wait for."""

from django.db import transaction

from orders.services.concluding import lock_order


@transaction.atomic
def note_email(*, order_no: str, email: str, language: str = "") -> None:
    """She wants to be told by e-mail, in her language; an empty address takes that back.

    The caller has checked that it is an address, and that she may see the order. Messages that are
    written already go where they were to go. Raises `UnknownOrder`.
    """
    order = lock_order(order_no)
    order.email = email
    order.language = language or order.language
    order.save(update_fields=["email", "language"])
