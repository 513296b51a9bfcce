param w: real[3] = [1, 2]
loss L = sum(w)
