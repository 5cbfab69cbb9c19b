"""Refunds are found by the channel's number, as payments are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0008_keep_refund_history"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(
                condition=models.Q(("channel_no", ""), _negated=True),
                fields=["channel_no"],
                name="refund_by_channel_no",
            ),
        ),
    ]
