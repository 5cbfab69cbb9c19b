"""What the payment side's admin pages have in common."""

from django.http import HttpRequest

from common.admin import ReadOnlyAdmin
from payments.states import DifferenceKind, RefundStatus, StatementState, Status, Verdict

STATUS_COLOURS = {
    Status.CREATED: "info",
    Status.PAYING: "warning",
    Status.SUCCEEDED: "success",
    Status.FAILED: "danger",
    Status.CANCELLED: "default",
    Status.CLOSED: "default",
    Status.MISPAID: "danger",
}
REFUND_COLOURS = {
    RefundStatus.REQUESTED: "info",
    RefundStatus.PENDING: "warning",
    RefundStatus.SUCCEEDED: "success",
    RefundStatus.FAILED: "danger",
}
VERDICT_COLOURS = {
    Verdict.PENDING: "info",
    Verdict.APPLIED: "success",
    Verdict.REPEATED: "default",
    Verdict.INCONCLUSIVE: "default",
    Verdict.CONTRADICTS: "danger",
    Verdict.ORPHAN: "danger",
    Verdict.FAILED: "danger",
}
STATEMENT_COLOURS = {
    StatementState.WAITING: "info",
    StatementState.COMPARED: "success",
    StatementState.UNREADABLE: "danger",
}
DIFFERENCE_COLOURS = dict.fromkeys(DifferenceKind, "warning") | {
    DifferenceKind.MISSING_HERE: "danger",
    DifferenceKind.MISSING_THERE: "danger",
}


class PaymentSideAdmin(ReadOnlyAdmin):
    """Read only, with the permissions of the payment side's actions."""

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.operate_payment")

    def has_refund_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.refund_payment")
