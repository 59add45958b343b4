"""The Wilson score interval of a rate, at 95 %.

It stays inside 0 and 1 and is honest for few messages, where the plain interval is not
(E. B. Wilson, Journal of the American Statistical Association 22, 1927). The page computes the same in `page.js`.
"""

from __future__ import annotations

from math import sqrt

Z_95 = 1.959963984540054


def wilson(hits: int, trials: int, z: float = Z_95) -> tuple[float, float] | None:
    """Lower and upper bound of hits / trials, or None without trials."""
    if trials <= 0:
        return None
    rate = hits / trials
    scale = 1 + z * z / trials
    centre = (rate + z * z / (2 * trials)) / scale
    half = z / scale * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)
