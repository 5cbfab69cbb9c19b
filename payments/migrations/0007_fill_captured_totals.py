"""What earlier payments have captured: their first capture was the only one that was recorded."""

from django.db import migrations

FILL = """
UPDATE payments_payment
    SET captured_total = received_amount,
        received_merchant = CASE status WHEN 'succeeded' THEN merchant ELSE '' END
    WHERE status IN ('succeeded', 'mispaid') AND received_amount > 0
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_statements")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
