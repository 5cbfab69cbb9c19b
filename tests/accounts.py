"""What the shop has sold and what it owes, order by order: each side is told by rows of its own."""

from dataclasses import dataclass

# What goes back counts as the customers' or as the surplus', as the refund's reason says.
QUERY = """
    SELECT o.order_no, o.status, o.total,
        coalesce(sum(l.amount) FILTER (WHERE l.entry = 'applied'), 0)::bigint,
        coalesce(sum(l.amount) FILTER (WHERE l.entry = 'surplus'), 0)::bigint,
        coalesce(sum(CASE l.entry WHEN 'refund' THEN l.amount ELSE -l.amount END)
            FILTER (WHERE r.reason = 'customer'), 0)::bigint,
        coalesce(sum(CASE l.entry WHEN 'refund' THEN l.amount ELSE -l.amount END)
            FILTER (WHERE r.reason <> 'customer'), 0)::bigint,
        (SELECT coalesce(sum(c.amount), 0)::bigint FROM payments_refund c
            JOIN payments_payment p ON p.id = c.payment_id
            WHERE p.order_no = o.order_no AND c.reason = 'customer' AND c.status = 'succeeded')
    FROM orders_order o
        LEFT JOIN orders_ledgerentry l ON l.order_id = o.id AND l.payment_no <> ALL(%s::text[])
        LEFT JOIN payments_refund r ON r.refund_no = l.refund_no
    GROUP BY o.id
"""


@dataclass(frozen=True, slots=True)
class Account:
    """One order's row of `QUERY`, whose parameter is the payments to leave out; minor units."""

    order_no: str
    status: str
    total: int
    applied: int
    surplus: int
    back_to_customer: int  # as the ledger has it
    surplus_back: int
    customer_refunds: int  # as the refunds have it

    @property
    def sold(self) -> int:
        """By the order and its customer's refunds alone: the ledger has no say."""
        return self.total - self.customer_refunds if self.status == "paid" else 0

    @property
    def owed(self) -> int:
        """By what came unwanted and has not gone back: the order's status has no say."""
        return self.surplus - self.surplus_back

    @property
    def is_sound(self) -> bool:
        """Whether the applied money is that of what was sold, and no more went back than came."""
        applied_as_sold = self.applied - self.back_to_customer == self.sold
        pays_it_all = self.status != "paid" or self.applied == self.total
        return applied_as_sold and pays_it_all and self.owed >= 0
