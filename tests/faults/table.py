"""The faults: what is broken, when, what holds afterwards, and what to type where nothing mends it by itself.

docs/reliability.md shows this table; `python -m tests.faults.table` prints it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import connections, containers, daemons, disks, people
from .world import World

NOTHING = "nothing"
AGAIN = "the same again"
"""It was undone; when its cause is gone it can be done."""


@dataclass(frozen=True)
class Fault:
    """One row. `type` is what an operator has to type, in words; `says` must stand in what depl printed meanwhile.

    `fails` names the traffic that may fail, where some does; else none may. `long` ones are not run by CI.
    """

    name: str
    broken: str
    when: str
    holds: str
    act: Callable[[World], None]
    type: str = NOTHING
    says: str = ""
    fails: str = ""
    long: bool = False


CUT = "depl's SSH session to one host is killed"
PROMOTE = "`inv promote --version V`"
INSTALL = "`inv install --version V`"
REBOOT = "to this host, until it is up"

FAULTS = (
    # --- the session to one host is cut ---
    Fault("ssh-cut-in-prepare", CUT, "`inv promote` writes the routing tables",
          "nothing goes live, on no host", connections.cut_in_prepare, AGAIN, "Put back on"),
    Fault("ssh-cut-in-flip", CUT, "the other host has flipped, this one has not",
          "the other host goes back", connections.cut_in_flip, AGAIN, "Put back on"),
    Fault("ssh-cut-after-flip", CUT, "this host has flipped and could not say so",
          "both go back: depl connects again to undo", connections.cut_after_flip, AGAIN, "Put back on"),
    Fault("ssh-cut-while-stalled", CUT, "its flip was sent, and the host has no processor time for it",
          "both go back; the flip is not done when the host has time again",
          connections.cut_while_stalled_in_flip, AGAIN, "Put back on"),
    Fault("ssh-cut-in-install", CUT, "`inv install` waits for the container",
          "the release is taken off both hosts", connections.cut_in_install, AGAIN, "Put back on"),
    Fault("sshd-stopped", "sshd of one host does not run", "before `inv promote`",
          "nothing changes; `inv status` shows the other host", connections.sshd_stopped,
          AGAIN, "Is it up, and right in the inventory?"),
    Fault("network-silent-in-flip", "packets to one host are dropped without a word",
          "the other host has flipped, this one has not",
          "the other host goes back; the lock is free within a minute", connections.silent_in_flip,
          AGAIN, "When it answers again: inv status", long=True),
    # --- one host hangs, or is without power ---
    Fault("host-frozen", "one host takes packets and does not answer", "before `inv promote`",
          "nothing changes", connections.frozen_before, AGAIN, "takes connections, but does not", fails=REBOOT),
    Fault("host-frozen-in-flip", "one host freezes, and goes on later", "its flip was sent",
          "the other host goes back; the flip is not done when the host goes on", connections.frozen_in_flip,
          AGAIN, "When it answers again: inv status", fails=REBOOT),
    Fault("host-dead", "one host loses power", "before `inv promote`", "nothing changes",
          connections.dead_before, AGAIN, "Is it up, and right in the inventory?", fails=REBOOT),
    Fault("host-dead-in-flip", "one host loses power", "the other host has flipped, this one has not",
          "the other host goes back; this one comes up with the old version", connections.dead_in_flip,
          AGAIN, "When it answers again: inv status", fails=REBOOT),
    Fault("host-dead-before-its-answer", "one host loses power", "it has flipped and could not say so",
          "the other host goes back; **this one comes up with the new version**, since nobody could know. "
          "`inv status` says so", connections.dead_before_its_answer,
          PROMOTE, "Finish: inv promote --version", fails=REBOOT),
    Fault("host-dead-after-flip", "one host loses power", "both have flipped", "both stay on the new version",
          connections.dead_after_flip, NOTHING, "When it answers again: inv status", fails=REBOOT),
    Fault("host-rebooted-live", "one host boots", "live", "it serves the same version again",
          connections.rebooted_live, fails=REBOOT),
    Fault("host-rebooted-canary", "one host boots", "a canary has 20 % of the users",
          "it serves the same shares again", connections.rebooted_with_canary, fails=REBOOT),
    Fault("host-rebooted-in-install", "one host loses power", "`inv install` waits for the container",
          "the release is taken off the other host; the next install begins anew on this one",
          connections.rebooted_in_install, AGAIN, "When it answers again: inv status", fails=REBOOT),
    # --- daemons ---
    Fault("dockerd-restarted", "dockerd of one host is restarted", "live",
          "containers run on; verbs work when it answers", daemons.dockerd_restarted),
    Fault("dockerd-stopped", "dockerd of one host does not run", "live",
          "containers run on; every verb refuses to begin", daemons.dockerd_stopped,
          "`sudo systemctl start docker` there", "systemctl status docker"),
    Fault("dockerd-stopped-in-install", "dockerd of one host stops", "`inv install` waits for the container",
          "the release is taken off the other host; the next install begins anew on this one",
          daemons.dockerd_stopped_in_install, "`sudo systemctl start docker` there, then the same again",
          "systemctl status docker"),
    Fault("supervisord-restarted", "supervisord of one host is restarted", "live", "containers run on",
          daemons.supervisord_restarted),
    Fault("supervisord-restarted-in-install", "supervisord of one host is restarted",
          "`inv install` waits for the container", "the install comes to its end",
          daemons.supervisord_restarted_in_install),
    Fault("supervisord-killed", "supervisord of one host is killed with -9", "live",
          "containers run on; systemd starts it within a minute, until then verbs refuse to begin",
          daemons.supervisord_killed, AGAIN, "systemctl status supervisor", long=True),
    Fault("nginx-restarted", "nginx of one host is restarted", "live",
          "nothing but new and idle connections of that moment is lost; nobody gets an error page",
          daemons.nginx_restarted, fails="to this host, for a moment"),
    Fault("nginx-worker-killed", "a worker of nginx is killed with -9", "live",
          "its connections break, nginx starts another one at once", daemons.nginx_worker_killed,
          fails="over its connections"),
    # --- the registry ---
    Fault("registry-down", "the registry does not run", "before `inv build`, `inv install`",
          "these refuse to begin; `inv promote` and `inv rollback` work", daemons.registry_down,
          "`sudo supervisorctl start docker-registry`, on the deploy host",
          "supervisorctl status docker-registry"),
    Fault("registry-hangs", "the registry takes connections and does not answer", "before `inv install`",
          "refused within seconds", daemons.registry_hangs,
          "`sudo supervisorctl restart docker-registry`, on the deploy host",
          "supervisorctl status docker-registry"),
    Fault("registry-slow", "the registry stands still for seconds", "hosts pull", "the install comes to its end",
          daemons.registry_slow),
    Fault("layer-corrupt", "a layer has changed on the registry's disk", "before `inv install`",
          "Docker notices, nothing is installed", daemons.layer_corrupt,
          "[operations](operations.md#a-layer-is-damaged)", "pull deploy:5000/app1"),
    # --- disks ---
    Fault("disk-full-in-pull", "one host has no room for a layer", "it pulls", "taken off both hosts",
          disks.full_while_pulling, "[operations](operations.md#disk-full)", "no space left on device"),
    Fault("disk-full-in-promote", "one host has no room for a routing table", "`inv promote` writes it",
          "nothing goes live, on no host", disks.full_while_writing_the_table,
          "`inv prune`, then the same again", "No space left on device"),
    Fault("disk-full-in-install", "one host has no room for a release", "`inv install` writes it",
          "taken off both hosts", disks.full_while_installing,
          "`inv prune`, then the same again", "No space left on device"),
    # --- half-written, or changed by hand ---
    Fault("table-half-written", "the live table's description is torn on one host, and then a promote fails", "live",
          "the host goes back to the torn table, which serves all the same", disks.table_half_written,
          PROMOTE, "Finish: inv promote --version"),
    Fault("release-half-written", "a release's description is torn on one host", "installed",
          "it counts as incomplete and gets no traffic", disks.release_half_written,
          INSTALL, "First: inv install --version"),
    Fault("audit-half-written", "the audit file ends in half a line", "before `inv promote`",
          "that line is left out, those after it are read", disks.audit_half_written),
    Fault("live-link-removed", "somebody removes `live` on one host", "live", "the others serve on",
          disks.live_link_removed, PROMOTE, "Finish: inv promote --version", fails="to this host, until mended"),
    Fault("live-link-astray", "somebody leads `live` to a table that is not there", "live", "the others serve on",
          disks.live_link_astray, PROMOTE, "Finish: inv promote --version", fails="to this host, until mended"),
    Fault("bucket-changed", "somebody leads a bucket of one host elsewhere", "live",
          "`inv status` shows it, the next promote writes the table anew", disks.bucket_changed, PROMOTE),
    Fault("slot-link-removed", "somebody removes the slot of the live release on one host", "live",
          "the others serve on; `inv install` does not touch what is live", disks.slot_link_removed,
          "`inv rollback`, then `inv install --version V`", "inv rollback", fails="to this host, until mended"),
    Fault("release-folder-removed", "somebody removes the folder of a release that runs and is not live", "installed",
          "it gets no traffic; the next install makes it anew, `inv prune` removes the rest",
          disks.release_folder_removed, INSTALL, "First: inv install --version"),
    Fault("strange-files", "files and folders lie about that depl never wrote", "before any verb",
          "they are left out and left alone", disks.strange_files),
    # --- people and clocks ---
    Fault("two-promote-at-once", "two people promote different versions", "at the same time",
          "one does it; the other is refused, and told by whom and since when", people.two_promote,
          AGAIN, "Try again when they are done"),
    Fault("two-with-patience", "the same, with `depl_lock_wait`", "at the same time",
          "one waits for the other, and goes on from what is live by then", people.one_waits),
    Fault("two-install-at-once", "two people install the same version", "at the same time",
          "one does it; the other is refused, and then finds it done", people.two_install,
          AGAIN, "Try again when they are done"),
    Fault("installed-twice", "a version is installed twice", "it is there", "nothing changes",
          people.installed_twice),
    Fault("interrupted-in-flip", "Ctrl-C", "one host has flipped, the other has not", "both go back",
          people.interrupted_in_flip, AGAIN, "what promote had done was put back"),
    Fault("pruned-while-previewed", "`inv prune` removes a version", "a page of its preview is on its way",
          "the page comes to its end, then a clear 404", people.pruned_while_previewed),
    Fault("clock-ahead", "depl's clock was a day ahead (simulated: the program's own clock)", "a promote",
          "what is live and what was before are known; what lost its traffic can be pruned today",
          people.clock_ahead),
    Fault("clock-behind", "depl's clock was a day behind (simulated: the program's own clock)", "a promote",
          "what has just lost its traffic is left alone for `depl_drain` seconds", people.clock_behind),
    Fault("out-of-slots", "all slots are in use", "before `inv install`", "refused, nothing changes",
          people.out_of_slots, AGAIN + ", `depl_drain` seconds later", "Try again in 3600 s"),
    # --- the app ---
    Fault("container-dies", "the live container of one host dies", "after `inv promote`",
          "supervisord starts it again", containers.dies_after_promote, fails="to this host, until it is up"),
    Fault("container-dies-for-good", "the live container of one host dies, and dies at every start",
          "after `inv promote`", "the others serve on; `inv status` shows the exit code",
          containers.dies_for_good_after_promote, "`inv rollback`", "inv rollback",
          fails="to this host, until the rollback"),
    Fault("out-of-memory-at-start", "a version needs more memory than it may have", "`inv install` starts it",
          "taken off both hosts, with the reason", containers.out_of_memory_at_start,
          "`memory` in `conf/apps/app1.yml`", "out of memory"),
    Fault("out-of-memory-live", "another process in the live container takes more memory than there is", "live",
          "that process is killed, the app stays", containers.out_of_memory_beside_live),
    Fault("deaf-to-sigterm", "a version ignores SIGTERM", "`inv prune` removes it",
          "killed after its grace time, nothing is left", containers.deaf_to_sigterm),
)  # fmt: skip

KILLED = {
    "promote": (
        "each host is on the old or on the new version; where they differ, `inv status` says what to type",
        PROMOTE,
    ),
    "rollback": ("the same", "`inv rollback`, or " + PROMOTE),
    "canary": ("each host has the old or the new share", "`inv canary --percent N`"),
    "install": ("live is untouched", AGAIN + ", or `inv prune`"),
    "prune": ("live is untouched", AGAIN + ", or " + INSTALL),
    "build": ("the version is in the registry whole, or not at all", AGAIN),
}
"""What holds when a verb is killed with -9 at any point, and what finishes or undoes it: see test_killed.py."""


def markdown() -> str:
    """The table as docs/reliability.md has it."""
    rows = [["fault", "what breaks, and when", "what holds", "requests that fail", "to type"], ["---"] * 5]
    for verb, (holds, then) in KILLED.items():
        rows.append([f"`killed_{verb}`", f"`inv {verb}` is killed with -9, at 100 points", holds, "none", then])
    for one in FAULTS:
        name = f"`{one.name}`" + (" †" if one.long else "")
        rows.append([name, f"{one.broken}: {one.when}", one.holds, one.fails or "none", one.type])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(markdown())
