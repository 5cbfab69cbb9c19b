"""What POSTs were answered, for those who send them again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        help_text="caller, path and key, hashed", max_length=64, unique=True
                    ),
                ),
                (
                    "request_hash",
                    models.CharField(
                        help_text="tells a repeat from another request", max_length=64
                    ),
                ),
                ("status", models.PositiveSmallIntegerField()),
                ("sealed", models.TextField()),
                ("answered_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
