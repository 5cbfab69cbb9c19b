"""The ledger is history: the database lets nobody rewrite or delete an entry."""

from django.db import migrations

KEEP = """
CREATE FUNCTION orders_keep_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is history: entries are added, never rewritten or deleted'
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER ledger_is_kept BEFORE UPDATE OR DELETE ON orders_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION orders_keep_ledger();
"""

UNDO = """
DROP TRIGGER ledger_is_kept ON orders_ledgerentry;
DROP FUNCTION orders_keep_ledger();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_index_surplus")]

    operations = [migrations.RunSQL(KEEP, UNDO)]
