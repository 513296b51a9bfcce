param w: real
loss L = w**2
loss M = w**4
