"""Development: real embedded servers, mail in files, no TLS."""

from seatsync.settings.base import *  # noqa: F403
from seatsync.settings.env import env_bool

DEBUG = env_bool("DEBUG", False)
ADMIN_REQUIRES_OTP = env_bool("ADMIN_REQUIRES_OTP", False)
