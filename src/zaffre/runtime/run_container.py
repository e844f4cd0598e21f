"""Run one container as a worker of a deployment: `python run_container.py CONFIG`.

CONFIG is a JSON file that the server wrote (`zaffre_container/run.py` says what is in it). The container lives as long
as this program, and the other way round. Exit statuses: 0 asked to end, 66 the container did not come up, 67 it ended
or answered its liveness probe no more, else that of the container.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.abspath(__file__))
    from zaffre_container.run import main  # type: ignore[import-not-found]

    sys.exit(main(sys.argv[1]))
