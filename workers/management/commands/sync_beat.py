"""`manage.py sync_beat`: run at each deploy."""

from django.core.management.base import BaseCommand

from workers import schedule


class Command(BaseCommand):
    help = "Creates the beat entries that are missing; leaves what was edited in the admin alone."

    def handle(self, *_args: object, **_options: object) -> None:
        created = schedule.sync()
        self.stdout.write(f"beat entries created: {', '.join(created) or 'none, all are there'}")
