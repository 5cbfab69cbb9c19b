"""Telling shoppers who aren't looking: their apps and browsers, and as the last resort e-mail."""

from orders.messages.devices import BadDevice, forget_device, register_device
from orders.messages.loop import message_due
from orders.messages.resending import send_again

__all__ = ["BadDevice", "forget_device", "message_due", "register_device", "send_again"]
