"""How gunicorn serves the app where releases come by a link: as the app says, but code is loaded by each new worker."""

bind = "unix:/run/depl/web.sock"
umask = 0
# Left as a link: at a HUP, workers start where it leads then.
chdir = "/srv/depl/peer-capistrano/current"
preload_app = False
worker_class = "gthread"
workers = 2
threads = 16
keepalive = 75
graceful_timeout = 30
worker_tmp_dir = "/dev/shm"
control_socket_disable = True
