# Penalty function I of any size n, customarily started at (1, 2, …, n).
# Problem 23 of Moré, Garbow and Hillstrom (1981).
model penalty1

dim n
param x: real[n]

r = concatenate([sqrt(1e-5) * (x - 1), [sum(x**2) - 1 / 4]])
loss f = sum(r**2)
