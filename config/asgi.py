"""The ASGI entry point: push over WebSocket. Pages and callbacks are served by `config.wsgi`."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_app = get_asgi_application()
application = ProtocolTypeRouter(
    {"http": django_app, "websocket": import_string("shop.push.application")}
)
