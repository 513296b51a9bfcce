# A body in a central field with drag, by the leapfrog method: how far it ends from a target.
model orbit

dim steps = 200
input target: real[3]
param x0, v0: real[3]
param mass, drag: real

x, v = x0, v0
for i in range(steps):
    r2 = dot(x, x) + 0.01
    v = v - 0.01 * (mass * x / (r2 * sqrt(r2)) + drag * v)
    x = x + 0.01 * v
loss L = sum((x - target)**2)
