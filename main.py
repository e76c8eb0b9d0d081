"""The CDKTF app of this repository: a stack for each file in envs/."""

import sys

from orgtrail.cdktf.app import main

if __name__ == "__main__":
    sys.exit(main())
