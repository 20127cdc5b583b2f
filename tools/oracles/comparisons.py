"""Comparisons of two arms at 50 digits, for packages/stats/test/oracles/comparisons.json.

Everything comes from the definitions: probabilities from erfc; the variance of a ratio from the linearised residuals
x - R*y; Fieller's interval by searching, on either side of the estimate, the ratio at which the test of
treatment - rho*control = 0 stops accepting (no closed form); the delta lift from its published variance.
Run: python3 tools/oracles/comparisons.py > packages/stats/test/oracles/comparisons.json
"""
import json
import random

import mpmath as mp

mp.mp.dps = 50
random.seed(20260102)


def survival(z):
    return mp.erfc(z / mp.sqrt(2)) / 2


def critical(confidence):
    if confidence == 0.95:
        return mp.mpf(1.959963984540054)
    tail = (1 - mp.mpf(confidence)) / 2
    low, high = mp.mpf(0), mp.mpf(40)
    for _ in range(180):
        middle = (low + high) / 2
        low, high = (middle, high) if survival(middle) > tail else (low, middle)
    return low


def arm_estimate(arm):
    n = mp.mpf(arm["n"])
    means = [mp.mpf(s) / n for s in arm["sums"]]
    c = [[mp.mpf(x) for x in row] for row in arm["comoments"]]
    if len(means) == 1:
        return means[0], c[0][0] / (n - 1) / n
    ratio = means[0] / means[1]
    residual = c[0][0] - 2 * ratio * c[0][1] + ratio ** 2 * c[1][1]
    return ratio, residual / (n - 1) / n / means[1] ** 2


def fieller(mt, vt, mc, vc, z):
    """None when some ratio far out is still accepted."""
    ratio = mt / mc
    if mc ** 2 <= z ** 2 * vc:
        return None
    if vt == 0 and vc == 0:
        return ratio - 1, ratio - 1

    def accepted(rho):
        return (mt - rho * mc) ** 2 <= z ** 2 * (vt + rho ** 2 * vc)

    def edge(sign):
        step = mp.mpf("1e-12") * (abs(ratio) + mp.sqrt(vt) / mc + mp.sqrt(vc) / mc)
        while accepted(ratio + sign * step):
            step *= 2
        inside, outside = mp.mpf(0), step
        for _ in range(160):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if accepted(ratio + sign * middle) else (inside, middle)
        return ratio + sign * inside - 1

    return edge(-1), edge(1)


def text(x):
    return float(mp.nstr(x, 20))


def probability(z):
    """Survival at a z that may be infinite."""
    return mp.mpf(0) if z == mp.inf else mp.mpf(1) if z == -mp.inf else survival(z)


def standardised(value, se):
    return mp.mpf(0) if value == 0 else mp.sign(value) * mp.inf if se == 0 else value / se


def expected(case):
    z = critical(case["confidence"])
    mc, vc = arm_estimate(case["control"])
    mt, vt = arm_estimate(case["treatment"])
    sign = -1 if case["direction"] == "down" else 1
    d = mt - mc
    se = mp.sqrt(vt + vc)
    lift = d / mc
    common = {
        "difference": text(d), "difference_ci_low": text(d - z * se), "difference_ci_high": text(d + z * se),
        "standard_error": text(se), "p_value": text(2 * probability(abs(standardised(d, se)))), "lift": text(lift),
    }
    lift_se = mp.sqrt(vt / mc ** 2 + mt ** 2 * vc / mc ** 4)
    delta = common | {
        "ci_low": text(lift - z * lift_se), "ci_high": text(lift + z * lift_se),
        "chance_to_win": text(probability(-sign * standardised(lift, lift_se))),
    }
    interval = fieller(mt, vt, mc, vc, z)
    bayesian = None
    if interval is not None:
        bayesian = common | {
            "ci_low": text(interval[0]), "ci_high": text(interval[1]),
            "chance_to_win": text(probability(-sign * standardised(d, se))),
        }
    return {"delta": delta, "bayesian": bayesian}


def proportion_arm(n, k):
    return {"n": n, "sums": [k], "comoments": [[k * (n - k) / n]]}


def mean_arm(n, mean, sd):
    return {"n": n, "sums": [mean * n], "comoments": [[sd * sd * (n - 1)]]}


def ratio_arm(n, numerator, denominator, sd0, sd1, correlation):
    c = [[sd0 * sd0, correlation * sd0 * sd1], [correlation * sd0 * sd1, sd1 * sd1]]
    return {"n": n, "sums": [numerator * n, denominator * n], "comoments": [[x * (n - 1) for x in row] for row in c]}


def size():
    return random.choice([2, 3, 5, 10, 50, 400, 12345, 10 ** 6, 2 ** 40])


def near(x, spread):
    return x * (1 + random.gauss(0, spread))


cases = []


def add(estimand, control, treatment):
    cases.append({
        "estimand": estimand, "control": control, "treatment": treatment,
        "direction": random.choice(["up", "down"]),
        "confidence": random.choice([0.95, 0.95, 0.9, 0.99, 0.999, 0.5]),
    })


for _ in range(80):
    nc, nt = random.choice([20, 100, 1000, 54321, 10 ** 7]), random.choice([20, 100, 1000, 54321, 10 ** 7])
    p = random.choice([0.02, 0.1, 0.3, 0.5, 0.9])
    q = min(1, max(0, near(p, random.choice([0.01, 0.1, 0.5]))))
    add("proportion", proportion_arm(nc, max(1, round(p * nc))), proportion_arm(nt, round(q * nt)))
for _ in range(110):
    mean = 10.0 ** random.uniform(-3, 6)
    spread = mean * 10.0 ** random.uniform(-2, 1)
    nc, nt = size(), size()
    shift = near(mean, random.choice([0.001, 0.05, 0.5]))
    add("mean", mean_arm(nc, mean, spread), mean_arm(nt, shift, spread * random.uniform(0.5, 2)))
for _ in range(40):
    nc, nt = size(), size()
    a = [10.0 ** random.uniform(-2, 3) for _ in range(2)]
    sd = [x * random.uniform(0.1, 2) for x in a]
    rho = random.uniform(-0.9, 0.95)
    add("ratio", ratio_arm(nc, *a, *sd, rho), ratio_arm(nt, near(a[0], 0.1), near(a[1], 0.1), *sd, rho))
# No variance in one arm or both, no success, equal arms.
for nc, nt, mc, mt, sc, st in [
    (10, 20, 1.0, 2.0, 0.0, 0.0), (10, 20, 2.0, 1.0, 0.0, 0.0), (10, 20, 3.0, 3.0, 0.0, 0.0), (10, 20, 1.0, 2.0, 0.5, 0.0),
    (10, 20, 1.0, 2.0, 0.0, 0.5), (10, 20, 3.0, 0.0, 0.5, 0.0), (64, 64, 3.0, 3.0, 1.0, 1.0), (2, 2, 1.0, -4.0, 0.1, 0.1),
]:
    add("mean", mean_arm(nc, mc, sc), mean_arm(nt, mt, st))
# Far tails, and sizes near the ends of the range.
for z in [5, 8, 9, 15, 30, 37]:
    add("mean", mean_arm(1024, 64.0, 1.0), mean_arm(1024, 64.0 + z * 2 ** 0.5 / 32, 1.0))
    add("mean", mean_arm(1024, 64.0, 1.0), mean_arm(1024, 64.0 - z * 2 ** 0.5 / 32, 1.0))
for scale in [1e-90, 1e-30, 1e30, 1e90]:
    add("mean", mean_arm(1000, 3 * scale, 9 * scale), mean_arm(900, 4 * scale, 11 * scale))
# Large offsets: means a power of two times whole numbers, so that their difference is exact.
for n in [2 ** 10, 2 ** 20]:
    add("mean", mean_arm(n, 1e9 + 0.5, 0.5), mean_arm(n, 1e9 + 0.5078125, 0.5))
# A control that is hardly known: Fieller's interval is wide, one-sided or unbounded.
for mean in [1.9, 1.95, 1.97, 2.0, 2.2, 3.0]:
    add("mean", mean_arm(100, mean, 10.0), mean_arm(100, 2.5, 10.0))

rows = [case | {"expected": expected(case)} for case in cases]
print("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]")
