"""Student t, F, beta, binomial and chi-squared at 50 digits, for packages/stats/test/oracles/families.json.

The incomplete beta function is summed from its power series of positive terms
I_x(a,b) = x^a (1-x)^b / (a B(a,b)) * sum (a+b)_k x^k / (a+1)_k, on the side where that converges fast, and the
incomplete gamma function from its own: neither uses the kernel's continued fractions or expansions. Quantiles are polished by Newton's method
from a known point, at full precision.
Run: python3 tools/oracles/families.py > packages/stats/test/oracles/families.json
"""
import json
import random

import mpmath as mp

mp.mp.dps = 50
random.seed(20260103)


def prefactor(a, b, x, y):
    return mp.exp(a * mp.log(x) + b * mp.log(y) - mp.loggamma(a) - mp.loggamma(b) + mp.loggamma(a + b))


def series(a, b, x, y):
    """Summed in fixed-point integers: 220 bits for the terms, 190 for x, 70 behind the point for a and b."""
    fixed_x = int(mp.ldexp(x, 190))
    fixed_a, fixed_ab = int(mp.ldexp(a, 70)), int(mp.ldexp(a + b, 70))
    one = 1 << 70
    term = total = 1 << 220
    k = 0
    while term > 1 << 30:
        k += 1
        term = (term * (fixed_ab + (k - 1) * one) // (fixed_a + k * one) * fixed_x) >> 190
        total += term
    return prefactor(a, b, x, y) / a * mp.ldexp(mp.mpf(total), -220)


def beta_tails(a, b, x, y):
    a, b, x, y = mp.mpf(a), mp.mpf(b), mp.mpf(x), mp.mpf(y)
    if x <= 0:
        return mp.mpf(0), mp.mpf(1)
    if y <= 0:
        return mp.mpf(1), mp.mpf(0)
    if x < (a + 1) / (a + b + 2):
        lower = series(a, b, x, y)
        return lower, 1 - lower
    upper = series(b, a, y, x)
    return 1 - upper, upper


def student(t, df):
    t, df = mp.mpf(t), mp.mpf(df)
    lower = beta_tails(df / 2, mp.mpf(1) / 2, df / (df + t * t), t * t / (df + t * t))[0] / 2
    return (1 - lower, lower) if t > 0 else (lower, 1 - lower)


def fisher(x, d1, d2):
    x, d1, d2 = mp.mpf(x), mp.mpf(d1), mp.mpf(d2)
    return beta_tails(d1 / 2, d2 / 2, d1 * x / (d1 * x + d2), d2 / (d1 * x + d2))


def beta(x, a, b):
    return beta_tails(a, b, mp.mpf(x), 1 - mp.mpf(x))


def binomial(k, n, p):
    upper, lower = beta_tails(k + 1, n - k, mp.mpf(p), 1 - mp.mpf(p))
    return lower, upper


def chi_squared(x, df):
    """Lower tail by its series of positive terms; the upper as its complement, with digits to spare for the cancellation."""
    with mp.workdps(420):
        a, z = mp.mpf(df) / 2, mp.mpf(x) / 2
        bits = 1500
        fixed_z, fixed_a, one = int(mp.ldexp(z, 70)), int(mp.ldexp(a, 70)), 1 << 70
        term = total = 1 << bits
        k = 0
        while term > 1:
            k += 1
            term = term * fixed_z // (fixed_a + k * one)
            total += term
        lower = mp.exp(a * mp.log(z) - z - mp.loggamma(a + 1)) * mp.ldexp(mp.mpf(total), -bits)
        return lower, 1 - lower


def density(name, x, args):
    x = mp.mpf(x)
    if name == "student":
        df = mp.mpf(args[0])
        return mp.exp(mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(df * mp.pi) / 2
                      - (df + 1) / 2 * mp.log1p(x * x / df))
    if name == "beta":
        a, b = map(mp.mpf, args)
        return prefactor(a, b, x, 1 - x) / (x * (1 - x))
    if name == "f":
        d1, d2 = map(mp.mpf, args)
        r = d1 * x / d2
        return prefactor(d1 / 2, d2 / 2, r / (1 + r), 1 / (1 + r)) / x
    df = mp.mpf(args[0])
    return mp.exp((df / 2 - 1) * mp.log(x) - x / 2 - df / 2 * mp.log(2) - mp.loggamma(df / 2))


functions = {"student": student, "f": fisher, "beta": beta, "binomial": binomial, "chi_squared": chi_squared}


def number(x):
    return float(mp.nstr(x, 20))


points, quantiles = [], []


def add(name, x, *args):
    lower, upper = functions[name](x, *args)
    if not (mp.mpf("1e-305") < lower and mp.mpf("1e-305") < upper):
        return
    log = mp.log1p(-lower) if lower < upper else mp.log(upper)
    points.append([name, x, list(args), number(lower), number(upper), number(log)])
    if name == "binomial":
        return
    p = number(lower)
    if not 1e-300 < p < 1 - 1e-6:
        return
    q = mp.mpf(x)
    for _ in range(2):
        lower, upper = functions[name](q, *args)
        q -= (lower - mp.mpf(p)) / density(name, q, args)
    # A quantile beside 1 is known no better than p is.
    quantiles.append([name, p, list(args), number(q)])


def scale(low, high):
    return float(f"{10 ** random.uniform(low, high):.6g}")


for _ in range(330):
    df = random.choice([1, 2, 3, 5, 10, 29.5, 59.9, 60, 100, 1000.25, scale(-0.5, 4)])
    add("student", random.choice([-1, 1]) * random.choice([scale(-3, 1), scale(0, 1.55), random.uniform(0, 5)]), df)
for df, t in [(1, 1e9), (1, 1e200), (1, -1e290), (2, -1e100), (3, -1e90), (0.5, -1e200), (5, -1e40), (10, 1e25), (50, 1e6),
              (200, 60.0), (200, 35.0), (1e6, 37.0), (1e7, 30.0), (7, 1e-10), (1e4, 1e-12)]:
    add("student", t, df)
for _ in range(330):
    a, b = scale(-1, 3.5), scale(-1, 3.5)
    mean = a / (a + b)
    sd = (mean * (1 - mean) / (a + b + 1)) ** 0.5
    x = random.choice([random.random(), mean + random.gauss(0, 3) * sd, mean + random.uniform(-25, 25) * sd, scale(-6, 0)])
    if 0 < x < 1:
        add("beta", x, a, b)
for a, b in [(1e5, 1e5), (2e4, 1e4)]:
    mean = a / (a + b)
    for z in [-30, -10, -2, 0, 1, 8, 25]:
        x = mean + z * (mean * (1 - mean) / (a + b)) ** 0.5
        if x < 1:
            add("beta", x, a, b)
for _ in range(330):
    d1, d2 = random.choice([1, 2, 3, 7.5, 20, 150, scale(0, 4)]), random.choice([1, 2, 5, 12, 33.3, 1000, scale(0, 5)])
    add("f", random.choice([scale(-4, 1), scale(-1, 1), scale(0, 4), random.uniform(0.2, 4)]), d1, d2)
for _ in range(330):
    n = random.choice([1, 2, 10, 50, 1000, 12345])
    p = random.choice([random.random(), scale(-5, 0), 0.5, 0.001])
    p = min(p, 0.99999)
    sd = (n * p * (1 - p)) ** 0.5
    k = round(n * p + random.choice([random.gauss(0, 2), random.uniform(-30, 30)]) * sd)
    if 0 <= k < n:
        add("binomial", k, n, p)
for _ in range(330):
    df = random.choice([1, 2, 3, 10, 49, 200, scale(-1, 4)])
    sd = (2 * df) ** 0.5
    x = random.choice([scale(-4, 1), df * scale(-1, 0.3), df + random.uniform(-6, 40) * sd, scale(0, 3.1)])
    if x > 0:
        add("chi_squared", x, df)

print(json.dumps({"points": points, "quantiles": quantiles}).replace("], [\"", "],\n[\""))
