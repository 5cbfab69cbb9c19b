"""The ways to pay, as shoppers read them."""

from django.utils.translation import gettext, gettext_noop

from payments.channels.registry import channel_names, get_channel, get_label

gettext_noop("Sandbox wallet")  # the label of the channel that we ship


def label_of(channel: str) -> str:
    """What shoppers call the channel: an operator's own label stays as it is."""
    return gettext(get_label(channel))


def ways_to_pay(currency: str, *, but: str = "") -> list[tuple[str, str]]:
    """Names and labels of the channels that take this currency, without the one named `but`."""
    return [
        (name, label_of(name))
        for name in channel_names()
        if name != but and currency in get_channel(name).capabilities.currencies
    ]
