"""`depl`: the same tasks under the product's own name."""

from __future__ import annotations

from invoke import Program

from . import ns

program = Program(name="depl", namespace=ns, version="0.1.0")
