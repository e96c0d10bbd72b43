"""What a long run keeps as it goes, so that it can go on after a kill, a full disk or a power cut."""

from psa_engine.store.lock import only_process
from psa_engine.store.manifest import Manifest, check_companions, read_manifest
from psa_engine.store.store import Store

__all__ = ["Manifest", "Store", "check_companions", "only_process", "read_manifest"]
