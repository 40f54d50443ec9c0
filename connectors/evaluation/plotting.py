"""pygal, its finder for former plug-ins taken out of the import system, where it warns of every failed import."""

from __future__ import annotations

import sys

import pygal
from pygal.style import Style

sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

__all__ = ["Style", "pygal"]
