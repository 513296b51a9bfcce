# The worked example of the survey by Baydin, Pearlmutter, Radul and Siskind (2018).
model trig

input x1, x2: real
output f = log(x1) + x1 * x2 - sin(x2)
grad f wrt x1, x2
