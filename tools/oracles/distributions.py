"""Values of distribution functions at 60 digits, for packages/stats/test/oracles/distributions.json.

Every function is written from its integral (mpmath.ncdf, gammainc), never from the formulas that the kernel uses.
Run: python3 tools/oracles/distributions.py > packages/stats/test/oracles/distributions.json
"""
import random

import mpmath as mp

mp.mp.dps = 60
random.seed(20260101)


def text(x):
    return mp.nstr(x, 20, strip_zeros=False)


def survival(z):
    return mp.erfc(mp.mpf(z) / mp.sqrt(2)) / 2


def quantile(p):
    """The root of log(cdf) = log p, by bisection on the definition."""
    p = mp.mpf(p)
    if p > mp.mpf(1) / 2:
        return -quantile(1 - p)
    low, high = mp.mpf(-40), mp.mpf(0)
    for _ in range(220):
        middle = (low + high) / 2
        if survival(-middle) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def chi_squared(x, df):
    with mp.workdps(60 if x < 4000 else 90):
        return mp.gammainc(mp.mpf(df) / 2, mp.mpf(x) / 2, mp.inf, regularized=True)


zs = sorted(
    {round(-8 + 0.25 * i, 2) for i in range(186)}
    | {random.uniform(-6, 6) for _ in range(60)}
    | {random.uniform(6, 37) for _ in range(40)}
    | {0.0, 1e-12, -1e-12, 1e-300, 2.5, 2.5000001, 8.3, 8.5, 37.0, 37.5}
)
print('{\n"normal": [')
print(",\n".join(f"[{z!r}, {text(survival(z))}, {text(survival(-z))}, {text(mp.log(survival(z)))}]" for z in zs if z < 37.6))
print('],\n"log_tail": [')
print(",\n".join(f"[{z!r}, {text(mp.log(survival(z)))}]" for z in [38.0, 39.5, 50.0, 123.4, 1e3, 1e4, 1e6]))
ps = sorted(
    {10.0 ** -k for k in range(1, 301, 5)}
    | {random.random() for _ in range(60)}
    | {1 - 10.0 ** -k for k in range(1, 16)}
    | {0.5 + 10.0 ** -k for k in range(2, 14)}
    | {0.5 - 10.0 ** -k for k in range(2, 14)}
    | {0.025, 0.975, 0.05, 0.95, 0.1, 0.9, 0.0999999, 1e-10, 1.1e-10, 5e-4}
)
print('],\n"quantile": [')
print(",\n".join(f"[{p!r}, {text(quantile(p))}]" for p in ps))
xs = []
for df in [1, 2, 3, 4, 5, 7, 9, 10, 20, 31, 50, 100, 1000]:
    for x in [1e-8, 0.01, 0.5, df * 0.5, df * 0.9, float(df), df + 1.999, df + 2.0, df * 1.2, df * 2.0, 69.0, 71.0, 300.0, 1300.0]:
        xs.append((float(x), df))
xs += [(random.uniform(0, 100), random.randint(1, 30)) for _ in range(60)]
xs += [(6.9, 1), (1370.0, 1), (1380.0, 2)]
print('],\n"chi_squared": [')
rows = [(x, df, chi_squared(x, df)) for x, df in sorted(set(xs))]
print(",\n".join(f"[{x!r}, {df}, {text(q)}, {text(mp.log(q))}]" for x, df, q in rows if q > mp.mpf("1e-300")))
print('],\n"chi_squared_log_tail": [')
print(",\n".join(f"[{x!r}, {df}, {text(mp.log(chi_squared(x, df)))}]" for x, df in [(1500.0, 1), (3000.0, 1), (3000.0, 9), (1e4, 2)]))
print("]\n}")
