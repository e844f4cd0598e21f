"""`python -m zaffre` is the command line."""

import sys

from zaffre.cli.main import main

sys.exit(main())
