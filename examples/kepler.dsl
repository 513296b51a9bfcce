# Newton's method inside a model: the eccentric anomaly E of a body on its orbit, E - e sin(E) = M (Kepler), and the
# orbit's elements fitted to where the body was seen. Each step takes the slope of the equation from the equation.
model kepler

dim N
input t: real[N]
input seen: real[N, 2]
param a: real > 0 = 1.0         # half the long axis
param e: real >= 0 < 0.9 = 0.1  # eccentricity
param n: real > 0 = 1.0         # mean motion
param phase: real

M = n * t + phase
E = M + e * sin(M)
for step in range(6):
    gap = E - e * sin(E) - M
    E = E - gap / grad(sum(gap), E)
output anomaly = E

place = stack([a * (cos(E) - e), a * sqrt(1 - e**2) * sin(E)], axis=1)
output misses = ravel(place - seen)
loss L = sum(misses**2)
