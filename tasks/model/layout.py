"""Every path and name on an app host, in one place. See docs/design.md, "On an app host"."""

from __future__ import annotations

from dataclasses import dataclass

from .app import WEB
from .branch import BETWEEN
from .release import Release
from .version import Version

ROOT = "/srv/depl"
APP_GROUP = "depl-app"
"""The group that containers run as, and nginx is in: whoever may use a release's sockets."""
APP_UID = 10001
SOCKETS_IN_CONTAINER = "/run/depl"
JOBS_IN_CONTAINER = "/run/depl/jobs"
ARMS_IN_CONTAINER = "/run/arms"
"""Where an app's containers find which arm of a rollout each version is."""
JOB_RUNNER = "/usr/local/lib/depl/run_job.py"
"""In an image: what runs a job's command at its times. See templates/docker/run_job.py."""
SERVICES_IN_CONTAINER = "/run/services"
"""Where an app's containers find the sockets of services on their host, each in a folder of its name."""
SERVICES = "services"
NEW_DATA = "data.new"
LOGS = "/var/log/nginx"
LIBRARIES = "/usr/local/lib/depl"
"""Where the bootstrap unpacks what programs on hosts import, each in a folder with its version."""
BRANCHES = "branches"
"""Where the one lives that puts branches to sleep and wakes them: its socket, and what it remembers."""
WAKER = f"{ROOT}/{BRANCHES}/run/waker.sock"
TAKEN = (SERVICES, BRANCHES, "nginx", "supervisor")
"""Folders below ROOT that are no app's."""

# What the bootstrap writes; deploys only refer to it.
TLS = "/etc/depl/tls"
HTTP_INCLUDE = "/etc/depl/nginx/http.conf"
PREVIEW_INCLUDE = "/etc/depl/nginx/preview.conf"


def program(container: str) -> str:
    """The file of supervisord's program that watches a container."""
    return f"{ROOT}/supervisor/{container}.conf"


def asleep(container: str) -> str:
    """What that file is called while a branch's container is asleep: supervisord reads it not."""
    return f"{program(container)}.asleep"


def tls_folder(name: str) -> str:
    """The folder below TLS of what `depl_tls` names: a host name, or *.host.name."""
    return name.replace("*", "_")


def certificate(name: str) -> str:
    """Where a certificate and its key lie: a link that is renamed when they are renewed."""
    return f"{TLS}/{tls_folder(name)}/live"


def way(first: str, second: str | None) -> str:
    """On a balancer: where the link of a bucket leads whose visitors go to one address, or else to a second one.

    Nothing is there: nginx reads the addresses off the link itself.
    """
    return f"hosts/{first}+{second or ''}"


@dataclass(frozen=True)
class ServiceLayout:
    """The paths of one service on its host: below /srv/depl/services."""

    name: str

    @property
    def home(self) -> str:
        return f"{ROOT}/{SERVICES}/{self.name}"

    @property
    def data(self) -> str:
        return f"{self.home}/data"

    @property
    def new_data(self) -> str:
        """What a restore fills, and then calls `data`."""
        return f"{self.home}/{NEW_DATA}"

    @property
    def sockets(self) -> str:
        return f"{self.home}/run"

    @property
    def backups(self) -> str:
        return f"{self.home}/backups"

    @property
    def environment(self) -> str:
        return f"{self.home}/env"

    @property
    def apps(self) -> str:
        """Which apps were given a password, each with a digest of it."""
        return f"{self.home}/apps.json"

    @property
    def restored(self) -> str:
        """What its data was restored from, and when."""
        return f"{self.home}/restored.json"

    @property
    def container(self) -> str:
        return f"service-{self.name}"

    @property
    def in_container(self) -> str:
        """Where an app's containers on the same host find its socket."""
        return f"{SERVICES_IN_CONTAINER}/{self.name}"


@dataclass(frozen=True)
class Layout:
    """The paths of one app on a host. A branch's app shares the nginx site of `branches_of` with its like."""

    app: str
    branches_of: str = ""

    @property
    def home(self) -> str:
        return f"{ROOT}/{self.app}"

    @property
    def live(self) -> str:
        return f"{self.home}/live"

    @property
    def tables(self) -> str:
        return f"{self.home}/routes"

    @property
    def nothing(self) -> str:
        """What a bucket points at before the first promote: a folder that is no release."""
        return f"{self.home}/nothing"

    @property
    def audit(self) -> str:
        return f"{self.home}/audit.jsonl"

    @property
    def migrations(self) -> str:
        """Which versions' migrations were run: a line of JSON each."""
        return f"{self.home}/migrations.jsonl"

    @property
    def rehearsal(self) -> str:
        """What a rehearsal of a migration needs, while it lasts."""
        return f"{self.home}/rehearsal"

    @property
    def lock(self) -> str:
        return f"{self.home}/lock"

    @property
    def arms(self) -> str:
        """Which arm each version of the live table is, for reports of processes alone: a file each, with a word."""
        return f"{self.home}/arms"

    @property
    def jobs(self) -> str:
        """What ran when, of the app's jobs: whoever runs one of them, of whatever version, writes it down here."""
        return f"{self.home}/jobs"

    def job(self, component: str) -> str:
        return f"{self.jobs}/{component}.json"

    @property
    def log(self) -> str:
        """Lines of nginx about requests; rotated ones have a number behind the name."""
        return f"{LOGS}/depl-{self.app}.log"

    @property
    def statistics(self) -> str:
        """What was counted of rollouts: a folder each."""
        return f"{self.home}/statistics"

    @property
    def site(self) -> str:
        return f"{ROOT}/nginx/{f'{self.branches_of}{BETWEEN}branches' if self.branches_of else self.app}.conf"

    @property
    def branch(self) -> str:
        """What the branch is whose app this is, and what of it is up."""
        return f"{self.home}/branch.json"

    def asleep(self, release: Release) -> str:
        """There while a release of a branch is asleep: since when, in seconds since 1970."""
        return f"{self.release(release)}/asleep.json"

    def table(self, number: int) -> str:
        return f"{self.tables}/{number}"

    def release(self, release: Release) -> str:
        return f"{self.home}/releases/{release}"

    def sockets(self, release: Release) -> str:
        return f"{self.release(release)}/run"

    def socket(self, release: Release) -> str:
        return f"{self.sockets(release)}/{WEB}.sock"

    def slot(self, number: int) -> str:
        return f"{self.home}/slots/{number}"

    def version(self, version: Version) -> str:
        """Leads from a version, as a preview's host name has it, to its release."""
        return f"{self.home}/versions/{version}"

    def container(self, version: Version, component: str = WEB) -> str:
        """The name of a container, and of the supervisord program that watches it."""
        return f"{self.app}-{version}-{component}"

    def worker(self, version: Version, component: str, number: int) -> str:
        """The name of one of a worker's containers, counted from 1. No component's name has a dot."""
        return f"{self.container(version, component)}.{number}"

    def image(self, registry: str, version: Version) -> str:
        return f"{registry}/{self.app}:{version}"
