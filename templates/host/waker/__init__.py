"""Puts branches to sleep that nobody visits, and wakes them at the first request. Standard library only.

It runs on the staging host under supervisord, as the user who deploys: `python3 -m waker SECONDS`, after which a branch
without a visitor sleeps; 0 for never. nginx asks it on a unix socket about requests that a branch's app can't take; it
answers when the app can, with the way there, so nginx has the request with its body all the while. Only a browser gets
a page to look at meanwhile. `GET /wake/FOLDER` on that socket wakes a branch for depl itself.

While a branch sleeps, its release has the file `asleep.json`. It is written before anything is stopped, and removed
after all runs again: whoever is killed in between leaves a branch that the next request wakes.
"""
