# Errors in an imported file are shown in that file, and nothing that follows from them.
from "imported/broken.dsl" import f, g, h
input x: real
output y = f(x) + g(x) + h(x)
