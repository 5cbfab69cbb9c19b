"""Devices that shoppers register, what they are told, and the language that they read."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import orders.models.message


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0011_index_owner"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="language",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="what its shopper reads, e.g. zh-hans",
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "device_no",
                    models.CharField(
                        default=orders.models.message.new_device_no,
                        editable=False,
                        max_length=32,
                        unique=True,
                    ),
                ),
                (
                    "via",
                    models.CharField(
                        choices=[
                            ("fcm", "Android app (FCM)"),
                            ("apns", "iOS app (APNs)"),
                            ("web", "Browser (web push)"),
                            ("email", "E-mail"),
                        ],
                        max_length=8,
                    ),
                ),
                ("token", models.TextField(blank=True, editable=False)),
                ("keys", models.JSONField(default=dict, editable=False)),
                (
                    "fingerprint",
                    models.CharField(
                        editable=False, help_text="SHA-256 of the token", max_length=64
                    ),
                ),
                ("language", models.CharField(blank=True, max_length=16)),
                ("created_at", models.DateTimeField()),
                ("gone_at", models.DateTimeField(blank=True, null=True)),
                ("gone_why", models.CharField(blank=True, max_length=64)),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="devices",
                        to="orders.order",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "message_no",
                    models.CharField(
                        default=orders.models.message.new_message_no,
                        editable=False,
                        max_length=32,
                        unique=True,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("paid", "Paid"),
                            ("not_paid", "Not paid"),
                            ("refund_coming", "Refund on its way"),
                            ("refunded", "Refunded"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(help_text="of the order, when it became true"),
                ),
                (
                    "via",
                    models.CharField(
                        choices=[
                            ("fcm", "Android app (FCM)"),
                            ("apns", "iOS app (APNs)"),
                            ("web", "Browser (web push)"),
                            ("email", "E-mail"),
                        ],
                        max_length=8,
                    ),
                ),
                ("address", models.EmailField(blank=True, max_length=254)),
                ("language", models.CharField(blank=True, max_length=16)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sent", "Sent"),
                            ("dropped", "Not needed"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                (
                    "answer",
                    models.CharField(blank=True, help_text="of the last try", max_length=200),
                ),
                ("created_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "device",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="orders.device",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="orders.order",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(
                condition=models.Q(("gone_at", None)), fields=["owner"], name="device_of_owner"
            ),
        ),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(
                condition=models.Q(("gone_at", None)), fields=["order"], name="device_of_order"
            ),
        ),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(fields=["fingerprint"], name="device_by_fingerprint"),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.CheckConstraint(
                condition=models.Q(("owner", None), ("order", None), _connector="XOR"),
                name="device_is_a_users_or_an_orders",
            ),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.CheckConstraint(
                condition=models.Q(("gone_at", None), ("token", ""), _connector="XOR"),
                name="device_that_is_gone_has_no_token",
            ),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.UniqueConstraint(
                condition=models.Q(("gone_at", None)),
                fields=("owner", "fingerprint"),
                name="device_once_per_owner",
            ),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.UniqueConstraint(
                condition=models.Q(("gone_at", None)),
                fields=("order", "fingerprint"),
                name="device_once_per_order",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["due_at", "id"],
                name="message_due",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state", "failed")), fields=["-id"], name="message_failed"
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                fields=("order", "kind", "version", "device"),
                name="told_once_per_device",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "waiting"), ("due_at", None), _connector="XOR"),
                name="message_is_due_while_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("device", None), ("via", "email"), models.Q(("address", ""), _negated=True)
                    ),
                    models.Q(
                        models.Q(("via", "email"), _negated=True),
                        ("address", ""),
                        ("device__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="message_goes_to_a_device_or_an_address",
            ),
        ),
    ]
