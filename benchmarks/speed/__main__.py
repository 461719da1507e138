"""Start `benchmarks.speed.command` with the checkout, and the peers of the tests, on the import path."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

if __name__ == "__main__":
    sys.path[:1] = [str(ROOT), str(ROOT / "tests")]
    from benchmarks.speed.command import main

    raise SystemExit(main())
