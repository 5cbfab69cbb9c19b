"""Evidence and events are history: the database lets nobody rewrite or delete it."""

from django.db import migrations

KEEP = """
CREATE FUNCTION payments_keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is history: rows are added, never rewritten or deleted', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER evidence_is_kept BEFORE DELETE ON payments_evidence
    FOR EACH ROW EXECUTE FUNCTION payments_keep_history();
CREATE TRIGGER evidence_is_not_rewritten
    BEFORE UPDATE OF channel, source, event_id, body, headers, received_at ON payments_evidence
    FOR EACH ROW EXECUTE FUNCTION payments_keep_history();
CREATE TRIGGER event_is_kept BEFORE DELETE ON payments_paymentevent
    FOR EACH ROW EXECUTE FUNCTION payments_keep_history();
CREATE TRIGGER event_is_not_rewritten
    BEFORE UPDATE OF payment_id, seq, from_status, to_status, source, evidence_id, occurred_at
    ON payments_paymentevent
    FOR EACH ROW EXECUTE FUNCTION payments_keep_history();
"""

UNDO = """
DROP TRIGGER evidence_is_kept ON payments_evidence;
DROP TRIGGER evidence_is_not_rewritten ON payments_evidence;
DROP TRIGGER event_is_kept ON payments_paymentevent;
DROP TRIGGER event_is_not_rewritten ON payments_paymentevent;
DROP FUNCTION payments_keep_history();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_look_at_contradictions")]

    operations = [migrations.RunSQL(KEEP, UNDO)]
