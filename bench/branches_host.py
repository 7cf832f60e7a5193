"""On the staging host, as root: print what a branch takes of its memory on average, as JSON, in bytes.

"container" is all that its control group is charged with, "of it its own" without the files that the kernel keeps in
memory as long as there is room; "shim" is containerd's process for it, "watcher" supervisord's program: each page
divided by how many processes share it. "waker" is the one process for all branches.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path


def pss(pid: str) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    (size,) = re.findall(r"^Pss: +(\d+)", text, re.M)
    return int(size) * 1024


def pids(pattern: str) -> list[str]:
    found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return found.stdout.split()


def group(pid: str) -> tuple[Path, Path]:
    lines = dict(line.split(":", 2)[1:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    if "memory" in lines:
        folder = Path(f"/sys/fs/cgroup/memory{lines['memory']}")
        return folder / "memory.usage_in_bytes", folder / "memory.stat"
    folder = Path(f"/sys/fs/cgroup{lines['']}")
    return folder / "memory.current", folder / "memory.stat"


def own(usage: Path, stat: Path) -> int:
    found = dict(line.split() for line in stat.read_text().splitlines())
    return int(usage.read_text()) - int(found["active_file"]) - int(found["inactive_file"])


def main() -> None:
    folders = [one.name for one in Path("/srv/depl").iterdir() if "--" in one.name]
    listed = ["docker", "ps", "--quiet", "--no-trunc", "--filter", "label=depl.app"]
    ids = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    form = ["docker", "inspect", "--format", "{{.State.Pid}}", *ids]
    groups = (
        [group(pid) for pid in subprocess.run(form, capture_output=True, text=True, check=True).stdout.split()]
        if ids
        else []
    )
    sums = {
        "container": sum(int(usage.read_text()) for usage, _ in groups),
        "of it its own": sum(own(*one) for one in groups),
        "shim": sum(pss(pid) for one in ids for pid in pids(f"containerd-shim.* -id {one}")),
        "watcher": sum(map(pss, pids("^tail -f /dev/null --pid="))),
    }
    number = max(1, len(folders))
    print(
        json.dumps(
            {name: size / number for name, size in sums.items()} | {"waker": sum(map(pss, pids("python3 .*-m waker ")))}
        )
    )


main()
