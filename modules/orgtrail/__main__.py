"""`python -m orgtrail` is the `orgtrail` command."""

import sys

from orgtrail.start import main

if __name__ == "__main__":
    sys.exit(main())
