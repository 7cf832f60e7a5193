"""How large the slim image is beside the same app in one image with its builder, and what a code change pushes.

Runs on the deploy host: python -m bench.image REF CHANGED_REF. Prints JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tasks.plan import build as plans
from tasks.run import images, source
from tasks.run.choose import choose
from tasks.run.engine import Engine
from tasks.run.report import Report
from tasks.run.settings import PROJECT

NAIVE = """FROM {builder}
COPY . /tmp/build
ENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_NO_CACHE_DIR=1
RUN pip install --no-index --find-links /tmp/build/wheels -r /tmp/build/{requirements} \\
    && pip install --no-deps --no-build-isolation /tmp/build
"""
"""What is written without a second thought: compilers, headers, wheels and source stay in the image."""


def main() -> None:
    ref, changed = sys.argv[1:]
    target = choose(None)
    report = Report(sys.stderr)
    slim = images.build(target, source.checkout(target.app.source, ref, dirty=False), report)
    after_change = images.build(target, source.checkout(target.app.source, changed, dirty=False), report)
    engine = Engine("bench")
    builder = plans.builder(target.app.packages).tag(engine.image_id(plans.DEBIAN) or "")
    naive = "depl-bench:naive"
    files = context(target.app.wheels.requirements, Path(target.environment.cache))
    text = NAIVE.format(builder=builder, requirements=target.app.wheels.requirements)
    engine.build("naive image", text, files, naive, lambda _: None)
    found = {
        "slim_mb": round(slim.bytes / 1e6, 1),
        "naive_mb": round(engine.size(naive) / 1e6, 1),
        "push_kb_code_change": round(after_change.pushed / 1000, 1),
    }
    engine.forget(naive)
    print(json.dumps(found, indent=2))


def context(requirements: str, cache: Path) -> dict[str, bytes]:
    """The app's source and its newest wheels, as a build's files."""
    target = choose(None)
    root = PROJECT / target.app.source.path
    files = {str(one.relative_to(root)): one.read_bytes() for one in root.rglob("*") if one.is_file()}
    houses = sorted((cache / "wheels").glob(f"{target.app.name}-*/done"), key=lambda done: done.stat().st_mtime)
    wheels = {f"wheels/{one.name}": one.read_bytes() for one in houses[-1].parent.glob("*.whl")}
    return {requirements: (root / requirements).read_bytes(), **files, **wheels}


if __name__ == "__main__":
    main()
