# Rates of four coupled reactions at a temperature (Arrhenius' law, one of them with a falloff in the pressure),
# and how far the net rates are from a steady state.
model reaction

input T, p: real > 0
param u, v, w: real > 0                    # concentrations
param A1, A2, E1, E2: real > 0

k1 = A1 * exp(-E1 / (8.314 * T))
k2 = A2 * sqrt(T) * exp(-E2 / (8.314 * T))
k3 = 0.3 * k1 * p / (1 + 0.3 * p)
r1 = k1 * u * v
r2 = k2 * v * w
r3 = k3 * w**2
r4 = 0.1 * u * w / (1 + u + w)
du = r2 - r1 - r4
dv = r3 - r1 - r2
dw = r1 + r4 - 2 * r3
loss f = du**2 + dv**2 + dw**2 + 0.01 * (u + v + w - 1)**2 if u + v + w > 0.5 else abs(du) + abs(dv) + abs(dw)
