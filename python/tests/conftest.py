"""Hides modules that tests must do without: they are not found, as if they were not installed."""

import os
import sys
from importlib.machinery import PathFinder

HIDDEN = frozenset(os.environ.get("HIDDEN_MODULES", "").split(","))


class FinderOfVisible(PathFinder):
    """Finds what is installed and not hidden."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        return None if fullname in HIDDEN else super().find_spec(fullname, path, target)


sys.meta_path[:] = [FinderOfVisible if finder is PathFinder else finder for finder in sys.meta_path]
