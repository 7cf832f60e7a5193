"""What gunicorn imports."""

import os

from . import errors
from .app import create_app
from .settings import Settings

errors.report()
app = create_app(Settings.from_env(os.environ))
