param w: real
y = tanh(w)**2 * exp(w)
loss L = grad(grad(grad(grad(grad(grad(grad(grad(grad(grad(y, w), w), w), w), w), w), w), w), w), w)
