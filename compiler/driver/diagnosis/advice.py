"""What usually helps, by kind of finding; each with the paper that says so."""

from __future__ import annotations

SOURCES = {
    "badly scaled input": "LeCun, Bottou, Orr and Müller 1998",
    "symmetric units": "Goodfellow, Bengio and Courville 2016, 8.4",
    "dead units": "He, Zhang, Ren and Sun 2015; Lu, Shin, Su and Karniadakis 2020",
    "saturated": "Glorot and Bengio 2010",
    "vanishing gradient": "Glorot and Bengio 2010; He, Zhang, Ren and Sun 2015",
    "exploding gradient": "Glorot and Bengio 2010; He, Zhang, Ren and Sun 2015",
    "vanishing through time": "Hochreiter and Schmidhuber 1997; Pascanu, Mikolov and Bengio 2013",
    "exploding through time": "Pascanu, Mikolov and Bengio 2013",
}

HELPS = {
    "no data": "give it data in which no dim is 0; look at what has filtered or split them",
    "not finite": "look for a logarithm, root or quotient of 0 there, and for an exponential that overflows; "
    "a constraint (`> 0`) or a small eps keeps an argument away from 0",
    "badly scaled input": "standardise it: subtract the mean of each feature and divide by its standard "
    "deviation, before training or in the model",
    "no gradient": "use it on a path of differentiable functions to the loss, or make it a const or an input",
    "symmetric units": "start with random numbers (xavier(), kaiming()); only biases may start at a constant",
    "dead units": "a lower learning rate; biases that start at 0 or a little above; kaiming() for the "
    "weights; leaky_relu or elu, whose slope is never 0",
    "saturated": "smaller weights to start with (xavier()); inputs that are scaled; a normalisation before "
    "it (layer_norm)",
    "vanishing gradient": "relu, or another function that isn't flat on both sides; kaiming() or xavier(); a "
    "normalisation in each layer (layer_norm); connections that bypass layers (h + f(h))",
    "exploding gradient": "smaller weights to start with (kaiming(), xavier()); a normalisation in each "
    "layer (layer_norm); gradients clipped to a largest norm",
    "vanishing through time": "orthogonal() for the recurrent weights; gates (an LSTM or a GRU) with a "
    "forget gate whose bias starts at 1 or more; shorter sequences",
    "exploding through time": "gradients clipped to a largest norm; orthogonal() for the recurrent weights, "
    "or smaller ones; gates (an LSTM or a GRU); shorter sequences",
}

GIVEN = (
    "find the elements with np.isfinite, and leave out or fill in what is missing in data; params become so "
    "in training, mostly of too high a learning rate"
)
SHIFTED = "leave it out: what follows has a shift of its own, or needs none"
ZEROS = "start {} with random numbers (xavier(), kaiming())"
ZERO = "look at what lies between it and the loss: something multiplies by 0, or its slope is 0"
SIGMOID = (
    "; at the end of a network a loss that takes what comes before the sigmoid "
    "(binary_cross_entropy_with_logits)"
)
SOFTMAX = "divide its argument by the root of the number of terms in each product (in attention by sqrt(D))"
