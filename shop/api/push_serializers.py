"""What the API's part of push takes and gives."""

from rest_framework import serializers


class TicketSerializer(serializers.Serializer):
    ticket = serializers.CharField(help_text="opens one socket of this order, once")
    expires_at = serializers.DateTimeField(help_text="connect before this")
    url = serializers.CharField(help_text="of the WebSocket")
