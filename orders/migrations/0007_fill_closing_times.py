"""Open orders of before get the time that a new order has: nobody's is closed at once."""

from django.db import migrations

FILL = """
UPDATE orders_order
    SET expires_at = now() + interval '30 minutes', close_due_at = now() + interval '30 minutes'
    WHERE status IN ('unpaid', 'paying') AND close_due_at IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_notifications")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
