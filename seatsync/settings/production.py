"""Production: every secret and address comes from the environment; safety.py names what is unsafe, for every entry."""

import os

from seatsync.settings.safety import production_demands

# Before anything is read, so that one start names every fault.
production_demands(os.environ)

from seatsync.settings.base import *  # noqa: E402, F403 - see above; the base's names and its own
from seatsync.settings.env import env_database, env_str  # noqa: E402 - see above

# Whatever the environment says: this module is production.
ENVIRONMENT = "production"
DATABASES = {
    "default": {
        **env_database("DATABASE_URL", env_str("DATABASE_URL")),
        "CONN_MAX_AGE": 60,
    }
}
REDIS_URL = env_str("REDIS_URL")
SECRET_KEY = env_str("SECRET_KEY")
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
ADMIN_REQUIRES_OTP = True
SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
# Browsers' preload lists bind a whole domain for years, beyond us and this header: its owner's step, never a default
# (hstspreload.org asks products not to send it unasked). So Django's advice W021 is answered and not followed.
SECURE_HSTS_PRELOAD = False
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
