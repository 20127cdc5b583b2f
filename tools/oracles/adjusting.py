"""Post-stratified arms from the identities' own values by numpy; tests of dependence on the arm by scipy. Writes its tables."""
import json
from pathlib import Path

import numpy as np
from scipy import stats

rng = np.random.default_rng(20260301)


def moments(x):
    """n, means and sample covariances of the columns of x."""
    return {"n": len(x), "mean": x.mean(axis=0).tolist(), "covariance": np.atleast_2d(np.cov(x.T, ddof=1)).tolist()}


def post_stratified():
    """Two columns, a few strata of different size and level; the post-stratified mean and ratio of each arm with their variances."""
    k = int(rng.integers(2, 6))
    strata = []
    for _ in range(k):
        level = rng.normal(5, 3)
        arms = {}
        for arm in ("control", "treatment"):
            n = int(rng.integers(2, 60))
            y = rng.normal(10, 1, n)
            arms[arm] = np.column_stack([level + 0.5 * y + rng.normal(0, 2, n), y])
        strata.append(arms)
    total = sum(len(s["control"]) + len(s["treatment"]) for s in strata)
    out = {}
    for arm in ("control", "treatment"):
        mean, cov = np.zeros(2), np.zeros((2, 2))
        for s in strata:
            w = (len(s["control"]) + len(s["treatment"])) / total
            mean += w * s[arm].mean(axis=0)
            cov += w * w * np.cov(s[arm].T, ddof=1) / len(s[arm])
        gradient = np.array([1 / mean[1], -mean[0] / mean[1] ** 2])
        out[arm] = {
            "mean": mean[0],
            "mean_variance": cov[0, 0],
            "ratio": mean[0] / mean[1],
            "ratio_variance": gradient @ cov @ gradient,
        }
    return {
        "strata": [{arm: moments(s[arm]) for arm in s} for s in strata],
        "expected": out,
    }


def homogeneity():
    k = int(rng.integers(2, 6))
    n = rng.integers(500, 5000, k)
    affected = rng.binomial(n, np.clip(rng.uniform(0.05, 0.95) + rng.normal(0, 0.01, k), 0.02, 0.98))
    p = stats.chi2_contingency([affected, n - affected], correction=False).pvalue
    return {"kind": "homogeneity", "n": n.tolist(), "affected": affected.tolist(), "p_value": p}


def balance():
    k = int(rng.integers(2, 6))
    arms = [rng.normal(3 + rng.normal(0, 0.1), 1 + rng.random(), int(rng.integers(50, 500)))[:, None] for _ in range(k)]
    value = np.array([a.mean() for a in arms])
    weight = np.array([len(a) / a.var(ddof=1) for a in arms])
    q = float((weight * (value - (weight * value).sum() / weight.sum()) ** 2).sum())
    return {"kind": "balance", "arms": [moments(a) for a in arms], "p_value": stats.chi2.sf(q, k - 1)}


packages = Path(__file__).parents[2] / "packages"


def write(path, rows):
    text = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    (packages / path).write_text(f"[\n{text}\n]\n")


write("stats/test/oracles/post_stratified.json", [post_stratified() for _ in range(60)])
write("srm/test/oracles/arms.json", [make() for make in [homogeneity] * 60 + [balance] * 60])
