from "imported/first.dsl" import one
input x: real
output y = one(x)
