"""Spread an input over worker processes, mini-batch by mini-batch: `python parallel_driver.py LAYOUT`.

LAYOUT is a JSON file (`zaffre.engine.parallel` writes it). The input is cut into mini-batches; each worker
(`parallel_worker.py`) runs the user's script over one after the other. What is finished lies in the folder `state`,
one file for each mini-batch: a later attempt with the same `key` goes on from there. A worker that dies or takes too
long is replaced, and costs only its mini-batch a try. At the end the rows are written to `append_to`, in the order of
the mini-batches, and appear there at once.

The exit status is 0 unless more failed than the thresholds allow, `init` cannot be called, or there is nothing to do.
Standard library only, Python 3.7 or newer.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from zaffre_parallel.driver import main  # type: ignore[import-not-found]

    sys.exit(main(sys.argv[1]))
