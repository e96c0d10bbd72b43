"""Damage to Parquet samples: columns of other types, names and headers in valid files, and bytes."""

import io
from random import Random

import numpy as np
import pyarrow as pa
from hostile_bytes import damaged_bytes
from hostile_csv import HEADERS
from pyarrow import parquet

_NUMBERS = np.random.default_rng(4).gamma(2.0, 100.0, 40)
NAMES = [f"{kind}|{name}" for kind in ("costs", "effects") for name in ("old", "new")]
NAMES += ["parameters|p", "outcomes|costs.a|old", "outcomes|years|new"]
COLUMNS = [
    _NUMBERS, np.arange(40), np.float32(_NUMBERS), np.float16(_NUMBERS), np.uint64(_NUMBERS), np.full(40, np.nan),
    pa.nulls(40), pa.array(["1"] * 40), pa.array([b"\xff"] * 40), pa.array([True] * 40), pa.array([[1.0]] * 40),
    pa.array([{"a": 1}] * 40), pa.array([1] * 40, pa.date32()), pa.array([1] * 40, pa.timestamp("ns")),
    pa.array([1] * 40).cast(pa.decimal128(30, 2)), pa.array(["a"] * 40).dictionary_encode(),
    pa.array([1.0, None] * 20), pa.array([2**62] * 40), pa.array([1] * 40, pa.duration("s")),
    pa.array([[1.0, 2.0]] * 40, pa.list_(pa.float64(), 2)),
    pa.array([(("a", 1),)] * 40, pa.map_(pa.string(), pa.int64())),
]  # fmt: skip
ODD_NAMES = ["costs|old", "costs|", "|", "", "costs", "outcomes|x", "outcomes|costs.a|zzz", "parameters|\x00"]
ODD_NAMES += ["effects|=1", "x" * 5000, "costs|\x1b[2J", "parameters|" + "é" * 9, "outcomes||", "index"]
ODD_HEADERS = [
    *HEADERS,
    b"",
    b"{",
    b"[]",
    b"\xff",
    b"[" * 9999,
    b'{"components": 5}',
    b'{"comparator": "x"}',
    b"5",
]
SETTINGS = [
    {"compression": "zstd"}, {"compression": "none"}, {"compression": "gzip"}, {"use_dictionary": True},
    {"data_page_version": "2.0"}, {"write_statistics": True}, {"row_group_size": 7}, {"store_schema": False},
]  # fmt: skip


def made(names: list[str], columns: list, header: bytes | None, **settings) -> bytes:
    """Return the bytes of a Parquet file."""
    table = pa.Table.from_arrays([pa.array(column) for column in columns], names=names)
    file = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata(header and {b"psa_engine": header}), file, **settings)
    return file.getvalue()


SEEDS = tuple(made(NAMES, [_NUMBERS] * len(NAMES), HEADERS[0], **settings) for settings in SETTINGS[:3])


def damaged(data: bytes, random: Random) -> bytes:
    """Return a whole file of the wrong things, or the given one with damaged bytes."""
    if random.random() < 0.6:
        return damaged_bytes(data, random)
    names, columns = list(NAMES), [_NUMBERS] * len(NAMES)
    for _ in range(random.randint(0, 3)):
        i = random.randrange(len(names))
        columns[i] = random.choice(COLUMNS)
        names[random.randrange(len(names))] = random.choice(ODD_NAMES + NAMES)
    if random.random() < 0.2:
        n = random.choice([0, 1])
        columns = [column[:n] for column in columns]
    return made(names, columns, random.choice([None, *ODD_HEADERS]), **random.choice(SETTINGS))
