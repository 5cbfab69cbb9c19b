"""Keeps the translations in step with the texts."""

from typing import Any

from django.core.management.base import BaseCommand

from shop.catalogue import catalogues, untranslated, update


class Command(BaseCommand):
    """Add new texts to the catalogues, drop those that are gone, and compile them."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        for path in catalogues():
            empty = untranslated(update(path))
            self.stdout.write(f"{path}: {len(empty)} to be translated")
            for text in empty:
                self.stdout.write(f"  {text}")
