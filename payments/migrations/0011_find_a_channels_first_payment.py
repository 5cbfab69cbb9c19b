"""A channel's first payment is found at once, also where the channel has none."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is built beside the work can't be part of a transaction

    dependencies = [
        ("payments", "0010_let_ended_refunds_be_asked"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="payment",
            index=models.Index(fields=["channel", "id"], name="payment_by_channel"),
        ),
    ]
