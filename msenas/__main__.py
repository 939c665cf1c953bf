"""`python -m msenas` is the command line."""

from msenas.cli.app import main

if __name__ == "__main__":
    main()
