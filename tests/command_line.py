"""The command line run in this process."""

import contextlib
import io
import sys
from types import SimpleNamespace

import pytest

from psa_engine.cli import main


def psa_engine(*arguments):
    """Run the command line in this process: its exit code and what it printed."""
    out, err, given = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["psa-engine", *map(str, arguments)]
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main()
    finally:
        sys.argv = given
    return SimpleNamespace(code=end.value.code or 0, out=out.getvalue(), err=err.getvalue())
