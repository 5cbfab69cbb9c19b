"""The shop's own Celery task: reads the clock, makes one call."""

from celery import shared_task
from django.utils import timezone

from shop import answers


@shared_task(name="shop.forget_answers")
def forget_answers(**_future: object) -> None:
    """Delete the kept answers of the API that are given no more."""
    answers.forget(now=timezone.now())
