"""The window of Leigh Explorer: pages, widgets and the processes that keep it responsive."""

import os
import sys

# `python -m` puts the working folder first: code that lies there must not run as ours.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    sys.path[:1] = [p for p in sys.path[:1] if p == os.path.dirname(__path__[0])]
