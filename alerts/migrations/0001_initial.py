"""Alerts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=32)),
                ("subject", models.CharField(blank=True, max_length=160)),
                ("detail", models.TextField(blank=True)),
                ("raised_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(help_text="when it was last found to be so")),
                ("times", models.PositiveIntegerField(default=1)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "resolved_by",
                    models.CharField(blank=True, help_text="empty: Nodrop", max_length=150),
                ),
                ("resolution", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("resolve_alert", "Can resolve alerts")],
                "indexes": [
                    models.Index(
                        condition=models.Q(("resolved_at__isnull", True)),
                        fields=["raised_at"],
                        name="alert_open",
                    ),
                    models.Index(fields=["subject"], name="alert_by_subject"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at__isnull", True)),
                        fields=("kind", "subject"),
                        name="one_open_alert_per_subject",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("resolved_at__isnull", True),
                            models.Q(("resolution", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="a_resolution_has_a_reason",
                    ),
                ],
            },
        ),
    ]
