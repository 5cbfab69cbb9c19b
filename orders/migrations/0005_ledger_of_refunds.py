"""The ledger also tells what went back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0004_closing_and_stock"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="ledgerentry",
            name="ledger_entry_known",
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="capture_no",
            field=models.CharField(blank=True, default="", db_default="", max_length=128),
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="refund_no",
            field=models.CharField(blank=True, default="", db_default="", max_length=32),
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="refund_seq",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="number of the refund's event"
            ),
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="why",
            field=models.CharField(
                blank=True,
                choices=[
                    ("late", "Came after the order was closed"),
                    ("second", "The order was paid already"),
                    ("mispaid", "Not what was asked for"),
                ],
                default="",
                db_default="",
                help_text="of surplus",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="entry",
            field=models.CharField(
                choices=[
                    ("applied", "Applied"),
                    ("surplus", "Surplus"),
                    ("refund", "Refund"),
                    ("bounced", "Bounced"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="payment_no",
            field=models.CharField(max_length=32),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["payment_no"], name="ledger_by_payment_no"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("entry", "surplus")),
                fields=["recorded_at"],
                name="ledger_surplus_age",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("refund_no", "")),
                fields=("payment_no", "capture_no"),
                name="received_once_per_capture",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("refund_no", ""), _negated=True),
                fields=("refund_no", "refund_seq"),
                name="went_back_once_per_event",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("entry__in", ["applied", "surplus", "refund", "bounced"])),
                name="ledger_entry_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("entry__in", ["applied", "surplus"]),
                    models.Q(("refund_no", ""), _negated=True),
                    _connector="XOR",
                ),
                name="what_went_back_names_its_refund",
            ),
        ),
    ]
