from "other.dsl" import f
input x: real
output y = f(x)
