"""The command line: one module per command, imported only when it runs.

``reconstruct PATH…`` without a command browses. stdout is data, stderr is talk; errors a user can act on are printed as
``error:`` and ``hint:`` and never as a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from reconstruct.errors import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, ReconstructError

QUERY_INTERRUPTED = "Query interrupted"
"""What DuckDB makes of the KeyboardInterrupt that comes while it runs a statement: the text of a RuntimeError."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and give its exit code."""
    from reconstruct.cli.parser import parse

    # Nothing here multiplies matrices: threads for it would only be started, by numpy, and wait.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        namespace = parse(list(sys.argv[1:] if arguments is None else arguments))
        return int(namespace.run(namespace))
    except ReconstructError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`). Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except RuntimeError as error:
        if str(error) != QUERY_INTERRUPTED:
            raise
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except MemoryError:
        print("error: out of memory", file=sys.stderr)
        print("hint: fewer --workers need less", file=sys.stderr)
        return EXIT_ERROR
