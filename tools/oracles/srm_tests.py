"""Exact multinomial p-values and the sequential test's Bayes factors, for packages/srm/test/oracles/srm_tests.json.

Exact: all outcomes, in rational arithmetic. Bayes factor: log-gamma functions at 60 digits, as Lindon and Malek write it.
Run: python3 tools/oracles/srm_tests.py > packages/srm/test/oracles/srm_tests.json
"""
import itertools
import json
import random
from fractions import Fraction
from math import factorial

import mpmath as mp

mp.mp.dps = 60
random.seed(20260104)


def pmf(counts, shares):
    total = sum(shares)
    p = Fraction(factorial(sum(counts)))
    for n, s in zip(counts, shares):
        p *= Fraction(s, total) ** n / factorial(n)
    return p


def outcomes(n, k):
    for cuts in itertools.combinations(range(n + k - 1), k - 1):
        edges = (-1,) + cuts + (n + k - 1,)
        yield [edges[i + 1] - edges[i] - 1 for i in range(k)]


def exact(counts, shares):
    seen = pmf(counts, shares)
    return sum(p for p in (pmf(o, shares) for o in outcomes(sum(counts), len(shares))) if p <= seen)


def log_bayes_factor(counts, shares, c):
    total = mp.fsum(shares)
    p = [mp.mpf(s) / total for s in shares]
    n = sum(counts)
    log = mp.loggamma(c) - mp.loggamma(c + n)
    for k, share in zip(counts, p):
        log += mp.loggamma(c * share + k) - mp.loggamma(c * share) - k * mp.log(share)
    return log


rows, factors = [], []
for _ in range(60):
    k = random.choice([2, 2, 3, 4])
    n = random.randint(3, {2: 300, 3: 40, 4: 20}[k])
    shares = [random.randint(1, 20) for _ in range(k)]
    counts = [0] * k
    tilt = [s * random.choice([1, 1, 3]) for s in shares]
    for i in random.choices(range(k), weights=tilt, k=n):
        counts[i] += 1
    rows.append([counts, shares, float(exact(counts, shares))])
for _ in range(500):
    k = random.choice([2, 2, 3, 5])
    shares = [random.choice([1, 1, 2, 10, 0.1]) for _ in range(k)]
    n = 10 ** random.uniform(0, 9)
    p = [s / sum(shares) for s in shares]
    counts = [max(0, round(n * q + random.gauss(0, random.choice([1, 3, 10])) * (n * q * (1 - q)) ** 0.5)) for q in p]
    c = random.choice([100, 10000, 10000, 12.5])
    factors.append([counts, shares, c, float(mp.nstr(log_bayes_factor(counts, shares, c), 20))])
print(json.dumps({"exact": rows, "factors": factors}).replace("], [[", "],\n[["))
