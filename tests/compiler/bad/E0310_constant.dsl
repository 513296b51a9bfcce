param true: real
loss L = true
