"""Chi-squared tests of counts against shares at 60 digits, for packages/srm/test/oracles/sample_ratio.json.

Exact rational arithmetic for the statistic, the incomplete gamma function's integral for the p-value.
Run: python3 tools/oracles/sample_ratio.py > packages/srm/test/oracles/sample_ratio.json
"""
import json
import random
from fractions import Fraction

import mpmath as mp

mp.mp.dps = 60
random.seed(20260103)


def row(shares, counts):
    total = sum(counts)
    weight = sum(map(Fraction, shares))
    statistic = Fraction(0)
    for share, n in zip(shares, counts):
        if share > 0:
            expected = Fraction(share) / weight * total
            statistic += (n - expected) ** 2 / expected
    df = sum(share > 0 for share in shares) - 1
    x = mp.mpf(statistic.numerator) / statistic.denominator
    p = mp.gammainc(mp.mpf(df) / 2, x / 2, mp.inf, regularized=True)
    return {
        "shares": shares, "counts": counts, "df": df,
        "statistic": float(mp.nstr(x, 20)), "p_value": float(mp.nstr(p, 20)),
    }


rows = [
    row([1, 1], [821588, 815482]),
    row([50, 50], [44700, 45489]),
    row([1, 1, 1], [166080, 171180, 166300]),
    row([1, 1, 1], [21306, 21307, 21387]),
    row([1, 0, 1], [50, 0, 50]),
    row([1, 1], [100000, 117150]),
    row([0.9, 0.1], [900000, 112000]),
    row([1, 1], [2 ** 40, 2 ** 40 + 2 ** 24]),
]
while len(rows) < 120:
    k = random.randint(2, 8)
    shares = [random.choice([0.1, 0.25, 1, 2, 10, 33.3, 1e-3]) for _ in range(k)]
    total = random.choice([150, 1000, 54321, 10 ** 7, 10 ** 9])
    tilt = random.choice([0, 0.5, 1, 3, 20])
    counts = []
    for share in shares:
        expected = total * share / sum(shares)
        counts.append(max(0, round(expected + random.gauss(0, 1 + tilt) * expected ** 0.5)))
    if sum(counts) >= 100:
        r = row(shares, counts)
        if r["p_value"] > 1e-300:
            rows.append(r)
print("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]")
