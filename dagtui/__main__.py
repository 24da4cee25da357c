"""`python -m dagtui`."""

from dagtui.cli import main

if __name__ == "__main__":
    main()
