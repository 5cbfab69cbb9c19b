"""Notifications to the systems that fulfil orders."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0005_ledger_of_refunds"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeliveryTry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("seconds", models.FloatField()),
                (
                    "answer",
                    models.CharField(
                        help_text="the HTTP status, or why there was none", max_length=200
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "delivery tries",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64, unique=True)),
                ("url", models.URLField(max_length=500)),
                (
                    "secret",
                    models.TextField(editable=False, help_text="encrypted; signs what is sent"),
                ),
                ("active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
                (
                    "lease_until",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="until then one worker delivers to it",
                        null=True,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("message_id", models.CharField(max_length=64)),
                ("type", models.CharField(max_length=32)),
                ("body", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "tries",
                    models.PositiveIntegerField(
                        default=0, help_text="since it was written or sent anew"
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("resend_notification", "Can send notifications anew")],
            },
        ),
        migrations.AddField(
            model_name="notification",
            name="endpoint",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="notifications",
                to="orders.endpoint",
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="notifications",
                to="orders.order",
            ),
        ),
        migrations.AddField(
            model_name="deliverytry",
            name="notification",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="delivery_tries",
                to="orders.notification",
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["endpoint", "due_at"],
                name="notification_due",
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["endpoint", "order", "id"],
                name="notification_first_of_order",
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(fields=["message_id"], name="notification_by_message_id"),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.UniqueConstraint(
                fields=("endpoint", "message_id"), name="notified_once_per_endpoint"
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "waiting"), ("due_at__isnull", True), _connector="XOR"
                ),
                name="notification_is_due_while_waiting",
            ),
        ),
    ]
