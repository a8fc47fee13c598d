"""Run the command line with `python -m policygrounds`."""

from queries.command import main

if __name__ == "__main__":
    main()
