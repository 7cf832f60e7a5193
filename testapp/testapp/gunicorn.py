"""How gunicorn serves the app.

python3 -m gunicorn -c python:testapp.gunicorn testapp.wsgi:app
"""

import os

bind = "unix:" + os.environ.get("DEPL_SOCKET", "/run/depl/web.sock")

# nginx runs as another user. Who may come near the socket is decided by the directory it lies in.
umask = 0

worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "16"))

# A missing setting then ends the whole server with exit code 1, instead of worker after worker.
preload_app = True

# Longer than nginx's 60 s: who closes an idle connection first must be nginx, or a POST that
# crosses the close on its way becomes a 502.
keepalive = 75

# docker stop waits longer than this, so that requests in flight finish.
graceful_timeout = 30

# The root file system is read-only, and a heartbeat on a disk can stall.
worker_tmp_dir = "/dev/shm"
control_socket_disable = True
