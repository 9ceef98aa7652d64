"""A site in several processes: PostgreSQL, Redis, and everything that is logged in a file of each process."""

from __future__ import annotations

import os
from typing import Any

from tests.settings.base import *  # noqa: F403
from tests.settings.base import CACHES, DATABASES, MIDDLEWARE

ROOT_URLCONF = "tests.chaos.urls"
MIDDLEWARE = [*MIDDLEWARE, "oidc_login.middleware.SessionLogout"]
DATABASES["default"].update(CONN_MAX_AGE=30, CONN_HEALTH_CHECKS=True)
# Without time-outs, a Redis that hangs holds a thread for ever.
of_redis: dict[str, Any] = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": os.environ["REDIS_URL"],
    "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
}
CACHES["default"] = of_redis
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"all": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "file": {
            "class": "logging.FileHandler",
            "filename": os.path.join(os.environ["LOG_FOLDER"], f"{os.getpid()}.log"),
            "formatter": "all",
        }
    },
    "root": {"handlers": ["file"], "level": "DEBUG"},
}
OIDC_LOGIN_PROVIDERS = {
    "op": {
        "issuer": os.environ["ISSUER"],
        "client_id": "client",
        "client_secret": os.environ["CLIENT_SECRET"],
        "userinfo": "always",
        "timeout": 8,
    }
}
