# A gallery of activation functions; the parametric ReLU learns its slope.
model activations

dim N
param z: real[N] = normal(0, 2)
param slope: real = 0.25

output y_hardtanh = hardtanh(z)
output y_leaky = leaky_relu(z)
output y_prelu = prelu(z, slope)
output y_tanh = tanh(z)
output y_relu = relu(z)
output y_softplus = softplus(z)
output y_gelu = gelu(z, approximate="tanh")
output y_silu = silu(z)
loss total = sum(y_hardtanh + y_leaky + y_prelu + y_tanh + y_relu + y_softplus + y_gelu + y_silu)
