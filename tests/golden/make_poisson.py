"""Writes poisson/{nested,crossed,alike}.txt: simulated utterances and the Poisson mixed model fitted to them by scipy, each
speaker's integral by adaptive quadrature, maximised by BFGS and Nelder-Mead; standard errors from a numerical Hessian.
    python3 tests/golden/make_poisson.py        (numpy, scipy)

A file: rows, terms; beta; standard errors; sd; log likelihood; then a row of speaker, errors, words, x each."""
import os

import numpy as np
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import gammaln

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "poisson")


def log_likelihood(theta, x, errors, words, speaker, sd=None):
    beta = theta[: x.shape[1]]
    sd = np.exp(theta[-1]) if sd is None else sd
    linear = np.log(words) + x @ beta
    total = float(np.sum(errors * linear - gammaln(errors + 1)))
    for s in np.unique(speaker):
        mine = speaker == s
        e, m = errors[mine].sum(), np.exp(linear[mine]).sum()
        if sd == 0:
            total -= m
            continue

        def log_f(b):
            return e * b - m * np.exp(b) - b * b / (2 * sd * sd) - np.log(sd) - np.log(2 * np.pi) / 2

        b = minimize(lambda v: -log_f(v[0]), [0.0], method="BFGS", options={"gtol": 1e-10}).x[0]
        width = 1 / np.sqrt(m * np.exp(b) + 1 / sd**2)
        value = quad(lambda v: np.exp(log_f(v) - log_f(b)), b - 14 * width, b + 14 * width, epsabs=1e-13, epsrel=1e-13,
                     limit=200, points=[b])[0]
        total += log_f(b) + np.log(value)
    return total


def hessian(f, at, step=2e-3):
    n = len(at)
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            total = 0
            for si, sj, sign in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)):
                moved = np.array(at)
                moved[i] += si * step
                moved[j] += sj * step
                total += sign * f(moved)
            out[i, j] = total / (4 * step * step)
    return out


def write(name, x, errors, words, speaker, fixed=None):
    def minus(theta):
        return -log_likelihood(theta, x, errors, words, speaker, fixed)

    start = np.zeros(x.shape[1] + (fixed is None))
    start[0] = np.log(errors.sum() / words.sum())
    if fixed is None:
        start[-1] = np.log(0.4)
    best = minimize(minus, start, method="BFGS", options={"gtol": 1e-6})
    best = minimize(minus, best.x, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-11, "maxiter": 4000})
    errors_of = np.sqrt(np.diag(np.linalg.inv(hessian(minus, best.x))))
    sd = np.exp(best.x[-1]) if fixed is None else fixed
    with open(os.path.join(here, name + ".txt"), "w") as out:
        print(len(errors), x.shape[1], file=out)
        print(*(f"{v:.9f}" for v in best.x[: x.shape[1]]), file=out)
        print(*(f"{v:.9f}" for v in errors_of[: x.shape[1]]), file=out)
        print(f"{sd:.9f}", f"{-best.fun:.9f}", file=out)
        for s, e, w, row in zip(speaker, errors, words, x):
            print(s, int(e), int(w), *(int(v) for v in row), file=out)
    print(name, best.x, errors_of, -best.fun)


os.makedirs(here, exist_ok=True)
rng = np.random.default_rng(3)
speaker = np.repeat(np.arange(24), 5)
words = rng.integers(3, 30, len(speaker)).astype(float)
b = rng.normal(0, 0.5, 24)
x = np.stack([np.ones(len(speaker)), speaker % 2, speaker % 3 == 0], 1).astype(float)
errors = rng.poisson(words * np.exp(x @ [-2, 0.4, -0.2] + b[speaker])).astype(float)
write("nested", x, errors, words, speaker)
x = np.stack([np.ones(len(speaker)), speaker % 2, np.arange(len(speaker)) % 5 > 2], 1).astype(float)
errors = rng.poisson(words * np.exp(x @ [-3, 0.4, 0.6] + b[speaker])).astype(float)
write("crossed", x, errors, words, speaker)
errors = np.round(words * 0.2)  # even more alike than chance would have it: the maximum is at sd = 0
write("alike", x, errors, words, speaker, fixed=0.0)
