"""The layer of an image that runs jobs: depl's runner, with the library that reads cron lines beside it."""

from __future__ import annotations

import io
import tarfile
from importlib import resources
from pathlib import PurePosixPath

from ..model.layout import JOB_RUNNER
from ..plan import render


def pack(epoch: int) -> bytes:
    """A normalised tar. The library is the one installed here: who accepts a line reads it as its runner will."""
    runner = PurePosixPath(JOB_RUNNER)
    library = [one for one in resources.files("cronsim").iterdir() if one.name.endswith(".py")]
    files = {
        runner: render.raw("docker/run_job.py"),
        **{runner.parent / "cronsim" / one.name: one.read_bytes() for one in library},
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as layer:
        for folder in sorted({path.parent for path in files}):
            _add(layer, folder, epoch, None)
        for path, content in sorted(files.items()):
            _add(layer, path, epoch, content)
    return packed.getvalue()


def _add(layer: tarfile.TarFile, path: PurePosixPath, epoch: int, content: bytes | None) -> None:
    entry = tarfile.TarInfo(str(path).lstrip("/"))
    entry.mtime, entry.mode = epoch, 0o644
    if content is None:
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    else:
        entry.size = len(content)
    layer.addfile(entry, io.BytesIO(content or b""))
