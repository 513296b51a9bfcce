# Scalars from step to step; how many steps there are is known at run time alone.
model steps

dim N
input a: real[N]
param x: real = 1.5
param r: real = 0.5

s = 0.0
for i in range(1, N):
    s = s * r + sin(x * a[i-1]) * a[i]
y = x + s
while y * y > 0.5 max 20:
    y = y - 0.3 * y * cos(y)
loss L = y * s
