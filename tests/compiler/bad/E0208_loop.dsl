dim T
input x: real[T]
input v: real[4]
s = 0.0
for t in range(T):
    s = s + x[t-1] * x[t+1]
for t in range(5):
    s = s + v[t]
for i in range(T):
    for j in range(i):
        s = s + x[i-j-2] + x[i+j]
for t in range(T):
    if t >= 1:
        s = s + x[t-2]
    else:
        s = s + x[t-1]
    s = s + sum(x[:t]) + sum(x[t:t+3]) + sum(x[t:T:-1])
output f = s
