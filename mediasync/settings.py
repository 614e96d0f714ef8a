"""All settings, read from the environment (and ``.env``); docs/settings.md says what each is for.

Each secret may also be given as a file: ``SECRET_KEY_FILE`` wins over ``SECRET_KEY``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import django_stubs_ext
import environ

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
env_file = Path(env.str("MEDIASYNC_ENV_FILE", default=str(BASE_DIR / ".env")))
if env_file.is_file():
    env.read_env(str(env_file))

# -- The basics
DATA_DIR = Path(env.str("MEDIASYNC_DATA", default=str(BASE_DIR / "data"))).absolute()
SECRET_KEY = env.str("SECRET_KEY", default="").strip()  # a file ends with a newline, which is not part of it
FIELD_KEY = env.str("FIELD_KEY", default="").strip() or SECRET_KEY  # seals the tokens of servers
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
LISTEN = env.str("LISTEN", default="127.0.0.1:8000")
WEB_THREADS = env.int("WEB_THREADS", default=8)

# -- Apps
INSTALLED_APPS = [
    "mediasync",
    "mediasync.ui.apps.UiConfig",
    "mediasync.jobs",
    "mediasync.servers",
    "mediasync.notify",
    "monitors",
    "cleanup",
    "catalog",
    "scanning",
    "django_q",
    "mediasync.ui.apps.MediasyncAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "mediasync.ui.middleware.strict_csp",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "mediasync.urls"
WSGI_APPLICATION = "mediasync.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# -- Database: SQLite unless DATABASE_URL names a PostgreSQL
SQLITE_OPTIONS: dict[str, Any] = {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
}
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{quote(str(DATA_DIR))}/mediasync.sqlite3")
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(DATA_DIR / "cache"),
    }
}

# -- The engine
WORKERS = env.int("WORKERS", default=2)
LEASE_SECONDS = env.float("LEASE_SECONDS", default=60.0)
HEARTBEAT_SECONDS = env.float("HEARTBEAT_SECONDS", default=2.0)
SLICE_SECONDS = env.float("SLICE_SECONDS", default=15.0)
LANES = {
    "download": 1,
    "general": 4,
    "server:*": 2,
    "notify:*": 1,
    "root:*": 1,
    "plexdb:*": 1,
}  # key or prefix → jobs at once
KEEP_JOBS_DAYS = env.int("KEEP_JOBS_DAYS", default=30)
KEEP_FAILED_DAYS = env.int("KEEP_FAILED_DAYS", default=90)
KEEP_ITEMS_DAYS = env.int("KEEP_ITEMS_DAYS", default=7)
Q_CLUSTER: dict[str, Any] = {
    "name": "mediasync",
    "orm": "default",
    "cache": "default",  # shared by web and worker: the file cache above
    "workers": WORKERS,
    "queue_limit": 1,
    "bulk": 1,
    # A slice aims at SLICE_SECONDS, the lease tells who is alive; this is only the net, wide enough for one long item.
    "timeout": 1800,
    "retry": 7200,
    "ack_failures": True,
    "max_attempts": 1,  # our engine retries, not the courier
    "catch_up": False,
    "save_limit": 100,
    "recycle": 200,
    "max_rss": 400_000,  # kB
    "poll": 0.2,
    "guard_cycle": 0.5,
}

# -- Hints: seconds without news after which one is due, by source or kind of source (HINT_DEBOUNCE=watch=5,sonarr=0)
HINT_DEBOUNCE = {name: float(seconds) for name, seconds in env.dict("HINT_DEBOUNCE", default={}).items()}
KEEP_PAYLOADS_DAYS = env.int("KEEP_PAYLOADS_DAYS", default=14)

# -- Messages
KEEP_MESSAGES_DAYS = env.int("KEEP_MESSAGES_DAYS", default=30)
ADMINS = [(address, address) for address in env.list("ADMINS", default=[])]  # are mailed errors of mediasync itself
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("MAIL_FROM", default="mediasync@localhost")
EMAIL_SUBJECT_PREFIX = "[mediasync] "
vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = 15  # seconds

# -- Updates on demand (docs/on-demand.md): whole libraries for titles that are nowhere; mails, "" reads none
UPDATE_WHOLE_LIBRARIES = env.bool("UPDATE_WHOLE_LIBRARIES", default=False)
IMAP_URL = env.str("IMAP_URL", default="").strip()  # imaps://user@host/folder
IMAP_PASSWORD = env.str("IMAP_PASSWORD", default="").strip()
IMAP_EVERY = env.float("IMAP_EVERY", default=60.0)  # seconds

# -- Music (docs/catalog.md); a storage backend is registered from OBJECT_… by ``catalog upload``
LIBRARY_DIR = env.str("LIBRARY_DIR", default="").strip()  # where downloads go unless a backend is the default
DOWNLOAD_LAYOUT = env.str("DOWNLOAD_LAYOUT", default="platform_first_artist").strip()
DOWNLOAD_SOURCES = env.list("DOWNLOAD_SOURCES", default=[])  # names in their order; none: those that are switched on
DOWNLOAD_WORKERS = env.int("DOWNLOAD_WORKERS", default=10)
PLAYLISTS_DIR = Path(env.str("PLAYLISTS_DIR", default=str(DATA_DIR / "playlists"))).absolute()
BUNDLES_DIR = DATA_DIR / "bundles"
KEEP_TRASH_DAYS = env.float("KEEP_TRASH_DAYS", default=30.0)  # 0: for ever
KEEP_BUNDLES_HOURS = env.float("KEEP_BUNDLES_HOURS", default=24.0)
CATALOG_EXPORT_COMMAND = env.str("CATALOG_EXPORT_COMMAND", default="").strip()
CATALOG_EXPORT_WORKDIR = env.str("CATALOG_EXPORT_WORKDIR", default="").strip()
CATALOG_EXPORT_TIMEOUT = env.float("CATALOG_EXPORT_TIMEOUT", default=600.0)  # seconds
UPLOAD_WORKERS = env.int("UPLOAD_WORKERS", default=4)
UPLOAD_SOURCES = env.list("UPLOAD_SOURCES", default=[])
UPLOAD_PLAYLIST_IDS = env.list("UPLOAD_PLAYLIST_IDS", cast=int, default=[])
UPLOAD_LIMIT = env.int("UPLOAD_LIMIT", default=0)
OBJECT_BACKEND = {
    "name": env.str("OBJECT_BACKEND_NAME", default="").strip(),
    "bucket": env.str("OBJECT_BUCKET", default="").strip(),
    "endpoint": env.str("OBJECT_ENDPOINT", default="").strip(),
    "region": env.str("OBJECT_REGION", default="").strip(),
    "base_prefix": env.str("OBJECT_BASE_PREFIX", default="").strip(),
    "addressing_style": env.str("OBJECT_ADDRESSING_STYLE", default="").strip(),
    "public_base_url": env.str("OBJECT_PUBLIC_BASE_URL", default="").strip(),
    "credential_env_prefix": env.str("OBJECT_CREDENTIAL_ENV_PREFIX", default="").strip(),
}

# -- Language, time, files
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文"), ("ko", "한국어")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "mediasync.core.logline.Line",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "daily": {
            "class": "mediasync.core.logfile.DailyFile",
            "formatter": "line",
            "folder": str(DATA_DIR / "logs"),
            "keep": env.int("KEEP_LOG_DAYS", default=14),
        },
        "job": {"()": "mediasync.jobs.rings.Ring", "formatter": "line"},
        "errors": {"class": "mediasync.notify.errorfile.ErrorFile", "path": str(DATA_DIR / "errors.jsonl")},
        "none": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr", "daily", "job", "errors"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django-q": {"level": env.str("Q_LOG_LEVEL", default="WARNING")},  # it tells of each message
        "django": {"handlers": [], "level": "INFO"},  # Django's own would mail while a page waits
        "apprise": {"handlers": ["none"], "level": "WARNING", "propagate": False},  # at DEBUG it writes down addresses,
        "urllib3": {"level": "INFO"},  # and so does this
    },
}
