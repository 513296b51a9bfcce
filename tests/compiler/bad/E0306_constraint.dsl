param s: real > 0 = -1.0
loss L = log(s)
