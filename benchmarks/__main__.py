"""`python -m benchmarks NAME` does the same as `leigh bench NAME` in a checkout."""

import sys

from core.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))
