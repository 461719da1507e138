"""`python -m vissl_monoimage` is the `monoimage` command."""

from vissl_monoimage.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
