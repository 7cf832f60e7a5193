"""What gunicorn imports."""

import os

from .app import create_app
from .settings import Settings

app = create_app(Settings.from_env(os.environ))
