"""All settings, read from the environment (`.env.example` explains each variable).

Nothing needs to be set to try Nodrop: without `DATABASE_URL` and `REDIS_URL` the embedded servers
are used. `NODROP_PRODUCTION=1` demands what production needs and switches the security settings on.
"""

from pathlib import Path
from typing import Any

import dj_database_url
import structlog
from django.core.exceptions import ImproperlyConfigured
from kombu import Queue
from structlog.typing import Processor

from common import kill_points
from config import embedded, env
from config.unfold import UNFOLD  # noqa: F401  (a setting)

BASE_DIR = Path(__file__).resolve().parent.parent

PRODUCTION = env.flag("NODROP_PRODUCTION", False)
DEBUG = env.flag("NODROP_DEBUG", False)
SECRET_KEY = env.required(
    "NODROP_SECRET_KEY", when=PRODUCTION, default="for-trying-nodrop-on-one-machine-only"
)
# Former keys: what was encrypted or signed under them can still be read.
SECRET_KEY_FALLBACKS = env.words("NODROP_SECRET_KEY_FALLBACKS", [])
PUBLIC_URL = env.required(
    "NODROP_PUBLIC_URL",
    when=PRODUCTION,
    default=f"http://127.0.0.1:{env.number('NODROP_WEB_PORT', 8000)}",
).rstrip("/")
ALLOWED_HOSTS = env.words("NODROP_ALLOWED_HOSTS", [] if PRODUCTION else ["*"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_structlog",
    "django_celery_beat",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "config",
    "alerts",
    "payments",
    "orders",
    "workers",
    "shop",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "shop.middleware.RequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "shop.middleware.speak_to_the_shopper",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.pages.frame.frame",
            ],
        },
    },
]

# --- The database: the record of what is to be done ---------------------------------------------

DATABASE_URL = env.required("DATABASE_URL", when=PRODUCTION, default="") or embedded.database_url()
DATABASES = {
    "default": dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)
}
DATABASES["default"].setdefault("OPTIONS", {}).update(
    # A database that hangs must fail the request, never hold it for ever.
    connect_timeout=5,
    keepalives_idle=30,
    keepalives_interval=5,
    keepalives_count=3,
    options="-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: broker, cache and push layer; all of it may vanish at any time ----------------------

REDIS_URL = env.required("REDIS_URL", when=PRODUCTION, default="") or embedded.redis_url()
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "nodrop",
        # The default waits for ever; a request can't.
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 0.5},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            # Above the 5 s for which the layer waits for news at a time; who tells the news has a
            # time limit of its own.
            "hosts": [{"address": REDIS_URL, "socket_timeout": 10, "socket_connect_timeout": 0.5}],
            "prefix": "nodrop.push",
        },
    }
}

# --- Celery: an accelerator, never the memory of what must be done ------------------------------

CELERY_BROKER_URL = embedded.celery_url(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": "nodrop.",  # the instance may be shared
    "visibility_timeout": 300,  # above the longest wake-up (60 s) + its expiry (60 s) + run time
    # Short, since it is a request that waits; `config.celery` lengthens them for the worker.
    "socket_timeout": 1,
    "socket_connect_timeout": 0.5,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 0}  # 0.1-0.25 s with Redis refusing, not 0.7 s
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # wait for Redis for ever
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CHANNEL_ERROR_RETRY = True  # survive READONLY after a failover
CELERY_RESULT_BACKEND = None
CELERY_RESULT_EXPIRES = None  # nothing to clean up: else beat's table gets an entry for it
CELERY_TASK_IGNORE_RESULT = True  # the database is the truth
CELERY_TASK_ACKS_LATE = False  # the rows re-drive a lost wake-up sooner than the broker would
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # fewest unacknowledged
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20.0  # held wake-ups go back on a cold stop
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # surface and load that nobody needs
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # logs are structured by LOGGING below
CELERY_TASK_CREATE_MISSING_QUEUES = False  # a typo must not become a queue that nobody reads
CELERY_TASK_DEFAULT_QUEUE = "consults"
CELERY_TASK_ROUTES = {  # apart, so that none starves another
    "workers.consult_due": {"queue": "consults"},
    "workers.announce_due": {"queue": "sweeps"},
    "workers.sync_payment_result": {"queue": "sweeps"},
    "workers.beat_heartbeat": {"queue": "sweeps"},
    "shop.forget_answers": {"queue": "sweeps"},
    "workers.watch": {"queue": "sweeps"},
    "workers.relay_due": {"queue": "relay"},
    "workers.close_due": {"queue": "refunds"},
    "workers.refund_due": {"queue": "refunds"},
    "workers.notify_due": {"queue": "notifications"},
    "workers.message_due": {"queue": "notifications"},
    "workers.import_statements": {"queue": "statements"},
}
CELERY_TASK_QUEUES = [
    Queue(name) for name in dict.fromkeys(route["queue"] for route in CELERY_TASK_ROUTES.values())
]
CELERY_ACCEPT_CONTENT = ["json"]  # ids only in messages
CELERY_TASK_SERIALIZER = "json"
CELERY_TIMEZONE = "UTC"
CELERY_DB_REUSE_MAX = 1000  # 85 -> 713 tasks/s: Celery closes the connection around each task
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SYNC_EVERY = 1  # a crash re-sends less
CELERY_BEAT_MAX_LOOP_INTERVAL = 5  # an edit in the admin is seen within five seconds

# --- Channels -------------------------------------------------------------------------------------

# Seconds after the start of a payment at which the channel is consulted; then the slow lane.
CONSULT_SCHEDULE = env.durations("NODROP_CONSULT_SCHEDULE", [10, 30, 60, 180, 300, 600, 1800])
PAYMENT_EXPIRES_AFTER = env.seconds("NODROP_PAYMENT_EXPIRES_AFTER", 1800, least=60)
# The same for refunds, after they were asked for; the first question goes out with the request.
REFUND_SCHEDULE = env.durations("NODROP_REFUND_SCHEDULE", [10, 60, 300, 600, 1200, 1800])
# Money of another amount or currency: `refund` it, or `keep` it for an operator.
# What came to another account is never refunded.
MISPAID = env.choice("NODROP_MISPAID", "keep", ["keep", "refund"])
# How many ended days the statements of the channels are looked for.
STATEMENT_DAYS = env.number("NODROP_STATEMENT_DAYS", 7, least=1)

NODROP_CHANNELS = {}
if env.flag("NODROP_SANDBOX", not PRODUCTION):
    NODROP_CHANNELS["sandbox"] = {
        "CLASS": "payments.channels.sandbox.channel.SandboxChannel",
        "LABEL": "Sandbox wallet",
        "CONSULT_SCHEDULE": CONSULT_SCHEDULE,
        # Below what the wallet answers (NODROP_SANDBOX_QUERY_LIMIT); empty: no limit of ours.
        "QUERY_BUDGET": env.text("NODROP_SANDBOX_QUERY_BUDGET", "80/second"),
        "OPTIONS": {
            "base_url": env.text(
                "NODROP_SANDBOX_URL",
                f"http://127.0.0.1:{env.number('NODROP_WALLET_PORT', 8001)}",
            ),
            "merchant": env.text("NODROP_SANDBOX_MERCHANT", "nodrop-demo"),
            "api_key": env.required(
                "NODROP_SANDBOX_API_KEY", when=PRODUCTION, default="sandbox-api-key"
            ),
            "webhook_secret": env.required(
                "NODROP_SANDBOX_WEBHOOK_SECRET",
                when=PRODUCTION,
                default="whsec_bm9kcm9wLXNhbmRib3gtd2ViaG9vay1zZWNyZXQ=",
            ),
            "timeout": env.seconds(
                # A batch of consults must end within its lease: see payments.services.consulting.
                "NODROP_CHANNEL_TIMEOUT",
                5,
                least=0.1,
                most=7,
            ),
        },
    }

# --- Orders ---------------------------------------------------------------------------------------

ORDER_EXPIRES_AFTER = env.seconds("NODROP_ORDER_EXPIRES_AFTER", 1800, least=1)
# Money for an order that was closed: `revive` it if its goods can still be had, or `refund`.
LATE_MONEY = env.choice("NODROP_LATE_MONEY", "revive", ["revive", "refund"])
# Whether they can: a function of the order that takes them again and says so.
REVIVAL_RULE = env.text("NODROP_REVIVAL_RULE", "orders.stock.take_again")

# --- Notifications: what the systems that fulfil orders are told ---------------------------------

# Whether they may go over plain HTTP, and to private addresses.
NOTIFY_HTTP = env.flag("NODROP_NOTIFY_HTTP", not PRODUCTION)
NOTIFY_PRIVATE = env.flag("NODROP_NOTIFY_PRIVATE", False)

# --- Messages: what shoppers are told when they aren't looking -----------------------------------

ORDER_LINK = "shop.access.order_link"  # a function of the order's number
# Seconds that an e-mail waits: who sees the end herself until then is sent none. Longer than the
# longest wait between two polls.
EMAIL_AFTER = env.seconds("NODROP_EMAIL_AFTER", 60)
EMAIL_HOST = env.text("NODROP_EMAIL_HOST", "")
EMAIL_PORT = env.number("NODROP_EMAIL_PORT", 587, least=1)
EMAIL_HOST_USER = env.text("NODROP_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = env.text("NODROP_EMAIL_PASSWORD", "")
EMAIL_SECURITY = env.choice("NODROP_EMAIL_SECURITY", "starttls", ["starttls", "tls", "none"])
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL_SECURITY == "starttls", EMAIL_SECURITY == "tls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("NODROP_EMAIL_FROM", "shop@localhost")
# The ways to a shopper; each is used when its first variable is set.
_NOTIFIERS: dict[str, dict[str, str]] = {
    "email": {"host": EMAIL_HOST},
    "fcm": {
        "credentials": env.text("NODROP_FCM_CREDENTIALS", ""),
        "url": env.text("NODROP_FCM_URL", "https://fcm.googleapis.com").rstrip("/"),
    },
    "apns": {
        "key": env.text("NODROP_APNS_KEY", ""),
        "key_id": env.text("NODROP_APNS_KEY_ID", ""),
        "team_id": env.text("NODROP_APNS_TEAM_ID", ""),
        "topic": env.text("NODROP_APNS_TOPIC", ""),
        "url": env.text("NODROP_APNS_URL", "https://api.push.apple.com").rstrip("/"),
    },
    "web": {
        "private_key": env.text("NODROP_VAPID_PRIVATE_KEY", ""),
        "subject": env.text("NODROP_VAPID_SUBJECT", PUBLIC_URL),
    },
}
NOTIFIERS: dict[str, dict[str, Any]] = {
    via: {"CLASS": f"orders.messages.notifiers.{via}.{via.title()}Notifier", "OPTIONS": options}
    for via, options in _NOTIFIERS.items()
    if next(iter(options.values()))
}

# --- REST API -------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["shop.api.authentication.OnlyTokens"],
    "URL_FORMAT_OVERRIDE": None,  # `?format=` means nothing here
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["shop.api.parsers.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["shop.api.limits.Limits"],
    "EXCEPTION_HANDLER": "shop.api.problems.handle",
}
# Requests a minute: of one user, or of one guest; `address`: of all guests of one address. 0: any.
API_LIMITS = {
    "reads": env.number("NODROP_API_READS", 600),
    "writes": env.number("NODROP_API_WRITES", 120),
    "polls": env.number("NODROP_API_POLLS", 300),
    "address": env.number("NODROP_API_ADDRESS", 6000),
}
if not env.flag("NODROP_API_LIMITS", True):
    API_LIMITS = {}
# Proxies of ours in front: callers are told apart by the address that the outermost one has seen.
PROXIES = env.number("NODROP_PROXIES", 1 if PRODUCTION else 0)
SPECTACULAR_SETTINGS = {
    "TITLE": "Nodrop",
    "DESCRIPTION": "Place an order, pay it in a wallet, and learn the truth about the payment.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "DeviceKindEnum": "shop.api.push_serializers.KINDS",
        "PaymentStatusEnum": "payments.states.Status",
        "OrderStatusEnum": "orders.states.OrderStatus",
        "RefundStatusEnum": "payments.states.RefundStatus",
        "StandingEnum": "shop.standing.Standing",
        "CauseEnum": "shop.money_back.Cause",
        "WayEnum": "shop.money_back.Way",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "shop.api.openapi.complete",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- Pages, admin, static files -----------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]  # each in its own words
LOCALE_PATHS = [BASE_DIR / "shop/locale"]  # before those of other apps, which know some words too
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles" if PRODUCTION else None
WHITENOISE_USE_FINDERS = not PRODUCTION  # no collectstatic needed to try it
# Looked up when they are asked for: else each start, and each client of a test, reads all of them.
WHITENOISE_AUTOREFRESH = not PRODUCTION
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Of the user `admin` that `manage.py seed` makes; empty: `admin`, and nobody in production.
ADMIN_PASSWORD = env.text("NODROP_ADMIN_PASSWORD", "")
# Where push is served, e.g. `wss://push.example.com`; empty: the result page only polls.
PUSH_URL = env.text("NODROP_PUSH_URL", "").rstrip("/")
# Whose pages may open a socket, and whether who names no page may: apps don't.
_THIS_MACHINE = ["127.0.0.1", "localhost", "[::1]"]  # on any port
PUSH_ORIGINS = env.words(
    "NODROP_PUSH_ORIGINS", [PUBLIC_URL] if PRODUCTION else [PUBLIC_URL, *_THIS_MACHINE]
)
PUSH_WITHOUT_ORIGIN = env.flag("NODROP_PUSH_WITHOUT_ORIGIN", True)
# Sockets of one user, or of one guest's order, at a time.
PUSH_SOCKETS = env.number("NODROP_PUSH_SOCKETS", 10, least=1)
# Polls a second, of all processes, from which on everybody is told to poll more slowly.
POLLS_PER_SECOND = env.number("NODROP_POLLS_PER_SECOND", 300, least=1)
# Origins besides our own to which a wallet may send shoppers back, e.g. `myapp://paid`.
RETURN_ORIGINS = [origin.lower().rstrip("/") for origin in env.words("NODROP_RETURN_ORIGINS", [])]

# --- Security -------------------------------------------------------------------------------------

CALLBACK_MAX_BYTES = 64 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "shop.errors.no_cookie"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/"],  # its scripts are written inline
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *filter(None, [PUSH_URL])],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        # "Pay" leads to the wallet, and browsers hold a form's redirects to this rule too.
        "form-action": ["'self'", "https:", *([] if PRODUCTION else ["http:"])],
    },
}
SECURE_SSL_REDIRECT = env.flag("NODROP_SSL_REDIRECT", PRODUCTION)
SECURE_HSTS_SECONDS = env.number("NODROP_HSTS_SECONDS", 31536000 if PRODUCTION else 0)
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    # Health checks come from inside, by plain HTTP.
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    LANGUAGE_COOKIE_SECURE = True

# --- Tests ----------------------------------------------------------------------------------------

# A test makes a process kill itself at one of `common.kill_points`.
if kill_at := env.text("NODROP_KILL_AT", ""):
    if PRODUCTION:
        raise ImproperlyConfigured("NODROP_KILL_AT is for tests: production must not set it.")
    kill_points.arm(kill_at)

# --- Logs: one line of JSON (or of text on a terminal) an event ---------------------------------

LOG_FORMAT = env.choice("NODROP_LOG_FORMAT", "json" if PRODUCTION else "text", ["json", "text"])
LOG_LEVEL = env.choice(
    "NODROP_LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
)
LOG_CHAIN: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Plain tracebacks: pretty ones print local variables, and so secrets.
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer()
                if LOG_FORMAT == "json"
                else structlog.dev.ConsoleRenderer(
                    colors=False, exception_formatter=structlog.dev.plain_traceback
                ),
            ],
            "foreign_pre_chain": LOG_CHAIN,
        }
    },
    "filters": {"no_trace_of_refusals": {"()": "config.logs.NoTraceOfRefusals"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["console"], "propagate": False},
        "django.request": {"filters": ["no_trace_of_refusals"]},
        "celery.beat": {"level": "WARNING"},  # a line for each tick tells nobody anything
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *LOG_CHAIN,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# Query strings and user agents carry tokens and personal data: the path is enough.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
