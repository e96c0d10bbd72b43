"""Text from elsewhere: files of bounded size in UTF-8, and no characters that act instead of being read."""

import re
from pathlib import Path

from psa_engine.errors import InputError

UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]")
"""Control characters (which move a terminal's cursor or colour it), those that turn the direction of writing,
and halves of surrogate pairs (which no file can hold). Tab and line feed are left."""


def read_plain_text(path: Path, most_bytes: int, remedy: str) -> str:
    """Return the text of a file without its byte order mark.

    InputError where it is larger than `most_bytes` (with the remedy), cannot be read, or is not UTF-8.
    """
    try:
        refuse_large(path, most_bytes, remedy)
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"The file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        hint = "Save it as UTF-8 (in a spreadsheet: CSV UTF-8)."
        raise InputError(f"The file {path} is not text in UTF-8.", hint=hint) from None


def refuse_large(path: Path, most_bytes: int, remedy: str) -> None:
    """Raise InputError, with the remedy, where a file is larger than `most_bytes`; nothing is read."""
    size = path.stat().st_size
    if size > most_bytes:
        raise InputError(
            f"The file {path} has {size:,} bytes, and at most {most_bytes:,} are read.", hint=remedy
        )


def one_line(text: str) -> str:
    """Return text on one line, with what cannot be printed as its escape."""
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], " ".join(text.split()))
