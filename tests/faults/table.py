"""The faults: what is broken, when, what holds afterwards, and what to type where nothing mends it by itself.

docs/reliability.md shows this table; `python -m tests.faults.table` prints it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import connections, containers, daemons, disks, people
from .world import World

ITSELF = "by itself"


@dataclass(frozen=True)
class Fault:
    """One row. `types` is what an operator has to type; its command stands in what depl printed meanwhile."""

    name: str
    broken: str
    when: str
    holds: str
    act: Callable[[World], None]
    types: str = ITSELF
    long: bool = False


FAULTS = (
    # --- the session to one host is cut ---
    Fault(
        "ssh-cut-in-prepare",
        "depl's SSH session to one host is killed",
        "`inv promote` writes the routing tables",
        "nothing was live yet, nothing changes",
        connections.cut_in_prepare,
    ),
    Fault(
        "ssh-cut-in-flip",
        "depl's SSH session to one host is killed",
        "the other host has flipped, this one has not",
        "the other host goes back",
        connections.cut_in_flip,
    ),
    Fault(
        "ssh-cut-after-flip",
        "depl's SSH session to one host is killed",
        "this host has flipped and could not say so",
        "both hosts go back: depl connects again to undo",
        connections.cut_after_flip,
    ),
    Fault(
        "ssh-cut-while-stalled",
        "depl's SSH session to one host is killed, which has no time for what was sent to it",
        "its flip was sent",
        "both hosts go back; the flip is not done when the host has time again",
        connections.cut_while_stalled_in_flip,
    ),
    Fault(
        "ssh-cut-in-install",
        "depl's SSH session to one host is killed",
        "`inv install` waits for the container",
        "the release is taken off both hosts",
        connections.cut_in_install,
    ),
    Fault(
        "sshd-stopped",
        "sshd of one host is stopped",
        "before `inv promote`",
        "nothing changes; `inv status` shows the other host",
        connections.sshd_stopped,
        types="Is it up, and right in the inventory?",
    ),
    Fault(
        "network-silent-in-flip",
        "packets to one host are dropped",
        "the other host has flipped, this one has not",
        "the other host goes back; the lock is free within a minute",
        connections.silent_in_flip,
        types="inv status",
        long=True,
    ),
    # --- one host hangs, or is without power ---
    Fault(
        "host-frozen",
        "one host takes packets and does not answer",
        "before `inv promote`",
        "nothing changes",
        connections.frozen_before,
        types="Is it overloaded",
    ),
    Fault(
        "host-frozen-in-flip",
        "one host freezes, and goes on later",
        "its flip was sent",
        "the other host goes back, and the late flip is not done",
        connections.frozen_in_flip,
        types="inv status",
    ),
    Fault(
        "host-dead",
        "one host has no power",
        "before `inv promote`",
        "nothing changes",
        connections.dead_before,
        types="Is it up, and right in the inventory?",
    ),
    Fault(
        "host-dead-in-flip",
        "one host loses power",
        "the other host has flipped, this one has not",
        "the other host goes back; this one serves the old version when it is up",
        connections.dead_in_flip,
        types="inv status",
    ),
    Fault(
        "host-dead-before-its-answer",
        "one host loses power",
        "it has flipped and could not say so",
        "the other host goes back; this one comes up with the new version",
        connections.dead_before_its_answer,
        types="inv promote --version",
    ),
    Fault(
        "host-dead-after-flip",
        "one host loses power",
        "both have flipped",
        "both stay on the new version",
        connections.dead_after_flip,
        types="inv status",
    ),
    Fault(
        "host-rebooted-live",
        "one host boots",
        "live",
        "it serves the same version again",
        connections.rebooted_live,
    ),
    Fault(
        "host-rebooted-canary",
        "one host boots",
        "a canary has 20 % of the users",
        "it serves the same shares again",
        connections.rebooted_with_canary,
    ),
    Fault(
        "host-rebooted-in-install",
        "one host loses power",
        "`inv install` waits for the container",
        "live stays; the next install begins anew",
        connections.rebooted_in_install,
        types="inv status",
    ),
    # --- daemons ---
    Fault(
        "dockerd-restarted",
        "dockerd is restarted on one host",
        "live",
        "containers run on; the next command works once dockerd answers",
        daemons.dockerd_restarted,
    ),
    Fault(
        "dockerd-stopped",
        "dockerd does not run on one host",
        "live",
        "users notice nothing; every verb refuses to work before it changes anything",
        daemons.dockerd_stopped,
        types="systemctl status docker",
    ),
    Fault(
        "dockerd-stopped-in-install",
        "dockerd stops on one host",
        "`inv install` waits for the container",
        "the other host is put back; the next install begins anew on this one",
        daemons.dockerd_stopped_in_install,
        types="inv status",
    ),
    Fault(
        "supervisord-restarted",
        "supervisord is restarted on one host",
        "live",
        "containers run on",
        daemons.supervisord_restarted,
    ),
    Fault(
        "supervisord-restarted-in-install",
        "supervisord is restarted on one host",
        "`inv install` waits for the container",
        "the install comes to its end",
        daemons.supervisord_restarted_in_install,
    ),
    Fault(
        "supervisord-killed",
        "supervisord is killed with -9 on one host",
        "live",
        "containers run on; systemd starts it again within a minute, until then verbs refuse to work",
        daemons.supervisord_killed,
        types="systemctl status supervisor",
        long=True,
    ),
    Fault(
        "nginx-restarted",
        "nginx is restarted on one host",
        "live",
        "new connections to this host are refused for a moment; no other request fails, none gets an error page",
        daemons.nginx_restarted,
    ),
    Fault(
        "nginx-worker-killed",
        "a worker of nginx is killed with -9",
        "live",
        "its connections break; nginx starts another at once",
        daemons.nginx_worker_killed,
    ),
    # --- the registry ---
    Fault(
        "registry-down",
        "the registry does not run",
        "before `inv install`, `inv build`",
        "these refuse to work; `inv promote` and `inv rollback` need no registry",
        daemons.registry_down,
        types="sudo supervisorctl status docker-registry",
    ),
    Fault(
        "registry-hangs",
        "the registry takes connections and does not answer",
        "before `inv install`",
        "refused within seconds, nothing changes",
        daemons.registry_hangs,
        types="sudo supervisorctl status docker-registry",
    ),
    Fault(
        "registry-slow",
        "the registry stands still for seconds",
        "a host pulls",
        "the install comes to its end",
        daemons.registry_slow,
    ),
    Fault(
        "layer-corrupt",
        "a layer has changed on the registry's disk",
        "before `inv install`",
        "Docker sees it; nothing is installed, on no host",
        daemons.layer_corrupt,
        types="pull deploy:5000/app1",
    ),
    # --- disks ---
    Fault(
        "disk-full-in-pull",
        "one host has no room for a layer",
        "it pulls",
        "taken off both hosts",
        disks.full_while_pulling,
        types="no space left on device",
    ),
    Fault(
        "disk-full-in-promote",
        "one host has no room for a routing table",
        "`inv promote` writes it",
        "nothing goes live",
        disks.full_while_writing_the_table,
        types="No space left on device",
    ),
    Fault(
        "disk-full-in-install",
        "one host has no room for a release",
        "`inv install` writes it",
        "taken off both hosts",
        disks.full_while_installing,
        types="No space left on device",
    ),
    # --- half-written, or changed by hand ---
    Fault(
        "table-half-written",
        "the live table's description is torn on one host, then a promote fails",
        "live",
        "the way back stays; the next promote mends it",
        disks.table_half_written,
        types="inv promote --version",
    ),
    Fault(
        "release-half-written",
        "a release's description is torn on one host",
        "installed",
        "it counts as incomplete and gets no traffic",
        disks.release_half_written,
        types="inv install --version",
    ),
    Fault(
        "audit-half-written",
        "the audit file ends in half a line",
        "before `inv promote`",
        "the torn line is left out, those after it are read",
        disks.audit_half_written,
    ),
    Fault(
        "live-link-removed",
        "somebody removes `live` on one host",
        "live",
        "this host answers 503 until it is mended",
        disks.live_link_removed,
        types="inv promote --version",
    ),
    Fault(
        "live-link-astray",
        "somebody leads `live` to a table that is not there",
        "live",
        "this host answers 503 until it is mended",
        disks.live_link_astray,
        types="inv promote --version",
    ),
    Fault(
        "bucket-changed",
        "somebody leads a bucket of one host elsewhere",
        "live",
        "`inv status` shows it; the next promote mends it",
        disks.bucket_changed,
    ),
    Fault(
        "slot-link-removed",
        "somebody removes the live release's slot on one host",
        "live",
        "this host fails until it is mended",
        disks.slot_link_removed,
        types="inv rollback",
    ),
    Fault(
        "release-folder-removed",
        "somebody removes a release's folder",
        "it runs, and is not live",
        "it gets no traffic; the next install makes it anew",
        disks.release_folder_removed,
        types="inv install --version",
    ),
    Fault(
        "strange-files",
        "files and folders lie about that depl never wrote",
        "before `inv promote`, `inv install`",
        "they are left out and left alone",
        disks.strange_files,
    ),
    # --- people and clocks ---
    Fault(
        "two-promote-at-once",
        "two people promote different versions",
        "in the same second",
        "one does it; the other is refused, and told by whom and since when",
        people.two_promote,
        types="Try again when they are done",
    ),
    Fault(
        "two-with-patience",
        "the same, with `depl_lock_wait`",
        "in the same second",
        "one waits for the other and goes on from there",
        people.one_waits,
    ),
    Fault(
        "two-install-at-once",
        "two people install the same version",
        "in the same second",
        "one does it; the other is refused, and then finds it done",
        people.two_install,
        types="Try again when they are done",
    ),
    Fault(
        "installed-twice",
        "a version is installed twice",
        "it is there already",
        "nothing changes",
        people.installed_twice,
    ),
    Fault(
        "interrupted-in-flip",
        "Ctrl-C",
        "one host has flipped, the other has not",
        "all go back",
        people.interrupted_in_flip,
    ),
    Fault(
        "pruned-while-previewed",
        "`inv prune` removes a version",
        "a page of its preview is on its way",
        "the page comes to its end; then a clear 404",
        people.pruned_while_previewed,
    ),
    Fault(
        "clock-ahead",
        "depl's clock was a day ahead (the program's own, shifted)",
        "a promote",
        "later commands agree on what was live when; what it replaced can be pruned today",
        people.clock_ahead,
    ),
    Fault(
        "clock-behind",
        "depl's clock was a day behind (the program's own, shifted)",
        "a promote",
        "what just lost its traffic is still left alone for `depl_drain` seconds",
        people.clock_behind,
    ),
    Fault(
        "out-of-slots",
        "all slots are in use",
        "before `inv install`",
        "refused, nothing changes",
        people.out_of_slots,
        types="Try again in 3600 s",
    ),
    # --- the app ---
    Fault(
        "container-dies",
        "the live container dies on one host",
        "after `inv promote`",
        "this host fails until it has started again, within seconds",
        containers.dies_after_promote,
    ),
    Fault(
        "container-dies-for-good",
        "the live container dies on one host and does not start again",
        "after `inv promote`",
        "this host fails; `inv status` says why it died",
        containers.dies_for_good_after_promote,
        types="inv rollback",
    ),
    Fault(
        "out-of-memory-at-start",
        "a version needs more memory than it may have",
        "`inv install` starts it",
        "taken off both hosts, with the reason",
        containers.out_of_memory_at_start,
        types="out of memory",
    ),
    Fault(
        "out-of-memory-live",
        "a process beside the app eats the live container's memory",
        "live",
        "that process is killed, the app stays",
        containers.out_of_memory_beside_live,
    ),
    Fault(
        "deaf-to-sigterm",
        "a version ignores SIGTERM",
        "`inv prune` removes it",
        "killed after its grace time, nothing is left",
        containers.deaf_to_sigterm,
    ),
)
