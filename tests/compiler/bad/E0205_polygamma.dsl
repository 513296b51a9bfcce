dim N
input x: real[N]
input n: int
output a = polygamma(-1, x)
output b = polygamma(n, x)
output c = polygamma(x, 2)
output d = gamma(x)
output e = gammaln(x)
output f = gelu(x, approximate="erf")
