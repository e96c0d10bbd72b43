"""Draws of the two-state example worked out apart from the engine, and kept: tests/recorded_draws.json.

Normal scores by Threefry (Salmon et al. 2011) in Python's whole numbers, quantiles by SciPy, costs and QALYs as
the sum of a geometric series. `python tests/recorded_draws.py` writes the file again; it does not read the engine.
"""

import json
import math
from hashlib import blake2b
from pathlib import Path

FILE = Path(__file__).with_suffix(".json")
SEED, DRAWS = 1, (0, 1, 2, 3, 500, 8191, 8192, 9999)
PARAMETERS = ("mortality_rate", "hazard_ratio", "cost_alive", "utility_alive")


def threefry(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    mask = 0xFFFFFFFF
    keys = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    a, b = ((c + k) & mask for c, k in zip(counter, key, strict=True))
    for turn in range(20):
        a = (a + b) & mask
        r = ((13, 15, 26, 6), (17, 29, 16, 24))[turn // 4 % 2][turn % 4]
        b = ((b << r | b >> (32 - r)) & mask) ^ a
        if turn % 4 == 3:
            n = turn // 4 + 1
            a, b = (a + keys[n % 3]) & mask, (b + keys[(n + 1) % 3] + n) & mask
    return a, b


def score(seed: int, name: str, draw: int) -> float:
    from scipy.special import ndtri

    digest = blake2b(f"{seed}|{name}".encode(), digest_size=48).digest()
    key = (int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little"))
    high, low = threefry(key, (0, draw))
    tail = float(ndtri((((high & 0x7FFFFFFF) << 21 | low >> 11) + 0.5) * 2.0**-53))
    return -tail if high >> 31 else tail


def values(z: dict[str, float]) -> dict[str, float]:
    """The distributions of configs/two_state.yaml at the scores, each from its own tail."""
    from scipy import stats

    def quantile(distribution, score):
        return (
            distribution.isf(stats.norm.sf(score)) if score > 0 else distribution.ppf(stats.norm.cdf(score))
        )

    n = 0.75 * 0.25 / 0.03**2 - 1
    sdlog = math.log(0.914 / 0.7) / (2 * stats.norm.ppf(0.975))
    return {
        "mortality_rate": float(quantile(stats.gamma(50, scale=1 / 1000), z["mortality_rate"])),
        "hazard_ratio": 0.8 * math.exp(sdlog * z["hazard_ratio"]),
        "cost_alive": float(quantile(stats.gamma((2000 / 150) ** 2, scale=150**2 / 2000), z["cost_alive"])),
        "utility_alive": float(quantile(stats.beta(0.75 * n, 0.25 * n), z["utility_alive"])),
    }


def outcomes(p: dict[str, float]) -> dict[str, list[float]]:
    """Costs and QALYs of standard care and of the new treatment: forty years, half-cycle corrected."""
    found = {"costs": [], "effects": []}
    for treated in (0, 1):
        step = math.exp(-p["mortality_rate"] * p["hazard_ratio"] ** treated) / 1.035
        years = math.fsum(step**t * (0.5 if t in (0, 40) else 1.0) for t in range(41))
        found["costs"].append(years * (p["cost_alive"] + 1500 * treated))
        found["effects"].append(years * p["utility_alive"])
    return found


def recorded() -> list[dict]:
    rows = []
    for draw in DRAWS:
        z = {name: score(SEED, name, draw) for name in PARAMETERS}
        rows.append({"draw": draw, "scores": z, "values": values(z), **outcomes(values(z))})
    return rows


if __name__ == "__main__":
    FILE.write_text(json.dumps(recorded(), indent=1) + "\n", encoding="utf-8")
