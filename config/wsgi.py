"""The WSGI entry point: pages, REST API, callbacks and admin.

Does not start with a setting that a system check finds wrong: the server says which one.
"""

import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
call_command("check")
