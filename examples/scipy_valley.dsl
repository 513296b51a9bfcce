# Rosenbrock's valley in N dimensions; its minimum is 0 where all numbers are 1.
model valley

dim N
param x: real[N]

loss f = sum(100 * (x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)
