"""The build host's own Docker engine: images made, containers run, images pushed. Through Docker's SDK."""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Timer
from typing import IO, Any

from ..commands import Argv
from ..errors import DeplError, StepFailed, Unreachable, one_line
from ..model.app import Wheels

Say = Callable[[str], None]
MACHINE_FILES = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
"""How this machine reaches package registries: shown to builds, never copied into an image."""
MACHINE_VARIABLES = (
    "PIP_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_PROXY", "PIP_DEFAULT_TIMEOUT",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip
LOG_LINES = 400
LIMIT = Wheels.timeout
"""Seconds that a program of a build may run, or Docker's own build of an image, unless its app says otherwise."""


class Engine:
    """The engine that docker's environment variables name, else the one on this host."""

    def __init__(self, label: str) -> None:
        self.label = label
        # Only here, since the other verbs need no engine and the SDK takes 50 ms to import.
        import docker

        self._errors = docker.errors
        try:
            self._client = docker.from_env(timeout=600)
            self._client.ping()
        except (docker.errors.DockerException, OSError) as error:
            raise Unreachable(
                f"There is no Docker engine to build with: {_brief(error)}.\n"
                "Start it (systemctl start docker), or see that you are in group docker: inv bootstrap --only deploy"
            ) from None

    def clear(self) -> None:
        """Remove the containers that builds under this label left when they were killed."""
        for left in self._client.containers.list(all=True, filters={"label": f"depl.build={self.label}"}):
            left.remove(force=True, v=True)

    def has(self, image: str) -> bool:
        return self.image_id(image) is not None

    def image_id(self, image: str) -> str | None:
        try:
            return str(self._client.images.get(image).id)
        except self._errors.ImageNotFound:
            return None

    def size(self, image: str) -> int:
        """Bytes of an image, all layers unpacked."""
        return int(self._client.images.get(image).attrs["Size"])

    def build(
        self, what: str, dockerfile: str, files: Mapping[str, bytes | Path], tag: str, say: Say, *,
        fresh: bool = False, limit: int = LIMIT,
    ) -> None:  # fmt: skip
        """Build an image from a Dockerfile's text and the files beside it; raises StepFailed with the log.

        `files` are contents by name, or where these are. `fresh` uses nothing that is kept of earlier builds: packages
        are those of today. What takes longer than `limit` seconds is broken off: at its next line, or when there was
        none for as long.
        """
        from requests.exceptions import ReadTimeout
        from urllib3.exceptions import ReadTimeoutError

        log: list[str] = []
        end = time.monotonic() + limit
        try:
            with _context(dockerfile, files) as context:
                events = self._client.api.build(
                    fileobj=context, custom_context=True, tag=tag, rm=True, forcerm=True, decode=True,
                    network_mode="host", buildargs=_machine_variables(), nocache=fresh, timeout=limit,
                )  # fmt: skip
            with closing(events):  # Docker ends a build to which nobody listens any more
                for event in events:
                    if "error" in event:
                        raise StepFailed(f"{what}: {event['error'].strip()}", "\n".join(log))
                    if time.monotonic() > end and not _is_made(event):
                        raise TimeoutError
                    for line in event.get("stream", "").splitlines():
                        if line.strip():
                            log.append(line)
                            say(line.strip())
                    del log[:-LOG_LINES]
        except (TimeoutError, ReadTimeout, ReadTimeoutError):
            raise StepFailed(
                f"{what}: Docker's build of it took more than {limit} s, and was broken off.\n"
                "Is Docker well, and does what it fetches from answer? Then the same again.",
                "\n".join(log),
            ) from None

    def run(
        self, what: str, image: str, argv: Argv, *, say: Say,
        mounts: Mapping[str, str], reads: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None, network: str = "none", limit: int = LIMIT,
    ) -> str:  # fmt: skip
        """Run a program in a container of its own as ourselves; raises StepFailed with its last lines.

        It is ended after `limit` seconds, and has failed then.

        `mounts` lead from folders here to folders there; those of `reads` can't be written to. With network "host" it
        also sees how this machine reaches package registries.
        """
        reach = network == "host"
        volumes = {here: {"bind": there, "mode": "rw"} for here, there in mounts.items()}
        volumes |= {here: {"bind": there, "mode": "ro"} for here, there in (reads or {}).items()}
        variables = {"HOME": "/tmp", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **(environment or {})}  # noqa: S108
        if reach:
            volumes |= {path: {"bind": path, "mode": "ro"} for path in MACHINE_FILES if Path(path).exists()}
            variables |= _machine_variables()
            variables["PIP_CERT"] = MACHINE_FILES[1]
        container = self._client.containers.create(
            image, list(argv), user=f"{os.getuid()}:{os.getgid()}", network_mode=network, volumes=volumes,
            environment=variables, init=True, labels={"depl.build": self.label},
        )  # fmt: skip
        try:
            container.start()
            log: list[str] = []
            with self._ended_after(limit, container) as late:
                for chunk in container.logs(stream=True, follow=True):
                    for line in chunk.decode(errors="replace").splitlines():
                        if line.strip():
                            log.append(line)
                            say(line.strip())
                    del log[:-LOG_LINES]
            code = int(container.wait()["StatusCode"])
            if not log:  # of a program that ended at once a stream may miss all
                log = container.logs(tail=LOG_LINES).decode(errors="replace").splitlines()
            if code and late.is_set():
                raise StepFailed(f"{what}: it ran for more than {limit} s, and was ended.", "\n".join(log))
            if code:
                raise StepFailed(f"{what}: {reason(log) or f'exit status {code}'}", "\n".join(log))
            return "\n".join(log)
        finally:
            container.remove(force=True, v=True)

    @contextmanager
    def _ended_after(self, limit: int, container: Any) -> Iterator[Event]:
        """Kill a container that still runs after `limit` seconds, and say so: its log has no limit of its own."""
        late = Event()

        def end() -> None:
            late.set()
            with suppress(self._errors.DockerException, OSError):  # it ended just now
                container.kill()

        timer = Timer(limit, end)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()

    def import_tar(self, path: Path, tag: str) -> None:
        """Make an image of one layer from a root file system."""
        repository, _, name = tag.partition(":")
        self._client.api.import_image_from_file(str(path), repository=repository, tag=name)

    def push(self, repository: str, tag: str, say: Say) -> None:
        """Push an image; raises Unreachable when the registry doesn't take it."""
        for event in self._client.api.push(repository, tag=tag, stream=True, decode=True):
            if "error" in event:
                raise Unreachable(
                    f"push of {repository}:{tag}: {event['error'].strip()}\n"
                    "Is the registry up? On its host: sudo supervisorctl status docker-registry"
                )
            if event.get("id"):
                say(f"{event.get('status', '')} {event['id']}")

    def tags(self, prefix: str) -> list[str]:
        """The tags here that start with a prefix, the oldest image first."""
        images = sorted(self._client.images.list(), key=lambda image: str(image.attrs["Created"]))
        return [tag for image in images for tag in image.tags if tag.startswith(prefix)]

    def rename(self, tag: str, new: str) -> None:
        """Call an image by another tag."""
        repository, _, name = new.partition(":")
        self._client.images.get(tag).tag(repository, name)
        self.forget(tag)

    def forget(self, tag: str) -> None:
        """Take a tag off an image; the image goes when it was the last one."""
        try:
            self._client.images.remove(tag)
        except self._errors.APIError:
            return  # in use by another image: it goes with that one


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Raise DeplError for what this machine's Docker or disk refuses, with what can't go on for it."""
    import docker
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (docker.errors.DockerException, HTTPError, OSError) as error:
        said = one_line(str(getattr(error, "explanation", None) or error))
        raise DeplError(
            f"{what} can't go on, on this machine: {said:.300}\n"
            "Is there room, and does Docker run? df -h; systemctl status docker"
        ) from None


def reason(log: Sequence[str]) -> str:
    """What stopped pip, in its own words, without all the versions that there are; "" where it isn't in the log."""
    first = next((line for line in log if line.startswith("ERROR: ")), "")
    return first.removeprefix("ERROR: ").partition(" (from versions")[0]


def _is_made(event: Mapping[str, Any]) -> bool:
    """Whether a build has made its image: what it says then, it says late at worst."""
    return "aux" in event or str(event.get("stream", "")).startswith("Successfully ")


@contextmanager
def _context(dockerfile: str, files: Mapping[str, bytes | Path]) -> Iterator[IO[bytes]]:
    """What Docker builds from, as a tar: beside a layer that lies on the disk, which may be larger than memory.

    Not in /tmp, which is memory in the container of a build agent.
    """
    folder = next((one.parent for one in files.values() if isinstance(one, Path)), None)
    with TemporaryFile(dir=folder) if folder else io.BytesIO() as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, content in {"Dockerfile": dockerfile.encode(), **files}.items():
                entry = tarfile.TarInfo(name)
                entry.mode = 0o755
                with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as file:
                    entry.size = file.seek(0, os.SEEK_END)
                    file.seek(0)
                    archive.addfile(entry, file)
        packed.seek(0)
        yield packed


def _machine_variables() -> dict[str, str]:
    return {name: os.environ[name] for name in MACHINE_VARIABLES if name in os.environ}


def _brief(error: Exception) -> str:
    text = str(error)
    for known, words in (("Permission denied", "permission denied"), ("FileNotFoundError", "no such socket"),
                         ("Connection refused", "connection refused")):  # fmt: skip
        if known in text:
            return words
    return text[:160]
