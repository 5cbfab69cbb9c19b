"""When an order closes, and what is left of the goods."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "__first__"),
        ("orders", "0003_keep_ledger"),
    ]

    operations = [
        migrations.CreateModel(
            name="Stock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sku", models.CharField(max_length=32, unique=True)),
                ("available", models.IntegerField(help_text="not reserved and not sold")),
            ],
            options={
                "verbose_name_plural": "stock",
                "ordering": ["sku"],
            },
        ),
        migrations.AddField(
            model_name="order",
            name="close_asked_at",
            field=models.DateTimeField(blank=True, help_text="when it had expired", null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="close_due_at",
            field=models.DateTimeField(blank=True, help_text="the closing's next step", null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="closed_at",
            field=models.DateTimeField(blank=True, help_text="or cancelled", null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="expires_at",
            field=models.DateTimeField(blank=True, help_text="closed if unpaid by then", null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="refunded_at",
            field=models.DateTimeField(blank=True, help_text="all money has gone back", null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="revived_at",
            field=models.DateTimeField(blank=True, help_text="paid after it was closed", null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="stock_held",
            field=models.BooleanField(
                db_default=False, default=False, help_text="its goods are reserved, or sold to it"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("close_due_at__isnull", False)),
                fields=["close_due_at", "id"],
                name="order_close_due",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(
                    ("close_due_at__isnull", True), ("status__in", ["paying", "unpaid"])
                ),
                fields=["id"],
                name="order_open_without_due",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("paid_at__isnull", False)),
                fields=["paid_at"],
                name="order_paid_lately",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("status__in", ["cancelled", "closed"]), ("stock_held", True)),
                fields=["id"],
                name="order_holds_stock_in_vain",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["paying", "unpaid"]),
                    ("close_due_at__isnull", True),
                    _connector="OR",
                ),
                name="only_open_orders_are_due_to_close",
            ),
        ),
        migrations.AddConstraint(
            model_name="stock",
            constraint=models.CheckConstraint(
                condition=models.Q(("available__gte", 0)), name="stock_never_oversold"
            ),
        ),
    ]
