# Values that are chosen: by a condition, by a maximum, by bounds.
model sides

dim N, D
input x: real[N, D]
param w: real[D]
param low: real

z = x @ w
output y = where(z > 1, maximum(z, low), clip(z, 0, 2)**2)
grad y wrt w, low
