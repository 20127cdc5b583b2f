"""The engines in an independent implementation, for packages/stats/test/oracles/{bayesian,frequentist,sequential,multiplicity,counts}.json.

Welch and pooled t from the incomplete beta function, normal tails from erfc, confidence sequences from their published formulas,
Fieller's interval as the roots of the quadratic (mt - rho*mc)^2 = c^2 (vt + rho^2 vc), a normal posterior by adding precisions,
covariate adjustment from the residuals' covariance matrix: all at 40 digits (mpmath). Multiple comparisons from statsmodels, exact
tests from scipy, Newcombe's interval from statsmodels.
Run: python3 tools/oracles/engines.py   (from the root of the repository; it writes the files itself)
"""
import json
import random
import sys

import mpmath as mp
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

mp.mp.dps = 40
random.seed(20260105)


def sf(z):
    return mp.erfc(z / mp.sqrt(2)) / 2


def series(a, b, x, y):
    fx = int(mp.ldexp(x, 190))
    fa, fab, one = int(mp.ldexp(a, 70)), int(mp.ldexp(a + b, 70)), 1 << 70
    term = total = 1 << 220
    k = 0
    while term > 1 << 90:
        k += 1
        term = (term * (fab + (k - 1) * one) // (fa + k * one) * fx) >> 190
        total += term
    pre = mp.exp(a * mp.log(x) + b * mp.log(y) - mp.loggamma(a) - mp.loggamma(b) + mp.loggamma(a + b))
    return pre / a * mp.ldexp(mp.mpf(total), -220)


def t_sf(t, df):
    """Above 1e5 degrees of freedom: the Cornish-Fisher type expansion of Hill (1970) of z, good to df**-4."""
    if t < 0:
        return 1 - t_sf(-t, df)
    if t == 0:
        return mp.mpf(1) / 2
    if df > 1e5:
        a = df - mp.mpf(1) / 2
        z2 = a * mp.log1p(t * t / df)
        b = 48 * a * a
        z = mp.sqrt(z2)
        z = z + (z ** 3 + 3 * z) / b - (4 * z ** 7 + 33 * z ** 5 + 240 * z ** 3 + 855 * z) / (10 * b * (b + mp.mpf(8) / 10 * z ** 4 + 100))
        return sf(z)
    a, half = df / 2, mp.mpf(1) / 2
    x, y = df / (df + t * t), t * t / (df + t * t)
    if x < (a + 1) / (a + half + 2):
        return series(a, half, x, y) / 2
    return (1 - series(half, a, y, x)) / 2


def quantile(survival, tail, guess):
    """Three secant steps on the log of the survival function from a guess good to 1e-12: the error is below 1e-30 then."""
    f = lambda z: mp.log(survival(z)) - mp.log(tail)
    a, b = guess, guess * (1 + mp.mpf("1e-9"))
    fa, fb = f(a), f(b)
    for _ in range(2):
        if fb == fa:
            break
        a, b, fa = b, b - fb * (b - a) / (fb - fa), fb
        fb = f(b)
    return b


def estimate(arm, estimand, theta=None, centre=None):
    n = arm["n"]
    m = [mp.mpf(x) for x in arm["mean"]]
    c = [[mp.mpf(x) for x in row] for row in arm["covariance"]]
    g = [mp.mpf(0)] * len(m)
    if estimand["kind"] == "ratio":
        value = m[0] / m[1]
        g[0], g[1] = 1 / m[1], -value / m[1]
        at = 2
    else:
        value = m[0]
        g[0] = mp.mpf(1)
        at = 1
    if theta is not None:
        value -= theta * (m[at] - centre)
        g[at] = -theta
    v = sum(g[i] * c[i][j] * g[j] for i in range(len(m)) for j in range(len(m)))
    return value, v / n


def slope(control, treatment, estimand):
    """From the merged sample, its covariance put together from within and between."""
    nc, nt = mp.mpf(control["n"]), mp.mpf(treatment["n"])
    n = nc + nt
    k = len(control["mean"])
    a, b = [mp.mpf(x) for x in control["mean"]], [mp.mpf(x) for x in treatment["mean"]]
    mean = [(nc * a[i] + nt * b[i]) / n for i in range(k)]
    cov = [[((nc - 1) * mp.mpf(control["covariance"][i][j]) + (nt - 1) * mp.mpf(treatment["covariance"][i][j])
             + nc * nt / n * (a[i] - b[i]) * (a[j] - b[j])) / (n - 1) for j in range(k)] for i in range(k)]
    if estimand["kind"] == "ratio":
        r = mean[0] / mean[1]
        gy = [1 / mean[1], -r / mean[1]]
        at = 2
    else:
        gy = [mp.mpf(1)]
        at = 1
    yx = sum(gy[i] * cov[i][at] for i in range(len(gy)))
    return yx / cov[at][at], mean[at]


def compare(case):
    control, treatment, estimand = case["control"], case["treatment"], case["estimand"]
    theta = centre = None
    if estimand.get("covariate"):
        theta, centre = slope(control, treatment, estimand)
    mc, vc = estimate(control, estimand, theta, centre)
    mt, vt = estimate(treatment, estimand, theta, centre)
    if mc <= 0 and (case["contrast"] == "relative" or case.get("prior", {}).get("on") == "relative"):
        return None
    nc, nt = mp.mpf(control["n"]), mp.mpf(treatment["n"])
    engine, alternative = case["engine"], case["alternative"]
    alpha = 1 - mp.mpf(case["confidence"])
    if case["variance"] == "pooled":
        s2 = (vc * nc * (nc - 1) + vt * nt * (nt - 1)) / (nc + nt - 2)
        vc, vt = s2 / nc, s2 / nt
    d, se = mt - mc, mp.sqrt(vt + vc)
    lift = d / mc
    lift_se = mp.sqrt(vt / mc ** 2 + mt ** 2 * vc / mc ** 4)
    relative = case["contrast"] == "relative"
    df = None
    by_delta = relative and (case["interval"] == "delta" and engine == "frequentist")
    stat = lift / lift_se if by_delta else d / se
    tail = alpha / 2 if alternative == "two-sided" else alpha
    log_e = None
    if engine == "frequentist":
        df = nc + nt - 2 if case["variance"] == "pooled" else (vt + vc) ** 2 / (vt ** 2 / (nt - 1) + vc ** 2 / (nc - 1))
        survival = lambda z: t_sf(z, df)
        guess = mp.mpf(float(stats.t.isf(float(tail), float(df))))
        crit = quantile(survival, tail, guess)
    elif engine == "sequential":
        n = nc + nt
        g = case["tuning"] / (-2 * mp.log(alpha) + mp.log(1 - 2 * mp.log(alpha)))
        if alternative == "two-sided":
            crit = mp.sqrt((n + g) / n * mp.log((n + g) / (g * alpha ** 2)))
            log_e = mp.log(g / (g + n)) / 2 + n * stat ** 2 / (2 * (n + g))
        else:
            crit = mp.sqrt(2 * (n + g) / n * mp.log(1 + mp.sqrt((n + g) / g) / (2 * alpha)))
            z = stat if alternative == "greater" else -stat
            log_e = mp.log(2 * mp.sqrt(g / (g + n)) * (mp.exp(n * z ** 2 / (2 * (n + g))) - 1)) if z > 0 else None
    else:
        survival = sf
        crit = quantile(sf, tail, mp.mpf(float(stats.norm.isf(float(tail)))))
    if engine == "sequential":
        p = min(mp.mpf(1), mp.exp(-log_e)) if log_e is not None else mp.mpf(1)
        survival = sf
    elif alternative == "two-sided":
        p = 2 * survival(abs(stat))
    else:
        p = survival(stat if alternative == "greater" else -stat)
    chance = survival(-d / se)
    if case["direction"] == "down":
        chance = survival(d / se)
    out = {}
    if not relative:
        low, high = d - crit * se, d + crit * se
    elif by_delta:
        low, high = lift - crit * lift_se, lift + crit * lift_se
    else:
        a, b, c = mc ** 2 - crit ** 2 * vc, -mt * mc, mt ** 2 - crit ** 2 * vt
        if a <= 0:
            return None
        root = mp.sqrt(b * b - a * c)
        low, high = (-b - root) / a - 1, (-b + root) / a - 1
    if case.get("prior"):
        prior = case["prior"]
        rate = mc if prior["on"] == "relative" and not relative else 1 / mc if prior["on"] == "absolute" and relative else 1
        pm, ps = prior["mean"] * rate, prior["sd"] * abs(rate)
        em, es = (lift, lift_se) if relative else (d, se)
        precision = 1 / ps ** 2 + 1 / es ** 2
        mean, sd = (pm / ps ** 2 + em / es ** 2) / precision, 1 / mp.sqrt(precision)
        low, high = mean - crit * sd, mean + crit * sd
        chance = sf(mean / sd) if case["direction"] == "down" else sf(-mean / sd)
        z = mean / sd
        gain = mean * sf(-z) + sd * mp.npdf(z)
        out["loss_control"], out["loss_treatment"] = (gain - mean, gain) if case["direction"] == "down" else (gain, gain - mean)
    out |= {
        "lift": lift, "difference": d, "standard_error": lift_se if relative else se,
        "ci_low": None if alternative == "less" else low, "ci_high": None if alternative == "greater" else high,
        "statistic": stat, "degrees_of_freedom": df, "p_value": p, "chance_to_win": chance, "log_e": log_e, "theta": theta,
    }
    return {k: None if v is None else float(mp.nstr(v, 18)) for k, v in out.items()}


def covariance(sd, rho):
    k = len(sd)
    return [[sd[i] * sd[j] * (1 if i == j else rho) for j in range(k)] for i in range(k)]


def arms(kind, covariate):
    k = {"proportion": 1, "mean": 1, "ratio": 2}[kind] + (1 if covariate else 0)
    n = lambda: random.choice([3, 5, 12, 50, 400, 12345, 10 ** 6, 10 ** 12])
    nc = n()
    nt = random.choice([n(), nc])
    if kind == "proportion":
        p = random.choice([0.3, 0.5, 0.8, 0.1, 0.01])
        kc = max(1, min(nc - 1, round(p * nc)))
        q = min(0.999, max(0.0005, p * random.choice([1, 1.001, 1.1, 0.6])))
        kt = max(1, min(nt - 1, round(q * nt)))
        arm = lambda n, s: {"n": n, "mean": [s / n], "covariance": [[s / n * (1 - s / n) * n / (n - 1)]]}
        return arm(nc, kc), arm(nt, kt)
    mean = [10 ** random.uniform(-2, 4) for _ in range(k)]
    sd = [m * random.choice([0.05, 0.5, 2]) for m in mean]
    if kind == "ratio":
        sd[1] = mean[1] * random.uniform(0.05, 0.6)
    rho = random.choice([0, 0.3, 0.8, 0.95])
    se = [s * (1 / nc + 1 / nt) ** 0.5 for s in sd]
    shifted = [m + random.gauss(0, 1) * random.choice([0.5, 3, 10]) * e for m, e in zip(mean, se)]
    if random.random() < 0.1:
        mean[0], shifted[0] = -mean[0], -shifted[0]
    other = [s * random.uniform(0.6, 1.6) for s in sd]
    return ({"n": nc, "mean": mean, "covariance": covariance(sd, rho)},
            {"n": nt, "mean": shifted, "covariance": covariance(other, rho * 0.9)})


cases = []
for engine, count in [("bayesian", 520), ("frequentist", 520), ("sequential", 520)]:
    made = 0
    while made < count:
        kind = random.choice(["proportion", "mean", "mean", "ratio"])
        covariate = kind != "proportion" and random.random() < 0.4
        control, treatment = arms(kind, covariate)
        at = {"proportion": 1, "mean": 1, "ratio": 2}[kind]
        case = {
            "engine": engine, "estimand": {"kind": kind} | ({"covariate": {"numerator": at}} if covariate else {}),
            "control": control, "treatment": treatment, "contrast": random.choice(["relative", "absolute"]),
            "alternative": random.choice(["two-sided", "two-sided", "greater", "less"]),
            "confidence": random.choice([0.95, 0.95, 0.9, 0.99, 0.999]), "direction": random.choice(["up", "down"]),
            "variance": random.choice(["welch", "welch", "pooled"]) if engine == "frequentist" else "welch",
            "interval": random.choice(["fieller", "fieller", "delta"]) if engine == "frequentist" else "fieller",
            "tuning": random.choice([5000, 5000, 100, 10 ** 6]),
        }
        if kind == "proportion" and min(min(a["mean"][0], 1 - a["mean"][0]) * b["n"] for a in (control, treatment) for b in (control, treatment)) < 6:
            continue
        if engine == "bayesian" and random.random() < 0.5:
            on = random.choice(["relative", "absolute"])
            unit = 1 if on == "relative" else abs(control["mean"][0])
            case["prior"] = {"mean": random.choice([0, 0.02]) * unit, "sd": random.choice([0.01, 0.3]) * unit, "on": on}
        if control["mean"][0] < 0 and (case["contrast"] == "relative" or case.get("prior", {}).get("on") == "relative"):
            continue
        try:
            expected = compare(case)
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            print(error, file=sys.stderr)
            continue
        if expected is None or expected["p_value"] < 1e-290:
            continue
        cases.append(case | {"expected": expected})
        made += 1

adjusted = []
names = {"bonferroni": "bonferroni", "holm": "holm", "hochberg": "simes-hochberg", "hommel": "hommel",
         "benjamini-hochberg": "fdr_bh", "benjamini-yekutieli": "fdr_by"}
for _ in range(60):
    m = random.randint(1, 12)
    p = [round(random.random() ** random.choice([1, 3, 6]), random.choice([2, 17])) for _ in range(m)]
    adjusted.append([p, {ours: [float(x) for x in multipletests(p, method=theirs)[1]] for ours, theirs in names.items()}])

counts = []
for _ in range(120):
    nc, nt = random.choice([8, 20, 60, 300]), random.choice([8, 25, 60, 1000])
    kc, kt = random.randint(0, min(nc, 8)), random.randint(0, min(nt, 8))
    if random.random() < 0.2:
        kc, kt = nc - kc, nt - kt
    table = [[kt, nt - kt], [kc, nc - kc]]
    low, high = confint_proportions_2indep(kt, nt, kc, nc, method="newcomb", compare="diff", alpha=0.05)
    counts.append([kc, nc, kt, nt, [float(stats.fisher_exact(table, alternative=a)[1]) for a in ("two-sided", "greater", "less")],
                   [float(low), float(high)]])


def write(name, rows):
    """One file below 1 MB each."""
    with open(f"packages/stats/test/oracles/{name}.json", "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")


for engine in ("bayesian", "frequentist", "sequential"):
    write(engine, [case for case in cases if case["engine"] == engine])
write("multiplicity", adjusted)
write("counts", counts)
