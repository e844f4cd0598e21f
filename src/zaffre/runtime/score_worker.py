"""Answer the requests of a deployment: `python score_worker.py CONFIG`, in the deployment's own environment.

CONFIG is a JSON file that the server wrote (`zaffre_scoring/worker.py` says what is in it). The model or the scoring
script is loaded once; then length-prefixed frames on a unix socket are answered. Exit statuses: 0 asked to end,
64 the configuration is wrong, 65 the scoring script could not be imported, 66 `init()` or loading the model failed.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    HERE = os.path.dirname(os.path.abspath(__file__))
    sys.path[0] = HERE  # for the next line only: neighbours here must not hide modules of the user
    from zaffre_scoring.worker import main  # type: ignore[import-not-found]

    sys.path.remove(HERE)
    sys.exit(main(sys.argv[1]))
