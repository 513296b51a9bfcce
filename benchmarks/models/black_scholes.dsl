# The price of a European call, and its slopes (Black and Scholes, 1973).
model black_scholes

param spot, strike, maturity, rate, volatility: real > 0

spread = volatility * sqrt(maturity)
d1 = (log(spot / strike) + (rate + volatility**2 / 2) * maturity) / spread
output price = spot * ndtr(d1) - strike * exp(-rate * maturity) * ndtr(d1 - spread)
grad price wrt spot, strike, maturity, rate, volatility
