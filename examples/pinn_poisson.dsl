# A network u(x) that solves u'' = f for 0 < x < 1 with u(0) = u(1) = 0.
model pinn_poisson

dim N, H
input x, f: real[N]    # where the equation is to hold, and its right side there
param v: real[H] = normal(0, 3)
param b: real[H] = uniform(-3, 3)
param w: real[H] = normal(0, 0.3)

def net(x: real[M]):
    return tanh(x[:, None] * v + b) @ w

output u = net(x)
u_x = grad(sum(u), x)  # each u[i] depends on its own x[i] alone
u_xx = grad(sum(u_x), x)
loss L = 0.01 * mean((u_xx - f)**2) + sum(net([0.0, 1.0])**2)
