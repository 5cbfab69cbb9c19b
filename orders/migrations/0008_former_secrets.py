"""The secret that an endpoint had before the last rotation signs as well for a while."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0007_fill_closing_times"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="former_secret",
            field=models.TextField(
                blank=True,
                db_default="",
                editable=False,
                help_text="encrypted; signs as well for a while",
            ),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="former_secret_until",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
