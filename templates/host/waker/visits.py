"""When each branch had its last visitor: nginx's logs tell, and a file remembers."""

import glob
import json
import os

from .folder import read_json, write_json


class Visits:
    """`seen` has the time of the last visitor by branch; whoever asks for the page of health is not in those logs."""

    def __init__(self, file, logs):
        self._file, self._logs = file, logs
        self._open = {}
        self.seen = read_json(file, {})

    def look(self, there):
        """Read what is new, and write down what changed of the branches that are there."""
        former = dict(self.seen)
        for path in glob.glob(self._logs):
            self._read(path)
        self.seen = {folder: at for folder, at in self.seen.items() if folder in there}
        if self.seen != former:
            write_json(self._file, self.seen)

    def close(self):
        for log in self._open.values():
            log.close()

    def _read(self, path):
        """Read a log to its end, and first what was left of the one that had its name before."""
        if path not in self._open:
            for one in (
                f"{path}.1",
                path,
            ):  # after a start both, from the beginning: what is known already changes nothing
                self._follow(path, one)
            return
        self._take(self._open[path])
        if os.stat(path).st_ino != os.fstat(self._open[path].fileno()).st_ino:
            self._follow(path, path)

    def _follow(self, path, name):
        try:
            log = open(name, "rb")  # noqa: SIM115 - read on at the next look
        except FileNotFoundError:
            return
        if path in self._open:
            self._open[path].close()
        self._open[path] = log
        self._take(log)

    def _take(self, log):
        """Take whole lines; half of one is read again when its end has come."""
        while (line := log.readline()).endswith(b"\n"):
            folder, at = visit(line)
            if folder:
                self.seen[folder] = max(at, self.seen.get(folder, 0))
        log.seek(-len(line), os.SEEK_CUR)


def visit(line):
    """A line's branch and time; None where it is no visit of a branch that has a build."""
    try:
        found = json.loads(line)
        return (f"{found['app']}--{found['branch']}" if found["release"] else None), float(found["time"])
    except (ValueError, KeyError, TypeError):
        return None, 0.0
