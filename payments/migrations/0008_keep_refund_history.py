"""Refund events and further captures are history too: nobody rewrites or deletes them."""

from django.db import migrations

KEEP = """
CREATE TRIGGER refund_event_is_kept BEFORE DELETE ON payments_refundevent
    FOR EACH ROW EXECUTE FUNCTION payments_keep_history();
CREATE TRIGGER refund_event_is_not_rewritten
    BEFORE UPDATE OF refund_id, seq, from_status, to_status, source, evidence_id, occurred_at
    ON payments_refundevent
    FOR EACH ROW EXECUTE FUNCTION payments_keep_history();
CREATE TRIGGER refund_is_kept BEFORE DELETE ON payments_refund
    FOR EACH ROW EXECUTE FUNCTION payments_keep_history();
CREATE TRIGGER refund_is_not_another
    BEFORE UPDATE OF refund_no, payment_id, amount, currency, reason, actor, origin, created_at
    ON payments_refund
    FOR EACH ROW EXECUTE FUNCTION payments_keep_history();
CREATE TRIGGER event_keeps_its_capture BEFORE UPDATE OF capture_id ON payments_paymentevent
    FOR EACH ROW EXECUTE FUNCTION payments_keep_history();
CREATE TRIGGER further_capture_is_kept BEFORE UPDATE OR DELETE ON payments_furthercapture
    FOR EACH ROW EXECUTE FUNCTION payments_keep_history();
"""

UNDO = """
DROP TRIGGER refund_event_is_kept ON payments_refundevent;
DROP TRIGGER refund_event_is_not_rewritten ON payments_refundevent;
DROP TRIGGER refund_is_kept ON payments_refund;
DROP TRIGGER refund_is_not_another ON payments_refund;
DROP TRIGGER event_keeps_its_capture ON payments_paymentevent;
DROP TRIGGER further_capture_is_kept ON payments_furthercapture;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_fill_captured_totals")]

    operations = [migrations.RunSQL(KEEP, UNDO)]
