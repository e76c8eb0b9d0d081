"""The CDKTF app of this repository: a stack for each file in envs/, or for those it is given."""

import sys

from orgtrail.start import app

if __name__ == "__main__":
    sys.exit(app())
