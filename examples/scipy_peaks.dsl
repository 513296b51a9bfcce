# A spectrum of K bell-shaped peaks on a straight baseline, for SciPy to fit: the residuals of N points.
model peaks

dim N, K
input x: real[N]
input y: real[N]
param height: real[K] > 0 = ones()
param centre: real[K]
param width: real[K] > 0 = ones()
param offset: real
param slope: real

u = (x[:, None] - centre) / width
output spectrum = exp(-u**2 / 2) @ height + offset + slope * x
output r = spectrum - y
grad r wrt height, centre, width, offset, slope
