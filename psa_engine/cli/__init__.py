"""The command line: thin, and every error one readable message.

Exit codes: 0 done, 2 bad input, 3 the model failed or gave an invalid probability or value, 4 the result folder cannot
be written (full, removed, no permission), 5 the cluster is lost, 130 and 143 interrupted by SIGINT and SIGTERM.
"""

import os
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    # Its matrices are small, and on a busy machine BLAS threads that wait for each other cost ten times the work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from psa_engine.cli.app import app
    from psa_engine.errors import ClusterError, InputError, Interrupted, ModelError, StorageError
    from psa_engine.report.loudness import LOUDNESS

    LOUDNESS.set("normal")
    try:
        app()
    except ModelError as error:
        _fail(error, 3)
    except ClusterError as error:
        _fail(error, 5)
    except StorageError as error:
        _fail(error, 4)
    except InputError as error:
        _fail(error, 2)
    except Interrupted as error:
        _fail(error, 128 + error.signal)
    except KeyboardInterrupt:
        _fail("Interrupted.", 130)
    except Exception as error:
        from psa_engine.config.model_fault import DEBUG, model_fault

        fault = model_fault(error)
        if fault is None or os.environ.get(DEBUG):
            raise
        _fail(fault, 3)


def _fail(error: object, code: int) -> None:
    from psa_engine.plain_text import one_line

    print(f"psa-engine: {one_line(str(error))}", file=sys.stderr)
    sys.exit(code)
