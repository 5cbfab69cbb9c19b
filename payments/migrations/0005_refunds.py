"""Refunds, their events, and the evidence about them."""

import django.db.models.deletion
from django.db import migrations, models

import payments.models.refund


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0004_captures"),
    ]

    operations = [
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "refund_no",
                    models.CharField(
                        default=payments.models.refund.new_refund_no,
                        editable=False,
                        max_length=32,
                        unique=True,
                    ),
                ),
                ("amount", models.BigIntegerField(help_text="minor units")),
                ("currency", models.CharField(max_length=3)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("pending", "Pending"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                        ],
                        default="requested",
                        max_length=16,
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(default=1, help_text="number of the last event"),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("late", "Came after the order was closed"),
                            ("second", "The order was paid already"),
                            ("mispaid", "Not what was asked for"),
                            ("customer", "For the customer"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        blank=True, help_text="in the asker's own words", max_length=200
                    ),
                ),
                (
                    "actor",
                    models.CharField(
                        blank=True, help_text="who asked; empty: Nodrop", max_length=150
                    ),
                ),
                ("origin", models.CharField(editable=False, max_length=160, unique=True)),
                (
                    "channel_no",
                    models.CharField(
                        blank=True, help_text="the channel's own number", max_length=128
                    ),
                ),
                (
                    "send_calls",
                    models.PositiveIntegerField(default=0, help_text="counted before each call"),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "settled_at",
                    models.DateTimeField(blank=True, help_text="when we knew the end", null=True),
                ),
                (
                    "refunded_at",
                    models.DateTimeField(blank=True, help_text="by the channel's clock", null=True),
                ),
                ("consult_due_at", models.DateTimeField(blank=True, null=True)),
                ("consulted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "consults",
                    models.PositiveIntegerField(default=0, help_text="questions sent so far"),
                ),
                ("slow_lane_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True, help_text="why the channel refused it")),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RefundEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq", models.PositiveIntegerField()),
                (
                    "from_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("requested", "Requested"),
                            ("pending", "Pending"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "to_status",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("pending", "Pending"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("start", "Start"),
                            ("callback", "Callback"),
                            ("consult", "Consult"),
                            ("sweep", "Sweep"),
                            ("return", "Browser return"),
                            ("close", "Close answer"),
                            ("statement", "Statement"),
                            ("operator", "Operator"),
                        ],
                        max_length=16,
                    ),
                ),
                ("occurred_at", models.DateTimeField()),
                ("relay_due_at", models.DateTimeField(blank=True, null=True)),
                ("relayed_at", models.DateTimeField(blank=True, null=True)),
                ("relay_failures", models.PositiveIntegerField(default=0)),
                (
                    "relay_error",
                    models.TextField(blank=True, help_text="of the last try that failed"),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="evidence",
            name="refund_no",
            field=models.CharField(
                blank=True,
                default="",
                db_default="",
                help_text="as the channel wrote it",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="refunds",
                to="payments.payment",
            ),
        ),
        migrations.AddField(
            model_name="evidence",
            name="refund",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="evidence",
                to="payments.refund",
            ),
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                condition=models.Q(("refund_no", ""), _negated=True),
                fields=["refund_no"],
                name="evidence_by_refund_no",
            ),
        ),
        migrations.AddField(
            model_name="refundevent",
            name="evidence",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="payments.evidence",
            ),
        ),
        migrations.AddField(
            model_name="refundevent",
            name="refund",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="payments.refund",
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(
                condition=models.Q(("consult_due_at__isnull", False)),
                fields=["consult_due_at", "id"],
                name="refund_consult_due",
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(
                condition=models.Q(
                    ("consult_due_at__isnull", True), ("status__in", ["pending", "requested"])
                ),
                fields=["id"],
                name="refund_open_without_due",
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["status", "-id"], name="refund_by_status"),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(
                condition=models.Q(("refunded_at__isnull", False)),
                fields=["refunded_at"],
                name="refund_done_on_a_day",
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(
                condition=models.Q(("status", "succeeded")),
                fields=["settled_at"],
                name="refund_succeeded",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="refund_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")),
                name="refund_currency_is_iso_4217",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["requested", "pending", "succeeded", "failed"])),
                name="refund_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason__in", ["late", "second", "mispaid", "customer"])),
                name="refund_reason_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["pending", "requested"]),
                    ("consult_due_at__isnull", True),
                    _connector="OR",
                ),
                name="only_open_refunds_are_consulted",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["pending", "requested"]),
                    ("settled_at__isnull", False),
                    _connector="OR",
                ),
                name="a_refunds_end_has_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="refundevent",
            index=models.Index(
                condition=models.Q(("relay_due_at__isnull", False)),
                fields=["relay_due_at", "id"],
                name="refund_event_relay_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundevent",
            constraint=models.UniqueConstraint(
                fields=("refund", "seq"), name="refund_event_seq_once_per_refund"
            ),
        ),
        migrations.AddConstraint(
            model_name="refundevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("relayed_at__isnull", True), ("relay_due_at__isnull", True), _connector="XOR"
                ),
                name="refund_event_is_due_until_relayed",
            ),
        ),
    ]
