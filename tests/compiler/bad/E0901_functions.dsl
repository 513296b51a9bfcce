dim N
input A: real[N, N]
input b: real[N]
output g = erf(b)
output h = lgamma(b)
