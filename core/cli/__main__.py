"""`python -m core.cli`: the same as `leigh`."""

from core.cli.main import run_process

if __name__ == "__main__":
    run_process()
