dim N
input x: real[N]
output k = argmax(x)
grad k wrt x
