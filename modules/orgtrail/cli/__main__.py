"""`python -m orgtrail.cli` is the `orgtrail` command."""

import sys

if __name__ == "__main__":
    try:
        from orgtrail.cli import main
    except KeyboardInterrupt:
        # Nothing is imported yet that could print a message.
        sys.exit(2)
    sys.exit(main())
