# Random numbers that the constraints exclude; constraints on the wrong side of `=`.
param a: real[2] >= 0 = uniform(-1, 1)
param b: real[2, 2] >= 0 = xavier()
param c: real[2, 2] < 1 = kaiming()
param d: real[2] > 0 < 1 = uniform(0, 1)
param e: real[2] = [1, 2] > 0
param f: real = true
loss L = sum(a) + sum(b) + sum(c) + sum(d) + sum(e) + f
