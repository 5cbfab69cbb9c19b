"""Lines remember whether they were taken out of the stock, which may be large."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0009_index_failed_notifications"),
    ]

    operations = [
        migrations.AddField(
            model_name="orderline",
            name="reserved",
            field=models.BooleanField(
                db_default=False, default=False, help_text="taken out of the stock for this order"
            ),
        ),
        migrations.AlterField(
            model_name="stock",
            name="available",
            field=models.BigIntegerField(help_text="not reserved and not sold"),
        ),
    ]
