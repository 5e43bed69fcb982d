"""What a film's talk is like in an ordinary hour: an exponentially weighted mean and variance, the cycle taken out.

Source of the update: T. Finch, "Incremental calculation of weighted mean and variance" (2009), section 9, as SigniTrend
(Schubert et al., KDD 2014) uses it; the mean is per unit of the weekly cycle, so that one number a film is enough.
"""

from __future__ import annotations

from math import copysign, log, sqrt
from typing import Final, NamedTuple

# What lies beyond this score counts as lying there: a burst must not become what is ordinary by itself.
CLIP_SCORE: Final = 4.0
NOTHING: Final = 1e-9

SHRINKAGE: Final = 0.3
PRIOR_DISPERSION: Final = 0.3
PRIOR_INFORMATION: Final = 10.0
LEAST_DISPERSION: Final = 1e-3


class Baseline(NamedTuple):
    """Mean `m` of mentions in an hour of cycle weight 1, and variance `s2` of an hour's mentions about it."""

    m: float = 0.0
    s2: float = 0.0

    def after(self, mentions: int, cycle: float, weight: float) -> Baseline:
        """Return the baseline with one more hour.

        d = x - m w; m += a d; s2 = (1 - a)(s2 + a d^2), where x is the hour's mentions, clipped at what a score of
        `CLIP_SCORE` would be, w (`cycle`) the hour's weight in the weekly cycle and a (`weight`) that of a new hour.
        """
        m, s2 = self
        if not mentions and m < NOTHING and s2 < NOTHING:
            return self
        expected = m * cycle
        most = expected + CLIP_SCORE * sqrt(s2 + expected + 1.0)
        d = min(float(mentions), most) - expected
        return Baseline(m + weight * d, (1.0 - weight) * (s2 + weight * d * d))

    def dispersion(self, hours: float) -> float:
        """Return by how much the rate itself varies, the squared coefficient of variation of an hour's expectation.

        Method of moments: (s2 - m) / m^2, shrunk towards `PRIOR_DISPERSION` where `hours` of so low a mean say little.
        """
        m, s2 = self
        known = m * m * hours
        return (max(0.0, s2 - m) * hours + PRIOR_DISPERSION * PRIOR_INFORMATION) / (known + PRIOR_INFORMATION)


class Expectation(NamedTuple):
    """What is expected of a span: `mean` mentions, whose rate varies with `dispersion` (variance mu + phi mu^2)."""

    mean: float = 0.0
    dispersion: float = PRIOR_DISPERSION


def score(mentions: int, expected: Expectation) -> float:
    """Return how far a number of mentions is above what is expected, in standard deviations of a normal variable.

    The signed root of the deviance of a negative binomial count, with mu shrunk by half a mention and r = 1 / phi:
    sqrt(2 (n ln(n / mu) - (n + r) ln((n + r) / (mu + r)))) (McCullagh & Nelder 1989, section 2.4, for the residual;
    Hilbe 2011, section 8.2, for this deviance). Finite for a film without any history.
    """
    mu = expected.mean + SHRINKAGE
    r = 1.0 / max(LEAST_DISPERSION, expected.dispersion)
    part = mentions * log(mentions / mu) if mentions else 0.0
    deviance = 2.0 * (part - (mentions + r) * log((mentions + r) / (mu + r)))
    return copysign(sqrt(max(0.0, deviance)), mentions - mu)
