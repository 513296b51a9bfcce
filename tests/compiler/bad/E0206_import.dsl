# Which of two functions a call means is not known: the calls are not looked at.
from nn import linear
from nn import linear
def relu6(x):
    return x
def relu6(x, y):
    return x
input x: real
a = linear(x)
output f = relu6(1, 2, 3)
