"""Settings shared by every environment. Values from outside come through env.py and fail loudly."""

import os
import sys
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF

from seatsync.core.environments import ENVIRONMENTS
from seatsync.settings.env import (
    env_bool,
    env_choice,
    env_database,
    env_hosts,
    env_int,
    env_keys,
    env_mail,
    env_mailbox,
    env_networks,
    env_redis,
    env_socket,
    env_str,
    env_web,
)
from seatsync.settings.mail import MailServer
from seatsync.settings.safety import (
    INSECURE_ENCRYPTION_KEY,
    INSECURE_JWT_SECRET_KEY,
    INSECURE_SECRET_KEY,
    NOBODYS_MAILBOX,
    SIMULATOR_ADDRESS,
    encryption_key_problems,
    jwt_key_problems,
    production_demands,
)

BASE_DIR = Path(__file__).resolve().parent.parent.parent
STATE_DIR = Path(env_str("SEATSYNC_STATE_DIR", str(BASE_DIR / ".seatsync")))

ENVIRONMENT = env_choice("ENVIRONMENT", "dev", ENVIRONMENTS)
if ENVIRONMENT == "production":
    # Whichever settings module was chosen.
    production_demands(os.environ)
DEBUG = env_bool("DEBUG", False)
LOG_LEVEL = env_choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))

# The published defaults serve development and tests alone; safety.py refuses them in production.
SECRET_KEY = env_str("SECRET_KEY", INSECURE_SECRET_KEY)
JWT_SECRET_KEYS = env_keys("JWT_SECRET_KEY", INSECURE_JWT_SECRET_KEY, jwt_key_problems)
ENCRYPTION_KEYS = env_keys("ENCRYPTION_KEY", INSECURE_ENCRYPTION_KEY, encryption_key_problems)

BASE_URL = env_web("BASE_URL", "http://localhost:8000")
WS_URL = env_socket("WS_URL", "")
SIMULATOR_URL = env_web("SIMULATOR_URL", SIMULATOR_ADDRESS, path=True)
ALLOWED_HOSTS = env_hosts("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],testserver")
# Networks or addresses of the proxies in front of us: what they say of the client is believed.
TRUSTED_PROXIES = env_networks("TRUSTED_PROXIES")

INSTALLED_APPS = [
    # It brings runserver the sockets, and Twisted to every process that loads it.
    *(["daphne"] if "runserver" in sys.argv else []),
    "seatsync.core.staff_config.StaffConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_celery_beat",
    "django_htmx",
    "django_filters",
    "import_export",
    "lucide",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "csp",
    "seatsync.core",
    "seatsync.live",
    "seatsync.tenants",
    "seatsync.accounts",
    "portfolios",
    "marketplaces",
    "listings",
    "intelligence",
    "automation",
    "analytics",
    "seatsync",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "seatsync.core.middleware.RequestIdMiddleware",
    "seatsync.core.edge.EdgeMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "seatsync.tenants.middleware.TenantMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "seatsync.live.middleware.SeenMiddleware",
    "seatsync.core.page_errors.PageErrorMiddleware",
]

ROOT_URLCONF = "seatsync.urls"
WSGI_APPLICATION = "seatsync.wsgi.application"
ASGI_APPLICATION = "seatsync.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "seatsync.tenants.context.brand",
                "seatsync.shell.shell",
            ],
        },
    }
]

# Nothing listens on port 1: outside production manage.py and the tests put the embedded servers' URLs in the
# environment first (seatsync/core/embedded), and production.py demands both variables.
DATABASES = {"default": env_database("DATABASE_URL", "postgres://seatsync@127.0.0.1:1/seatsync")}
REDIS_URL = env_redis("REDIS_URL", "redis://127.0.0.1:1/0")
# How long a process keeps the labels of replayed seasons before it looks again.
REPLAY_LABELS_KEPT_S = 30.0
# How long a process goes by a marketplace's limit before it looks whether staff have changed it.
LIMITS_KEPT_S = 2.0
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "seatsync.live.layer.LiveLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["seatsync.accounts.services.backend.SignInBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "seatsync.accounts.adapter.AccountAdapter"
MFA_ADAPTER = "seatsync.accounts.adapter.MfaAdapter"
# Failed sign-ins are counted by the sign-in service (accounts/services/sign_in.py), of pages, admin and API alike;
# "login_failed" is left for the codes typed where a second factor is set up.
ACCOUNT_RATE_LIMITS = {
    "login_failed": "5/5m/key,20/5m/ip",
    "login": "60/m/ip",
    "signup": "20/h/ip",
}
MFA_FORMS = {
    "authenticate": "seatsync.accounts.forms.CodeForm",
    "reauthenticate": "seatsync.accounts.forms.CodeAgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
OTP_TOTP_ISSUER = "SeatSync"
# Staff pass a second factor in the admin; development and tests may switch it off.
ADMIN_REQUIRES_OTP = env_bool("ADMIN_REQUIRES_OTP", True)

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# The origin of a CDN that fetches /static/ from us; empty: ours.
STATIC_HOST = env_web("STATIC_HOST", "")
STATIC_URL = f"{STATIC_HOST}/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = STATE_DIR / "media"

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DEFAULT_FROM_EMAIL = env_mailbox("DEFAULT_FROM_EMAIL", NOBODYS_MAILBOX)
_mail_server = env_mail("EMAIL_URL")
(EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS, EMAIL_USE_SSL) = (
    _mail_server or MailServer()
)
EMAIL_TIMEOUT = 15
# Without a server mail lies in files (production demands one).
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if _mail_server else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = str(STATE_DIR / "mail")

# Bytes of a body. The largest honest API write is some 20 kB; a marketplace may send a batch of sales, a holder forward
# mails with pictures in them.
API_LARGEST_BODY = 256_000
WEBHOOK_LARGEST_BODY = 1_000_000
MAIL_LARGEST_BODY = 2_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
_static_hosts = [STATIC_HOST] if STATIC_HOST else []
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/"],
    "DIRECTIVES": {
        "default-src": [SELF, *_static_hosts],
        "connect-src": [SELF, *([WS_URL] if WS_URL else [])],
        "img-src": [SELF, "data:", *_static_hosts],
        "style-src": [SELF, "'unsafe-inline'", *_static_hosts],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["seatsync.accounts.api_auth.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["seatsync.core.wire.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["seatsync.core.wire.JsonParser"],
    "DEFAULT_PAGINATION_CLASS": "seatsync.core.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "seatsync.core.openapi.ProblemSchema",
    "DEFAULT_THROTTLE_CLASSES": ["seatsync.core.throttling.CallerThrottle"],
    "EXCEPTION_HANDLER": "seatsync.core.problems.exception_handler",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": None,
}
API_REQUESTS_PER_MINUTE = env_int("API_REQUESTS_PER_MINUTE", 600, lowest=1, highest=1_000_000)
ACCESS_TOKEN_LIFE = timedelta(minutes=10)
REFRESH_TOKEN_LIFE = timedelta(days=14)
SPECTACULAR_SETTINGS = {
    "TITLE": "SeatSync API",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Every seat of every game: cost, market, listings and sales.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    # A PATCH's input says itself which of its fields may be left out.
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "seatsync.core.openapi.nullable_objects",
    ],
    # Several things have a state and a kind: each set of words has the name of what it is of.
    "ENUM_NAME_OVERRIDES": {
        "CommandStateEnum": "listings.models.CommandState",
        "CommandKindEnum": "listings.models.CommandKind",
        "FoundStateEnum": "listings.models.FoundState",
        "TicketKindEnum": "listings.models.TICKET_KINDS",
        "FoundKindEnum": "listings.models.FoundKind",
        "DeliveryEnum": "listings.models.DELIVERIES",
        "NetBasisEnum": "listings.api.net.NET_BASES",
        "WantsEnum": "listings.api.mapping.WANTS",
        "ModeEnum": "marketplaces.models.Mode",
    },
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Left to itself Celery closes the database connection around every job; seatsync/celery.py does so where it is broken
# or as old as CONN_MAX_AGE says.
CELERY_DB_REUSE_MAX = 1_000
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TASK_ROUTES = {
    # What stands between a sale and the last listing of its seats waits behind nothing else (docs/adr/0016).
    "marketplaces.tasks.process_inbound": {"queue": "urgent"},
    "listings.tasks.drain_urgent": {"queue": "urgent"},
    "listings.tasks.poll_sales": {"queue": "urgent"},
    "listings.tasks.*": {"queue": "sync"},
    "marketplaces.tasks.*": {"queue": "sync"},
    "automation.tasks.*": {"queue": "automation"},
}

# The pricing door refuses to work when the registered guards differ from this list (DESIGN.md 2).
EXPECTED_PRICING_GUARDS = ["change_budget", "dwell_time", "manual_price", "market_data", "max_step"]
MAX_PRICE_STEP_PERCENT = env_int("MAX_PRICE_STEP_PERCENT", 25, lowest=1, highest=100)
# What holds back machines alone: how long a price stands, how often a day it changes, how long a person's price wins
# (30 days at most: services/price_past.py looks no further back), and how old comparables may be.
MIN_PRICE_DWELL_MINUTES = env_int("MIN_PRICE_DWELL_MINUTES", 15, lowest=1, highest=1440)
MAX_PRICE_CHANGES_PER_DAY = env_int("MAX_PRICE_CHANGES_PER_DAY", 24, lowest=1, highest=1440)
MANUAL_PRICE_HOURS = env_int("MANUAL_PRICE_HOURS", 24, lowest=1, highest=720)
MARKET_DATA_MAX_AGE_MINUTES = env_int("MARKET_DATA_MAX_AGE_MINUTES", 60, lowest=1, highest=10_080)
# Half-minute of grace for a lost broker message: beat drains the outbox on this interval.
OUTBOX_SWEEP_SECONDS = 5
HTTP_CONNECT_TIMEOUT_S = 3.0
HTTP_TOTAL_TIMEOUT_S = 12.0

LOGGING_CONFIG = "seatsync.core.logs.configure"
LOGGING = {"level": LOG_LEVEL}
SILENCED_SYSTEM_CHECKS: list[str] = []
