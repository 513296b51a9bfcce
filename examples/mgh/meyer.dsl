# Meyer's function: a thermistor's resistance over temperature, badly scaled.
# Problem 10 of Moré, Garbow and Hillstrom (1981).
model meyer

const y = [
    34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744,
    8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872,
]
param x1: real = 0.02
param x2: real = 4000
param x3: real = 250

t = 45 + 5 * arange(1, 17)
r = x1 * exp(x2 / (t + x3)) - y
loss f = sum(r**2)
