"""A refusal ends a refund only where no earlier call can be under way: when that was sent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0011_find_a_channels_first_payment"),
    ]

    operations = [
        migrations.AddField(
            model_name="refund",
            name="sent_at",
            field=models.DateTimeField(blank=True, help_text="written before each call", null=True),
        ),
    ]
