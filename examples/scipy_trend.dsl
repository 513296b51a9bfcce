# A smooth curve through N points, Whittaker's: near the data, and bent as little as the stiffness wants.
model trend

dim N
input y: real[N]
input stiffness: real >= 0
param x: real[N]

bend = x[2:] - 2 * x[1:-1] + x[:-2]
output r = concatenate(x - y, stiffness * bend)
grad r wrt x
