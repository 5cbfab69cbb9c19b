"""The words of the messages. Never more than is known, and the same on every way."""

from dataclasses import dataclass

from orders.states import MessageKind

ENGLISH, CHINESE = "en", "zh-hans"


@dataclass(frozen=True, slots=True)
class Text:
    """`{order_no}` stands for the order's number."""

    title: str
    body: str


TEXTS = {
    ENGLISH: {
        MessageKind.PAID: Text(
            "Your order is paid",
            "We have received your payment for order {order_no}. Thank you!",
        ),
        MessageKind.NOT_PAID: Text(
            "Your order is not paid",
            "The payment for order {order_no} did not take place: no money was taken.",
        ),
        MessageKind.REFUND_COMING: Text(
            "Your money is on its way back",
            "We have received money for order {order_no} that it did not need (any more). "
            "It goes back to you by itself; there is nothing that you have to do.",
        ),
        MessageKind.REFUNDED: Text(
            "Your money has gone back",
            "All money for order {order_no} has gone back to where you paid from.",
        ),
    },
    CHINESE: {
        MessageKind.PAID: Text("订单已支付", "我们已收到订单 {order_no} 的付款，谢谢！"),
        MessageKind.NOT_PAID: Text("订单未支付", "订单 {order_no} 的付款没有成立，未扣款。"),
        MessageKind.REFUND_COMING: Text(
            "退款处理中",
            "我们收到了订单 {order_no} 不需要的一笔款项，将自动原路退回，您无需任何操作。",
        ),
        MessageKind.REFUNDED: Text("退款成功", "订单 {order_no} 的款项已全部原路退回。"),
    },
}


def text_of(kind: str, *, order_no: str, language: str) -> Text:
    """Title and body in the shopper's language; English where we don't speak it."""
    text = TEXTS[_spoken(language)][MessageKind(kind)]
    return Text(text.title, text.body.format(order_no=order_no))


def _spoken(language: str) -> str:
    return CHINESE if language.lower().partition("-")[0] == "zh" else ENGLISH
