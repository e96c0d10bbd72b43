"""Damage to bytes of any kind."""

from random import Random

ODD = [b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\x80", b"\x7f\xff\xff\xff", b"\n", b"\r", b'"', b","]


def damaged_bytes(data: bytes, random: Random) -> bytes:
    """One to six changes at random places, of a byte, a cut, a copy or an odd insertion."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 6)):
        if not changed:
            return b""
        at = random.randrange(len(changed))
        if random.random() < 0.3:
            at = max(0, len(changed) - 1 - random.randrange(600))  # where Parquet and zip have their contents
        length = random.choice([1, 2, 4, 30, 300])
        how = random.randrange(5)
        if how == 0:
            changed[at] = random.randrange(256)
        elif how == 1:
            changed[at] ^= 1 << random.randrange(8)
        elif how == 2:
            del changed[at : at + length]
        elif how == 3:
            changed[at:at] = changed[at : at + length]
        else:
            changed[at:at] = random.choice(ODD) * random.choice([1, 1, 3])
    return bytes(changed)
