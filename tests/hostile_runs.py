"""Damage to what an unfinished run has stored, with a checksum that is right all the same."""

import io
import json
from hashlib import sha256
from random import Random
from zipfile import ZIP_DEFLATED, ZipFile

import hostile_content
import numpy as np
from hostile_bytes import damaged_bytes

from psa_engine.store.arrays import packed
from psa_engine.store.manifest import checksum

LABEL = "a run"
CONFIG = hostile_content.hostile_yaml.SMALL.encode()
COMPANIONS = {"configuration/trial.yaml": sha256(CONFIG).hexdigest()}
_ASKED = {
    "config": "blocks/configuration/trial.yaml",
    "settings": {"n_draws": 100, "wtp": None},
    "assignments": ["cost=5"],
}
_REQUESTS = {
    "run": {
        "scenario": "cheap",
        "subgroup": "severe",
        "device": "auto",
        "block": None,
        "keep_blocks": True,
        "excel": "x.xlsx",
    },
    "evppi": {"keep_blocks": False, "options": {"of": ["cost", "clinical"], "method": "nested", "rtol": 0.1}},
    "evsi": {"keep_blocks": False, "options": {"study": "trial", "n": [50], "method": "auto"}},
    "sweep": {
        "keep": True,
        "cluster": None,
        "options": {"over": ["cost=1,2"], "scenario": None, "subgroup": None},
    },
}


def _whole(said: dict) -> bytes:
    return json.dumps({**said, "checksum": checksum(said)}).encode()


def _manifest(command: str) -> bytes:
    identity = {"configuration": {"name": "trial"}, "versions": {"jax": "0"}}
    request = {**_ASKED, **_REQUESTS[command]}
    rest = {"block": 128, "status": "running", "blocks": 3, "failure": {}, "format": 2}
    return _whole(
        {"command": command, "identity": identity, "request": request, "companions": COMPANIONS, **rest}
    )


MANIFESTS = tuple(map(_manifest, _REQUESTS))


def damaged_manifest(data: bytes, random: Random) -> bytes:
    """Return a manifest that says something else, mostly of what is asked for."""
    if random.random() < 0.1:
        return damaged_bytes(data, random)
    said = json.loads(data)
    said.pop("checksum", None)
    if random.random() < 0.7 and isinstance(said.get("request"), dict):
        said["request"] = json.loads(hostile_content.damaged(json.dumps(said["request"]).encode(), random))
    else:
        said = json.loads(hostile_content.damaged(json.dumps(said).encode(), random))
    return _whole(said)


def _block(content: bytes) -> bytes:
    return f"{sha256(LABEL.encode() + content).hexdigest()}\n".encode() + content


BLOCKS = (
    packed({"totals": {"costs": np.arange(6.0).reshape(2, 3)}, "clipped": np.array([True]), "o": {}}, LABEL),
)


def damaged_block(data: bytes, random: Random) -> bytes:
    """Return a block of damaged bytes, or an archive whose members are damaged or of the wrong kind."""
    if random.random() < 0.4:
        return _block(damaged_bytes(data[65:], random))
    file = io.BytesIO()
    with (
        ZipFile(io.BytesIO(BLOCKS[0][65:])) as whole,
        ZipFile(file, "w", random.choice([0, 0, 0, ZIP_DEFLATED])) as other,
    ):
        for name in whole.namelist():
            content = whole.read(name)
            how = random.randrange(6)
            if how == 0:
                content = damaged_bytes(content, random)
            elif how == 1:
                content = content.replace(
                    b"(2, 3)", random.choice([b"(3, 2)", b"(2, 9)", b"(-2,3)", b"(2**9)", b"9**9**"])
                )
            elif how == 2:
                content = content.replace(
                    b"<f8", random.choice([b"|O8", b"<f4", b">f8", b"|S8", b"<M8", b"<c8"])
                )
            if random.random() < 0.95:
                other.writestr(name, content)
    return _block(file.getvalue())
