dim T
input x: real[T]
n = 0
for t in range(T):
    n = n + 1
output k = n
grad k wrt x
