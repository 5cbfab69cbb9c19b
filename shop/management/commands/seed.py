"""Something to sell and somebody to sell it to, for trying the shop."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.translation import gettext_noop as _
from rest_framework.authtoken.models import Token

from orders.models import Stock
from shop.models import Product

STOCK = {"thermos": 25, "watering-can": 9}  # all others are never sold out
PRODUCTS = (
    ("umbrella", "☔️", _("Umbrella"), _("Lets no drop through."), 12900, "CNY"),
    ("teapot", "🫖", _("Teapot"), _("Holds 0.9 l, and pours without dripping."), 26800, "CNY"),
    ("watering-can", "🪴", _("Window garden"), _("Basil, mint and a can for both."), 8950, "CNY"),
    ("thermos", "🧋", _("Thermos cup"), _("Hot for eight hours, tight for ever."), 15900, "CNY"),
    ("rubber-duck", "🦆", _("Rubber duck"), _("Listens to your bugs, swims on."), 100, "CNY"),
    ("matcha", "🍵", _("Matcha from Uji"), _("30 g, stone-ground. Priced in yen."), 2400, "JPY"),
)


class Command(BaseCommand):
    """Idempotent: what is there already, and what people have changed since, stays as it is."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        for sku, emoji, title, description, price, currency in PRODUCTS:
            values = {
                "emoji": emoji,
                "title": title,
                "description": description,
                "price": price,
                "currency": currency,
            }
            self._seed_product(sku, values)
        self.stdout.write(f"{len(PRODUCTS)} products are for sale.")
        self._seed_admin()
        if not settings.PRODUCTION:
            self._seed_app("demo")
            self._seed_app("support", "refund_payment")

    @transaction.atomic
    def _seed_product(self, sku: str, values: dict[str, Any]) -> None:
        """Its stock comes with it, once: whoever takes the stock's row away later has meant it."""
        _, is_new = Product.objects.get_or_create(sku=sku, defaults=values)
        if is_new and sku in STOCK:
            Stock.objects.get_or_create(sku=sku, defaults={"available": STOCK[sku]})

    def _seed_admin(self) -> None:
        """The operators' first account. In production only with a password that was chosen."""
        password = settings.ADMIN_PASSWORD or ("" if settings.PRODUCTION else "admin")
        users = get_user_model().objects
        if not password:
            self.stdout.write("No admin was made: set NODROP_ADMIN_PASSWORD to get one.")
        elif not users.filter(username="admin").exists():
            users.create_superuser("admin", "admin@example.com", password)
            shown = "the password you set" if settings.ADMIN_PASSWORD else "password admin"
            self.stdout.write(f"Admin: user admin, {shown}.")

    def _seed_app(self, name: str, *permissions: str) -> None:
        """An app's user, whose token is known to everybody: for trying only."""
        app, is_new = get_user_model().objects.get_or_create(username=name)
        if is_new:
            app.set_unusable_password()
            app.save()
            app.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        Token.objects.get_or_create(user=app, defaults={"key": name})
        what_for = " to give money back" if permissions else ""
        self.stdout.write(f"App: send `Authorization: Token {name}`{what_for}.")
