"""Run the command line as `python -m relight`; may import the composition root alone."""

from relight.cli import main

if __name__ == "__main__":
    main()
