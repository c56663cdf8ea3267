"""Hides modules that tests must do without, as if they were not installed."""

import os
import sys

for name in filter(None, os.environ.get("HIDDEN_MODULES", "").split(",")):
    sys.modules[name] = None
