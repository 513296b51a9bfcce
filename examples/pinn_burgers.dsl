# A network u(t, x) that solves the viscous Burgers equation u_t + u u_x = nu u_xx for -1 < x < 1 from
# u(0, x) = -sin(pi x), with u(t, -1) = u(t, 1) = 0 (Raissi, Perdikaris & Karniadakis 2019).
model pinn_burgers

dim N, H
input t, x: real[N]  # where the equation is to hold
input nu: real > 0
param A: real[2, H] = normal(0, 1)
param a: real[H] = normal(0, 1)
param B: real[H, H] = xavier()
param b: real[H]
param c: real[H] = normal(0, 0.3)

h = tanh(t[:, None] * A[0] + x[:, None] * A[1] + a)
net = tanh(h @ B + b) @ c
output u = t * (1 - x**2) * net - sin(pi * x)  # initial and boundary values hold whatever the network says

u_x = grad(sum(u), x)
residual = grad(sum(u), t) + u * u_x - nu * grad(sum(u_x), x)
loss L = mean(residual**2)
