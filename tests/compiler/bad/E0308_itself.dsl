from "E0308_itself.dsl" import f
def f(x):
    return x
input x: real
output y = f(x)
