"""What runs jobs comes into an image as a layer that is always the same."""

import io
import tarfile

from tasks.model.layout import JOB_RUNNER
from tasks.run import job_layer


def test_the_runner_comes_with_its_library_beside_it_whenever_it_is_packed():
    packed = job_layer.pack(7)
    assert packed == job_layer.pack(7)
    with tarfile.open(fileobj=io.BytesIO(packed)) as layer:
        entries = {f"/{one.name}": one for one in layer}
    assert {one.mtime for one in entries.values()} == {7}
    beside = JOB_RUNNER.rpartition("/")[0]
    assert {JOB_RUNNER, f"{beside}/cronsim/__init__.py", f"{beside}/cronsim/cronsim.py"} <= entries.keys()
    assert next(iter(entries)) == beside, "a folder that nobody lists would get the time of the build"
