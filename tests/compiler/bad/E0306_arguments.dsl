dim D
input x: real
param a: real[D, D] = xavyer()
param b: real[D] = normal(0, -1)
param c: real[D] = uniform(1, 0)
param d: real[D] = full(D, 2)
param g: real[D] = normal(mu=0)
param h: real[D] = uniform(0, x)
param i: real = "zeros"
param j: real = 2 * x
param k: real = kaiming
loss L = x
