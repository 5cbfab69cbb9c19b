"""What was captured and what goes back, on the payment; captures beyond the first."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0003_keep_history"),
    ]

    operations = [
        migrations.CreateModel(
            name="FurtherCapture",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "capture_no",
                    models.CharField(help_text="the channel's number of it", max_length=128),
                ),
                ("amount", models.BigIntegerField(help_text="minor units")),
                ("currency", models.CharField(max_length=3)),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AlterModelOptions(
            name="payment",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("operate_payment", "Can query channels and replay callbacks"),
                    ("refund_payment", "Can refund payments"),
                ],
            },
        ),
        migrations.AddField(
            model_name="payment",
            name="capture_no",
            field=models.CharField(
                blank=True,
                default="",
                db_default="",
                help_text="the channel's number of the capture that paid it",
                max_length=128,
            ),
        ),
        migrations.AddField(
            model_name="payment",
            name="captured_total",
            field=models.BigIntegerField(
                db_default=0,
                default=0,
                help_text="all captures, minor units of the received currency",
            ),
        ),
        migrations.AddField(
            model_name="payment",
            name="received_merchant",
            field=models.CharField(blank=True, default="", db_default="", max_length=64),
        ),
        migrations.AddField(
            model_name="payment",
            name="refund_total",
            field=models.BigIntegerField(
                db_default=0,
                default=0,
                help_text="all refunds that have not failed, the same units",
            ),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("status__in", ["mispaid", "succeeded"])),
                fields=["settled_at"],
                name="payment_money_came",
            ),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("status__in", ["mispaid", "succeeded"])),
                fields=["channel", "paid_at"],
                name="payment_paid_on_a_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("refund_total__gte", 0), ("refund_total__lte", models.F("captured_total"))
                ),
                name="never_more_refunded_than_captured",
            ),
        ),
        migrations.AddField(
            model_name="furthercapture",
            name="evidence",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="payments.evidence",
            ),
        ),
        migrations.AddField(
            model_name="furthercapture",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="further_captures",
                to="payments.payment",
            ),
        ),
        migrations.AddField(
            model_name="paymentevent",
            name="capture",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="event",
                to="payments.furthercapture",
            ),
        ),
        migrations.AddConstraint(
            model_name="furthercapture",
            constraint=models.UniqueConstraint(
                fields=("payment", "capture_no"), name="further_capture_recorded_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="furthercapture",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="further_capture_amount_positive"
            ),
        ),
    ]
