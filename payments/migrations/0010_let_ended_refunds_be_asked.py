"""A callback that takes the end of a refund back has the channel asked."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0009_find_refunds_by_channel_number"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="refund",
            name="only_open_refunds_are_consulted",
        ),
    ]
