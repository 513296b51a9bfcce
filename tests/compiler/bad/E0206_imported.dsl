from "imported/layers.dsl" import dense, scale
from "imported/layers.dsl" import dense
def scale(x):
    return x
const scale = 2
input x: real
output y = dense(x) + scale
