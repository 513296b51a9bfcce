# Logistic regression with labels -1 and +1, written as it is on the blackboard:
# L = |w|²/2 - λ Σ log p(y|x). The compiler keeps it finite for margins of any size.
model logistic

dim N, D
input x: real[N, D]
input y: real[N]                  # labels, -1 or +1
param w: real[D]
const λ = 0.5

log_p = log(1 / (1 + exp(-y * (x @ w))))
loss L = sum(w**2) / 2 - λ * sum(log_p)
