# Where a body is on its orbit: five steps of Newton's method on Kepler's equation, and the squared distance
# of that place from where the body was seen.
model kepler5

input seen_x, seen_y: real
param M, e, a: real                        # mean anomaly, eccentricity, semi-major axis

E = M
for i in range(5):
    E = E - (E - e * sin(E) - M) / (1 - e * cos(E))
x = a * (cos(E) - e)
y = a * sqrt(1 - e**2) * sin(E)
loss d = (x - seen_x)**2 + (y - seen_y)**2
