"""Models of numbers alone, on Python floats and `math`."""

from __future__ import annotations

from math import atan, cos, erf, exp, log, log1p, pi, sin, sqrt, tanh
from typing import Any

from contest.workload import EXAMPLES, MODELS, Answer, Workload


def scalar3(x: float, y: float, z: float) -> Answer:
    a = x + y
    if y > z:
        return a * y, (y, y + a, 0.0)
    return a * z, (z, z, a)


def robot_arm(
    a: float, b: float, c: float, turn: float, shoulder: float, elbow: float, wrist: float,
    upper: float, lower: float, hand: float,
) -> Answer:  # fmt: skip
    bent = shoulder + elbow
    held = bent + wrist
    c1, c2, c3 = cos(shoulder), cos(bent), cos(held)
    s1, s2, s3 = sin(shoulder), sin(bent), sin(held)
    ct, st = cos(turn), sin(turn)
    reach = upper * c1 + lower * c2 + hand * c3
    height = upper * s1 + lower * s2 + hand * s3
    x = reach * ct - 0.1 * st
    y = reach * st + 0.1 * ct
    dx, dy, dz = x - a, y - b, height - c
    distance = sqrt(dx * dx + dy * dy + dz * dz + 1e-4)
    half_e, half_w = sin(0.5 * elbow), sin(0.5 * wrist)
    flat_e, flat_w = 2.0 * half_e * half_e, 2.0 * half_w * half_w
    torque = 1.5 * upper * c1 + 0.5 * lower * c2
    fall = 0.1 * exp(-reach)
    t = tanh(height * reach)
    square = elbow * elbow
    se, cw = sin(elbow), cos(wrist)
    gap = 2.0 - se * cw
    long = upper + lower + hand - 2.0
    area = upper * lower
    volume = area * hand - 0.2
    f = (
        distance
        + 0.02 * (square + wrist * wrist) + 0.05 * flat_e * flat_w
        + 0.3 * torque * torque + fall + 0.2 * t
        - 0.01 * (log1p(square) + log(gap))
        + long * long + 0.1 * volume * volume
    )  # fmt: skip
    d_product = 0.2 * (1.0 - t * t)
    d_x, d_y = dx / distance, dy / distance
    d_height = dz / distance + d_product * reach
    d_reach = d_product * height - fall + d_x * ct + d_y * st
    d_torque = 0.6 * torque
    d_c1, d_c2 = d_reach + 1.5 * d_torque, d_reach + 0.5 * d_torque
    d_held = hand * (d_height * c3 - d_reach * s3)
    d_bent = lower * (d_height * c2 - d_c2 * s2) + d_held
    d_gap = 0.01 / gap
    d_elbow = (
        d_bent + 0.04 * elbow + 0.05 * flat_w * se + d_gap * cos(elbow) * cw - 0.02 * elbow / (1.0 + square)
    )
    sw = sin(wrist)
    d_wrist = d_held + 0.04 * wrist + 0.05 * flat_e * sw - d_gap * se * sw
    d_long, d_volume = 2.0 * long, 0.2 * volume
    return f, (
        d_y * x - d_x * y,
        upper * (d_height * c1 - d_c1 * s1) + d_bent,
        d_elbow,
        d_wrist,
        d_c1 * c1 + d_height * s1 + d_long + d_volume * lower * hand,
        d_c2 * c2 + d_height * s2 + d_long + d_volume * upper * hand,
        d_reach * c3 + d_height * s3 + d_long + d_volume * area,
    )


def robot_arm_as_written(
    np: Any, a: Any, b: Any, c: Any, turn: Any, shoulder: Any, elbow: Any, wrist: Any,
    upper: Any, lower: Any, hand: Any,
) -> Any:  # fmt: skip
    cos, sin = np.cos, np.sin
    reach = upper * cos(shoulder) + lower * cos(shoulder + elbow) + hand * cos(shoulder + elbow + wrist)
    height = upper * sin(shoulder) + lower * sin(shoulder + elbow) + hand * sin(shoulder + elbow + wrist)
    x = reach * cos(turn) - 0.1 * sin(turn)
    y = reach * sin(turn) + 0.1 * cos(turn)
    distance = np.sqrt((x - a) ** 2 + (y - b) ** 2 + (height - c) ** 2 + 1e-4)
    bends = 0.02 * (elbow**2 + wrist**2) + 0.05 * (1 - cos(elbow)) * (1 - cos(wrist))
    torque = upper * cos(shoulder) / 2 + upper * cos(shoulder) + lower * cos(shoulder + elbow) / 2
    strain = 0.3 * torque**2 + 0.1 * np.exp(-reach) + 0.2 * np.tanh(height * reach)
    barrier = -0.01 * (np.log(1 + elbow**2) + np.log(2 - sin(elbow) * cos(wrist)))
    size = (upper + lower + hand - 2) ** 2 + 0.1 * (upper * lower * hand - 0.2) ** 2
    return distance + bends + strain + barrier + size


def black_scholes(spot: float, strike: float, maturity: float, rate: float, volatility: float) -> Answer:
    root = sqrt(maturity)
    width = volatility * root
    carry = rate + 0.5 * volatility * volatility
    d1 = (log(spot / strike) + carry * maturity) / width
    d2 = d1 - width
    n1, n2 = 0.5 * (1.0 + erf(d1 * 0.7071067811865476)), 0.5 * (1.0 + erf(d2 * 0.7071067811865476))
    discounted = strike * exp(-rate * maturity)
    price = spot * n1 - discounted * n2
    # spot φ(d1) = strike exp(-rate maturity) φ(d2), so what goes through d1 cancels
    vega = spot * exp(-0.5 * d1 * d1) / sqrt(2 * pi) * root
    return price, (
        n1,
        -discounted / strike * n2,
        0.5 * vega * volatility / maturity + rate * discounted * n2,
        maturity * discounted * n2,
        vega,
    )


def black_scholes_as_written(
    np: Any, spot: Any, strike: Any, maturity: Any, rate: Any, volatility: Any
) -> Any:
    spread = volatility * np.sqrt(maturity)
    d1 = (np.log(spot / strike) + (rate + volatility**2 / 2) * maturity) / spread
    return spot * np.ndtr(d1) - strike * np.exp(-rate * maturity) * np.ndtr(d1 - spread)


def kepler5(seen_x: float, seen_y: float, M: float, e: float, a: float) -> Answer:
    E = M
    d_M, d_e = 1.0, 0.0  # of E: three parameters by two, so forward is as cheap, and keeps nothing
    for _ in range(5):
        s, c = sin(E), cos(E)
        f, slope = E - e * s - M, 1.0 - e * c
        step = f / slope
        by_E = step * e * s / slope  # of E - f / slope
        d_M = by_E * d_M + 1.0 / slope
        d_e = by_E * d_e + (s - step * c) / slope
        E -= step
    s, c = sin(E), cos(E)
    w = sqrt(1.0 - e * e)
    p, q = c - e, w * s
    x, y = a * p - seen_x, a * q - seen_y
    d_E = 2.0 * a * (y * w * c - x * s)
    return x * x + y * y, (
        d_E * d_M,
        d_E * d_e - 2.0 * a * (x + y * e * s / w),
        2.0 * (x * p + y * q),
    )


def kepler5_as_written(np: Any, seen_x: Any, seen_y: Any, M: Any, e: Any, a: Any) -> Any:
    E = M
    for _ in range(5):
        E = E - (E - e * np.sin(E) - M) / (1 - e * np.cos(E))
    x = a * (np.cos(E) - e)
    y = a * np.sqrt(1 - e**2) * np.sin(E)
    return (x - seen_x) ** 2 + (y - seen_y) ** 2


def reaction(
    T: float, p: float, u: float, v: float, w: float, A1: float, A2: float, E1: float, E2: float
) -> Answer:
    x1 = -1.0 / (8.314 * T)
    e1, e2 = exp(E1 * x1), sqrt(T) * exp(E2 * x1)
    k1, k2 = A1 * e1, A2 * e2
    falloff = 0.3 * p / (1.0 + 0.3 * p)
    k3 = k1 * falloff
    vw, uv = v * w, u * v
    r1, r2, r3 = k1 * uv, k2 * vw, k3 * w * w
    below = 1.0 + u + w
    r4 = 0.1 * u * w / below
    du, dv, dw = r2 - r1 - r4, r3 - r1 - r2, r1 + r4 - 2.0 * r3
    total = u + v + w
    if total > 0.5:
        f = du * du + dv * dv + dw * dw + 0.01 * (total - 1.0) * (total - 1.0)
        d_du, d_dv, d_dw, d_total = 2.0 * du, 2.0 * dv, 2.0 * dw, 0.02 * (total - 1.0)
    else:
        f = abs(du) + abs(dv) + abs(dw)
        d_du, d_dv, d_dw = ((r > 0.0) - (r < 0.0) + 0.0 for r in (du, dv, dw))
        d_total = 0.0
    d_r1, d_r2, d_r3, d_r4 = d_dw - d_du - d_dv, d_du - d_dv, d_dv - 2.0 * d_dw, d_dw - d_du
    d_k1 = d_r1 * uv + d_r3 * w * w * falloff
    d_k2 = d_r2 * vw
    share = d_r4 * r4
    return f, (
        d_r1 * k1 * v + share / u - share / below + d_total,
        d_r1 * k1 * u + d_r2 * k2 * w + d_total,
        d_r2 * k2 * v + 2.0 * d_r3 * k3 * w + share / w - share / below + d_total,
        d_k1 * e1,
        d_k2 * e2,
        d_k1 * k1 * x1,
        d_k2 * k2 * x1,
    )


def reaction_as_written(
    np: Any, T: Any, p: Any, u: Any, v: Any, w: Any, A1: Any, A2: Any, E1: Any, E2: Any
) -> Any:
    k1 = A1 * np.exp(-E1 / (8.314 * T))
    k2 = A2 * np.sqrt(T) * np.exp(-E2 / (8.314 * T))
    k3 = 0.3 * k1 * p / (1 + 0.3 * p)
    r1, r2, r3, r4 = k1 * u * v, k2 * v * w, k3 * w**2, 0.1 * u * w / (1 + u + w)
    du, dv, dw = r2 - r1 - r4, r3 - r1 - r2, r1 + r4 - 2 * r3
    near = du**2 + dv**2 + dw**2 + 0.01 * (u + v + w - 1) ** 2
    return np.where(u + v + w > 0.5, near, abs(du) + abs(dv) + abs(dw))


def helical_valley(x1: float, x2: float, x3: float) -> Answer:
    turns = atan(x2 / x1) / (2.0 * pi) + (0.5 if x1 < 0.0 else 0.0)
    radius = sqrt(x1 * x1 + x2 * x2)
    r1, r2 = 10.0 * (x3 - 10.0 * turns), 10.0 * (radius - 1.0)
    d_turns, d_radius = -200.0 * r1 / (2.0 * pi * radius * radius), 20.0 * r2 / radius
    return r1 * r1 + r2 * r2 + x3 * x3, (
        d_radius * x1 - d_turns * x2,
        d_radius * x2 + d_turns * x1,
        20.0 * r1 + 2.0 * x3,
    )


def helical_valley_as_written(np: Any, x1: Any, x2: Any, x3: Any) -> Any:
    theta = np.arctan(x2 / x1) / (2 * pi) + np.where(x1 < 0, 0.5, 0.0)
    r1, r2 = 10 * (x3 - 10 * theta), 10 * (np.sqrt(x1**2 + x2**2) - 1)
    return r1**2 + r2**2 + x3**2


def wood(x1: float, x2: float, x3: float, x4: float) -> Answer:
    a, b, c, d = x2 - x1 * x1, 1.0 - x1, x4 - x3 * x3, 1.0 - x3
    e, g = x2 + x4 - 2.0, x2 - x4
    f = 100.0 * a * a + b * b + 90.0 * c * c + d * d + 10.0 * e * e + 0.1 * g * g
    even, odd = 20.0 * e, 0.2 * g
    return f, (
        -400.0 * a * x1 - 2.0 * b,
        200.0 * a + even + odd,
        -360.0 * c * x3 - 2.0 * d,
        180.0 * c + even - odd,
    )


def wood_as_written(np: Any, x1: Any, x2: Any, x3: Any, x4: Any) -> Any:
    r1, r2, r3, r4 = 10 * (x2 - x1**2), 1 - x1, 90**0.5 * (x4 - x3**2), 1 - x3
    r5, r6 = 10**0.5 * (x2 + x4 - 2), (x2 - x4) / 10**0.5
    return r1**2 + r2**2 + r3**2 + r4**2 + r5**2 + r6**2


NO_CDF = "no normal distribution function"
WORKLOADS = (
    Workload(
        name="scalar3",
        title="scalar, 3 ops",
        model=MODELS / "scalar3.dsl",
        draw=lambda: {"x": 2.0, "y": 5.0, "z": -4.0},
        wrt=("x", "y", "z"),
        best=scalar3,
        objective=lambda np, x, y, z: (x + y) * np.maximum(y, z),
        goals={"jax": 50, "torch": 150, "autograd": 500, "casadi": 50},
        scalars=True,
        numba=True,
    ),
    Workload(
        name="robot_arm",
        title="scalar, 91 ops (robot arm)",
        model=MODELS / "robot_arm.dsl",
        draw=lambda: {
            "a": 0.9,
            "b": 0.4,
            "c": 0.6,
            "turn": 0.3,
            "shoulder": 0.7,
            "elbow": -0.4,
            "wrist": 0.2,
            "upper": 0.8,
            "lower": 0.7,
            "hand": 0.3,
        },
        wrt=("turn", "shoulder", "elbow", "wrist", "upper", "lower", "hand"),
        best=robot_arm,
        objective=robot_arm_as_written,
        goals={"jax": 10, "torch": 300, "autograd": 800, "casadi": 9, "sympy": 1.9},
        scalars=True,
        numba=True,
    ),
    Workload(
        name="black_scholes",
        title="Black–Scholes, 5 slopes",
        model=MODELS / "black_scholes.dsl",
        draw=lambda: {"spot": 100.0, "strike": 95.0, "maturity": 0.5, "rate": 0.03, "volatility": 0.2},
        wrt=("spot", "strike", "maturity", "rate", "volatility"),
        best=black_scholes,
        objective=black_scholes_as_written,
        scalars=True,
        numba=True,
    ),
    Workload(
        name="kepler5",
        title="Kepler, 5 Newton steps",
        model=MODELS / "kepler5.dsl",
        draw=lambda: {"seen_x": 0.4, "seen_y": 0.9, "M": 1.2, "e": 0.3, "a": 1.1},
        wrt=("M", "e", "a"),
        best=kepler5,
        objective=kepler5_as_written,
        scalars=True,
        numba=True,
    ),
    Workload(
        name="reaction",
        title="reaction rates, 7 slopes",
        model=MODELS / "reaction.dsl",
        draw=lambda: {
            "T": 300.0,
            "p": 2.0,
            "u": 0.4,
            "v": 0.3,
            "w": 0.2,
            "A1": 5.0,
            "A2": 0.3,
            "E1": 4e3,
            "E2": 3e3,
        },
        wrt=("u", "v", "w", "A1", "A2", "E1", "E2"),
        best=reaction,
        objective=reaction_as_written,
        scalars=True,
        without={"casadi": "a branch", "buffer": "a branch"},
    ),
    Workload(
        name="mgh_helical",
        title="MGH helical valley",
        model=EXAMPLES / "mgh" / "helical_valley.dsl",
        draw=lambda: {"x1": -1.0, "x2": 0.3, "x3": 0.2},
        wrt=("x1", "x2", "x3"),
        best=helical_valley,
        objective=helical_valley_as_written,
        scalars=True,
        numba=False,
        without={"casadi": "a branch", "buffer": "a branch"},
    ),
    Workload(
        name="mgh_wood",
        title="MGH Wood",
        model=EXAMPLES / "mgh" / "wood.dsl",
        draw=lambda: {"x1": -3.0, "x2": -1.0, "x3": -3.0, "x4": -1.0},
        wrt=("x1", "x2", "x3", "x4"),
        best=wood,
        objective=wood_as_written,
        scalars=True,
        numba=True,
    ),
)
