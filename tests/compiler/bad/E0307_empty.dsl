param s: real > 1 < 0
loss L = s
