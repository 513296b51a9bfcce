# What is missing because a line did not parse is no error of its own.
input a: real
def f(x):
    return
input b₁, b₂: real
output y = f(a) + b₁
