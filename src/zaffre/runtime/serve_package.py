"""Serve a packaged model over HTTP: `python serve/serve_package.py`, in the environment of its requirements.txt.

Needs nothing but Python (>= 3.7) and the package. It listens on loopback; with another `--host` it wants a key, in
ZAFFRE_SCORING_KEY or in a file that ZAFFRE_SCORING_KEY_FILE names. Exit statuses: 0 asked to end, 64 the settings are
wrong, 65 the scoring script could not be imported, 66 `init()` or loading the model failed.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    HERE = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, HERE)
    from zaffre_package.serve import main  # type: ignore[import-not-found]

    sys.exit(main(sys.argv[1:], os.path.dirname(HERE)))
