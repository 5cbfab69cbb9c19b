"""What the API's part of push takes and gives."""

from typing import Any

from rest_framework import serializers

from orders.messages.devices import MOST_OF_A_TOKEN
from orders.states import Via
from shop.api.fields import JsonObject, StrictObject

KINDS = [via for via in Via if via is not Via.EMAIL]


class TicketSerializer(serializers.Serializer):
    ticket = serializers.CharField(help_text="opens one socket of this order, once")
    expires_at = serializers.DateTimeField(help_text="connect before this")
    url = serializers.CharField(help_text="of the WebSocket")


class OfferedSerializer(serializers.Serializer):
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=KINDS), help_text="of devices that can be told"
    )
    vapid_public_key = serializers.CharField(
        allow_null=True, help_text="for `pushManager.subscribe`, as `applicationServerKey`"
    )


class KeysSerializer(JsonObject):
    p256dh = serializers.CharField(max_length=128)
    auth = serializers.CharField(max_length=64)


class SubscriptionSerializer(JsonObject):
    """What `PushSubscription.toJSON()` gives."""

    endpoint = serializers.CharField(max_length=MOST_OF_A_TOKEN)
    keys = KeysSerializer()


class RegisterDeviceSerializer(StrictObject):
    kind = serializers.ChoiceField(choices=KINDS)
    token = serializers.CharField(
        max_length=MOST_OF_A_TOKEN, required=False, help_text="of FCM or APNs"
    )
    subscription = SubscriptionSerializer(required=False, help_text="of a browser")
    language = serializers.CharField(
        max_length=16, required=False, default="", allow_blank=True, help_text="such as `zh-hans`"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        wanted = "subscription" if attrs["kind"] == Via.WEB else "token"
        if wanted not in attrs:
            raise serializers.ValidationError({wanted: ["This kind of device needs it."]})
        return attrs


class DeviceSerializer(serializers.Serializer):
    device_no = serializers.CharField(help_text="unregister it by this")
    kind = serializers.ChoiceField(choices=KINDS)
    created_at = serializers.DateTimeField()
