"""Damage to tables in CSV, to the JSON beside them, and to workbooks."""

import io
import json
from random import Random

from hostile_bytes import damaged_bytes

SEEDS = (
    b"old,new\n1,2\n3,4.5\n5,6\n",
    b'"a","b, c","d"\r\n1e3,-2,.5\r\n3,NA,1\r\n',
    b"# England\nage,male,female\n0,0.01,0.02\n1,0.02,0.01\n2,1,1\n",
    b"name,distribution,mean,se,value,unit,label,status,note\n"
    b"cost,gamma,800,90,,GBP per year,Care,gap,x\nrate,,,,0.3,probability,Rate,gap,x\n",
    b"name,distribution,events,n,ci_low,ci_high,unit,label,source,status\n"
    b"r,beta,7,31,,,probability,x,A 2020,verified\nh,log-normal,,,0.7,0.9,hazard ratio,x,A,verified\n",
)
HEADERS = (
    json.dumps({"comparator": "old", "components": ["costs.a"], "metadata": {"seed": 1}}).encode(),
    json.dumps({"name": "x", "title": "y", "wtp": [1.0], "strategies": [{"strategy": "a"}]}).encode(),
)
CELLS = [
    *(
        b"",
        b"0",
        b"-1",
        b"1e308",
        b"1e999",
        b"-0.0",
        b"nan",
        b"NaN",
        b"inf",
        b"NA",
        b"#N/A",
        b"true",
        b"0x10",
    ),
    *(
        b"1,5",
        b'"1"',
        b'"',
        b'""',
        b"'",
        b"=1+1",
        b"+1",
        b"@x",
        b"1_000",
        b"1 000",
        b"\xc2\xa31",
        b"\x00",
        b"\xff",
    ),
    *(
        b"2020-01-01",
        b"10:00",
        b"9" * 400,
        b"a" * 5000,
        "٣".encode(),
        "½".encode(),
        b"1;2",
        b"\t",
        b"age",
        b"old",
    ),
    *(
        b"Unnamed: 0",
        b"x|y",
        b"[",
        b"{",
        b"null",
        b"[" * 3000,
        b"]",
        b"}",
        b":",
        b"\\u0000",
        b"\\ud800",
        b"1e-400",
    ),
]
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "latin-1", "utf-8-sig", "cp500", "utf-7")


def damaged(data: bytes, random: Random) -> bytes:
    """Return a table with one to four faults: cells, columns, rows, separators, encoding, bytes."""
    if random.random() < 0.2:
        return damaged_bytes(data, random)
    for _ in range(random.randint(1, 4)):
        data = random.choice(_FAULTS)(data, random)
    return data


def _cell(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    i = random.randrange(len(lines))
    cells = lines[i].split(b",")
    cells[random.randrange(len(cells))] = random.choice(CELLS)
    lines[i] = b",".join(cells)
    return b"\n".join(lines)


def _row(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    i = random.randrange(len(lines))
    return b"\n".join(random.choice([lines[:i] + lines[i + 1 :], [*lines[:i], lines[i], *lines[i:]]]))


def _column(data: bytes, random: Random) -> bytes:
    lines = [line.split(b",") for line in data.split(b"\n")]
    j = random.randrange(max(1, len(lines[0])))
    twice = random.random() < 0.5
    return b"\n".join(b",".join(line[: j + twice] + line[j + (not twice) :]) for line in lines)


def _separator(data: bytes, random: Random) -> bytes:
    return data.replace(
        *random.choice([(b",", b";"), (b",", b"\t"), (b"\n", b"\r"), (b"\n", b"\n\n"), (b",", b",,")])
    )


def _encoding(data: bytes, random: Random) -> bytes:
    return data.decode("utf-8", "replace").encode(random.choice(ENCODINGS), "replace")


def _wide(data: bytes, random: Random) -> bytes:
    n = random.choice([3, 50, 300])
    return random.choice(
        [data.replace(b"\n", b"," * n + b"\n"), b"," * n + data, data + b"1," * n, data + b"\n" * n]
    )


_FAULTS = (_cell, _cell, _cell, _cell, _row, _column, _separator, _encoding, _wide)


def workbook() -> bytes:
    """A workbook of one parameter."""
    import xlsxwriter

    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet("parameters")
        sheet.write_row(0, 0, ["name", "value", "unit", "label", "status", "note"])
        sheet.write_row(1, 0, ["cost", 3.5, "GBP per year", "Care", "gap", "x"])
    return file.getvalue()
