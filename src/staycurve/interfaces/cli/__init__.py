"""The command line: `staycurve COMMAND …`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run one command; errors that the user can mend are one line and a hint, never a trace."""
    from staycurve.errors import StaycurveError
    from staycurve.interfaces.cli.app import app

    try:
        app()
    except StaycurveError as error:
        print(f"staycurve: {error.message}", file=sys.stderr)
        if error.hint:
            print(error.hint, file=sys.stderr)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        print("staycurve: stopped. Nothing half done was kept.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); Python would complain once more at exit.
        sys.stderr.close()
        sys.exit(0)
