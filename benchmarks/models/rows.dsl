# A scale and a shift for each column, an activation, a weighted sum.
model rows

dim N, D
input x, weight: real[N, D]
param gain: real[D] = ones()
param shift: real[D]

h = silu(x * gain + shift)
loss L = mean(weight * h * h)
