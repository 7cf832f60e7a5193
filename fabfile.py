"""The same tasks for `fab`."""

from tasks import ns

__all__ = ["ns"]
