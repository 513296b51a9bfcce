# What weights and which rates learn new tasks best in a few steps of gradient descent (Finn, Abbeel & Levine 2017).
model few_shot

dim S, N, D       # tasks, examples of each, features
input x, x_new: real[S, N, D]
input y, y_new: real[S, N]
param w: real[D]  # where each task begins
param log_rate: real[D] = full(-2.0)

def error(w, x, y):
    return mean((tanh(x @ w) - y)**2)

total = 0.0
for s in range(S):
    z = w
    for step in range(3):
        z = z - exp(log_rate) * grad(error(z, x[s], y[s]), z)
    total = total + error(z, x_new[s], y_new[s])
loss L = total / S
