"""Imported by Python's fork server, so that it ends at once when the processes that use it have ended.

Clearing the interpreter of all that loader workers need takes it seconds, in which it outlives a killed run.
"""

import atexit
import os
import sys

if any("multiprocessing.forkserver" in argument for argument in sys.orig_argv):
    atexit.register(os._exit, 0)  # its forks, the workers, run no exit handlers
