"""`python -m orgtrail.cli` is the `orgtrail` command."""

import sys

if __name__ == "__main__":
    try:
        from orgtrail.cli import main
    except KeyboardInterrupt:
        # Before there is anything that could tell it in words.
        sys.exit(2)
    sys.exit(main())
