# A call and a put by Black and Scholes, and what the call is worth at once.
model option

input S, K, r, sigma, T: real
vol = sigma * sqrt(T)
d1 = (log(S / K) + (r + sigma**2 / 2) * T) / vol
d2 = d1 - vol
N1 = 0.5 * (1 + erf(d1 / sqrt(2.0)))
N2 = 0.5 * (1 + erf(d2 / sqrt(2.0)))
call = S * N1 - K * exp(-r * T) * N2
put = call - S + K * exp(-r * T)
output f = call + put + 0.1 * maximum(S - K, 0.0)
grad f wrt S, K, r, sigma, T
