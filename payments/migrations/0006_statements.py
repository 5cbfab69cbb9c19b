"""The channels' statements, and what differs."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0005_refunds"),
    ]

    operations = [
        migrations.CreateModel(
            name="Difference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("missing_here", "Missing here"),
                            ("missing_there", "Missing there"),
                            ("amount_differs", "Amount differs"),
                            ("state_differs", "State differs"),
                            ("unknown_number", "Unknown number"),
                        ],
                        max_length=16,
                    ),
                ),
                ("payment_no", models.CharField(blank=True, max_length=64)),
                ("refund_no", models.CharField(blank=True, max_length=64)),
                ("capture_no", models.CharField(blank=True, max_length=128)),
                (
                    "ours",
                    models.CharField(blank=True, help_text="what our rows say", max_length=200),
                ),
                (
                    "theirs",
                    models.CharField(
                        blank=True, help_text="what the statement says", max_length=200
                    ),
                ),
                ("found_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("resolution", models.CharField(blank=True, max_length=200)),
                (
                    "resolved_by",
                    models.CharField(blank=True, help_text="empty: Nodrop", max_length=150),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=32)),
                ("day", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("compared", "Compared"),
                            ("unreadable", "Unreadable"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, help_text="the next try", null=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True, help_text="of the last try that failed")),
                ("downloaded_at", models.DateTimeField(blank=True, null=True)),
                ("compared_at", models.DateTimeField(blank=True, null=True)),
                (
                    "digest",
                    models.CharField(
                        blank=True, help_text="SHA-256 of the raw bytes", max_length=64
                    ),
                ),
                ("size", models.BigIntegerField(default=0, help_text="bytes, as downloaded")),
                ("lines", models.PositiveIntegerField(default=0)),
                (
                    "matched",
                    models.PositiveIntegerField(
                        default=0, help_text="lines that agree with our rows"
                    ),
                ),
            ],
            options={
                "ordering": ["-day", "channel"],
            },
        ),
        migrations.CreateModel(
            name="StatementPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("body", models.BinaryField()),
            ],
            options={
                "ordering": ["statement", "number"],
            },
        ),
        migrations.AddIndex(
            model_name="statement",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["due_at"],
                name="statement_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.UniqueConstraint(
                fields=("channel", "day"), name="statement_once_per_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "compared", "unreadable"])),
                name="statement_state_known",
            ),
        ),
        migrations.AddField(
            model_name="difference",
            name="statement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="differences",
                to="payments.statement",
            ),
        ),
        migrations.AddField(
            model_name="statementpart",
            name="statement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="parts",
                to="payments.statement",
            ),
        ),
        migrations.AddIndex(
            model_name="difference",
            index=models.Index(
                condition=models.Q(("resolved_at__isnull", True)),
                fields=["found_at"],
                name="difference_open",
            ),
        ),
        migrations.AddIndex(
            model_name="difference",
            index=models.Index(fields=["payment_no"], name="difference_by_payment_no"),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.UniqueConstraint(
                fields=("statement", "kind", "payment_no", "refund_no", "capture_no"),
                name="difference_recorded_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "missing_here",
                            "missing_there",
                            "amount_differs",
                            "state_differs",
                            "unknown_number",
                        ],
                    )
                ),
                name="difference_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementpart",
            constraint=models.UniqueConstraint(
                fields=("statement", "number"), name="statement_part_once_per_number"
            ),
        ),
    ]
