"""Imported by Python's fork server, so that it ends with the processes that use it: not before, and at once.

Signals for the main process of a run reach it too. Clearing the interpreter of all that loader workers need takes it
seconds, in which it outlives a killed run.
"""

import atexit
import os
import signal
import sys

from vissl_monoimage.compat.parent_process import LEFT_TO_MAIN

if any("multiprocessing.forkserver" in argument for argument in sys.orig_argv):
    atexit.register(os._exit, 0)  # its forks, the workers, run no exit handlers
    for number in LEFT_TO_MAIN:
        signal.signal(number, signal.SIG_IGN)
    # Whoever has started a fork may end it by SIGTERM, also before it runs; `work_for_parent` finds out who asks.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    os.register_at_fork(after_in_child=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM}))
