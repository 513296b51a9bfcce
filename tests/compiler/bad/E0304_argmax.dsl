dim N
param w: real[N]
loss L = argmax(w)
