"""EVPPI by voiage, which wants an older JAX and so has an environment of its own.

Run as `python evppi_by_voiage.py FILE ROUNDS NAME...`; FILE holds `net_benefit` (n, n_strategies) and a column for
each parameter. Prints a line of JSON: the seconds of each round, the value, the version.
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np
from voiage.methods.basic import evppi
from voiage.schema import ParameterSet


def main() -> None:
    file, rounds, *names = sys.argv[1:]
    with np.load(file) as held:
        net_benefit, columns = held["net_benefit"], {name: held[name] for name in names}
    seconds, value = [], 0.0
    for _ in range(int(rounds) + 1):
        started = time.perf_counter()
        value = evppi(net_benefit, ParameterSet.from_numpy_or_dict(columns), names)
        seconds.append(time.perf_counter() - started)
    print(json.dumps({"seconds": seconds[1:], "value": float(value), "version": version("voiage")}))


if __name__ == "__main__":
    main()
