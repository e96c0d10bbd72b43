"""Where the work runs: devices, XLA's flags, the compilation cache. Importing this configures JAX once."""

import os
import sys
import warnings
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from psa_engine import __version__
from psa_engine.cache import cache_root
from psa_engine.errors import InputError

Device = Literal["auto", "cpu", "gpu"]
Precision = Literal["double", "single"]

# A loop whose buffers are below the threshold is compiled as one function instead of one kernel a step,
# which is worth a factor of 5 to 10 here (benchmarks/NOTES.md). An unknown plain flag is fatal to XLA, so
# the flags are given only to versions they were tried on.
_FLAGS_TRIED_ON = ((0, 10), (0, 13))
_FLAGS = (
    "--xla_cpu_prefer_vector_width=512",
    "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=10000000",
)


HALF_WRITTEN = "Error reading persistent compilation cache entry"


def _jaxlib() -> tuple[int, ...]:
    return tuple(int(x) for x in version("jaxlib").split(".")[:2])


def cache_folder() -> Path:
    """Return where compiled programs are kept: $PSA_ENGINE_CACHE, else the user's cache folder."""
    root = cache_root()
    return root if os.environ.get("PSA_ENGINE_CACHE") else root / f"jaxlib-{version('jaxlib')}"


def n_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def n_wanted() -> int | None:
    """Return how many devices the environment asks for ($PSA_ENGINE_DEVICES), None where it does not say.

    Raises InputError where it asks for no whole number of at least one.
    """
    text = os.environ.get("PSA_ENGINE_DEVICES", "")
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"PSA_ENGINE_DEVICES is '{text}', and must be a whole number of at least 1.")
    return int(text)


@cache
def configure() -> None:
    """Set up JAX for this process: 64-bit, one host device per core, one function per loop, a cache on disk.

    Flags are read when JAX first runs something; where that has already happened the engine still works,
    slower. Flags that the user set are kept.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if _FLAGS_TRIED_ON[0] <= _jaxlib() < _FLAGS_TRIED_ON[1]:
        flags = " ".join([flags, *(f for f in _FLAGS if f.split("=")[0] not in flags)])
    if "host_platform_device_count" not in flags:
        flags += f" --xla_force_host_platform_device_count={n_wanted() or n_cores()}"
    os.environ["XLA_FLAGS"] = flags.strip()

    import jax

    jax.config.update("jax_enable_x64", True)
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # nowhere to keep compiled programs: each start compiles again
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # Another process may be at work on a file: JAX then compiles for itself, and nobody need hear of it.
    warnings.filterwarnings("ignore", message=HALF_WRITTEN)


def devices(device: Device = "auto") -> list[Any]:
    """Return the devices of this process to use: GPUs where there are any, else one CPU device a core; or as many as
    were asked for.

    Raises InputError for "gpu" on a machine without one, another name, or more devices than there are.
    """
    found, wanted = _found(device), n_wanted()
    if wanted is not None and wanted > len(found):
        raise InputError(
            f"{wanted} devices were asked for, and there are {len(found)} ({found[0].platform})."
        )
    return found[:wanted]


def _found(device: Device) -> list[Any]:
    configure()
    import jax

    if device not in ("auto", "cpu", "gpu"):
        raise InputError(f"There is no device '{device}'.", hint="Choose auto, cpu or gpu.")
    if device != "cpu":
        try:
            return jax.local_devices(backend="gpu")
        except RuntimeError:
            if device == "gpu":
                raise InputError(
                    "No GPU was found by JAX.", hint="Install psa-engine[cuda12] or use --device auto."
                ) from None
    return jax.local_devices(backend="cpu")


@cache
def draws_that_fit(device: Any, bytes_a_draw: int, most: int) -> int:
    """Return the largest power of two of draws, up to `most`, that half of a device's free memory holds.

    `most` where the device does not say what is free. It is asked once, so that a process works in tiles of one size.
    """
    stats = device.memory_stats() or {}
    if "bytes_limit" not in stats:
        return most
    room = max(1, (stats["bytes_limit"] - stats.get("bytes_in_use", 0)) // (2 * bytes_a_draw))
    return min(most, 1 << (room.bit_length() - 1))


@cache
def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    names = ("jax", "jaxlib", "numpy", "scipy", "pandas")
    return {
        "psa_engine": __version__,
        "python": sys.version.split()[0],
        **{name: version(name) for name in names},
    }
